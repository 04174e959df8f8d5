"""A network with low-rank changes in it, and how likely it finds an answer."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from idiolect.errors import BadInput
from idiolect.generation.parameters.lora_file import Lora
from idiolect.models.white_box.weights import dimensions

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle
    from transformers import PreTrainedModel

Matrices: TypeAlias = Mapping[str, tuple[Tensor, Tensor]]  # module -> A (r, d_in) and B (d_out, r)
NUMBER: Final = re.compile(r"\.(\d+)\.")
Seen: TypeAlias = Callable[[str, Tensor], None]  # a module's name and what it reads (rows, t, d_in)
Hook: TypeAlias = Callable[[torch.nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]


@dataclass(frozen=True)
class Text:
    """A prompt and some answers to it, as token ids. Of the first two the first was preferred."""

    prompt: Sequence[int]
    answers: Sequence[Sequence[int]]
    liked: Sequence[float] = ()  # how well, one for each answer, up to a constant; empty: as the order says


def linear_modules(network: "PreTrainedModel", wanted: Sequence[str], upper: float) -> dict[str, torch.nn.Linear]:
    """The matrices whose names end so, in this share of the layers. Raises BadInput where the model has none."""
    layers, _ = dimensions(network)
    first = layers - max(1, round(upper * layers))
    found = {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.Linear) and name.rpartition(".")[2] in wanted and _layer(name) >= first
    }
    if missing := set(wanted) - {name.rpartition(".")[2] for name in found}:
        raise BadInput(f"this model has no matrices named {', '.join(sorted(missing))}: name those that it has")
    return found


def beginning(modules: Mapping[str, torch.nn.Linear], rank: int, seed: int) -> dict[str, Tensor]:
    """A (r, d_in) as PEFT begins it, uniform within 1 / sqrt(d_in)."""
    chance, found = torch.Generator().manual_seed(seed), dict[str, Tensor]()
    for name, module in modules.items():
        bound = module.in_features**-0.5
        a = torch.empty(rank, module.in_features).uniform_(-bound, bound, generator=chance)
        found[name] = a.to(module.weight.device)
    return found


def matrices_of(lora: Lora, network: "PreTrainedModel") -> Matrices:
    """The arrays of a LoRA where the network computes."""
    return {
        name: (
            torch.from_numpy(each.a.copy()).to(network.device),
            torch.from_numpy(each.b.copy()).to(network.device),
        )
        for name, each in lora.factors.items()
    }


@contextmanager
def added(
    network: "PreTrainedModel", matrices: Matrices, scale: float, gates: Mapping[str, Tensor] | None = None
) -> Iterator[None]:
    """W + s B A in the place of each W; with gates g (d_in,), s B A reads sigma(g . x) x (Per-Pcs).

    B may be (rows, d_out, r): one for each row.
    """
    with ExitStack() as stack:
        for name, (a, b) in matrices.items():
            gate = None if gates is None else gates[name]
            stack.callback(_hooked(network, name, _adding(a, b, scale, gate)).remove)
        yield


@contextmanager
def watched(network: "PreTrainedModel", names: Sequence[str], seen: Seen) -> Iterator[None]:
    """Tell what each of these modules reads."""
    with ExitStack() as stack:
        for name in names:

            def tell(_: torch.nn.Module, inputs: tuple[Tensor, ...], __: Tensor, name: str = name) -> None:
                seen(name, inputs[0].float())

            stack.callback(_hooked(network, name, tell).remove)
        yield


def logprobs(network: "PreTrainedModel", text: Text) -> Tensor:
    """(n,) nats of each answer, all its tokens together."""
    longest = max(map(len, text.answers))
    rows = [[*text.prompt, *answer, *[0] * (longest - len(answer))] for answer in text.answers]
    ids = torch.tensor(rows, device=network.device)
    is_read = torch.ones_like(ids)
    for row, answer in enumerate(text.answers):
        is_read[row, len(text.prompt) + len(answer) :] = 0
    said = network(input_ids=ids, attention_mask=is_read, use_cache=False, logits_to_keep=longest + 1).logits
    nats = said[:, :-1].float().log_softmax(-1)
    first = len(text.prompt)
    each: Tensor = nats.gather(-1, ids[:, first:, None]).squeeze(-1) * is_read[:, first:]
    return each.sum(-1)


def normed(x: Tensor) -> Tensor:
    """LN without affine."""
    return layer_norm(x, x.shape[-1:])


def _hooked(network: "PreTrainedModel", name: str, hook: Hook) -> "RemovableHandle":
    return network.get_submodule(name).register_forward_hook(hook)


def _layer(name: str) -> int:
    """The number in a module's name; of one outside the layers -1."""
    found = NUMBER.search(name)
    return -1 if found is None else int(found[1])


def _adding(a: Tensor, b: Tensor, scale: float, gate: Tensor | None) -> Hook:
    def add(_: torch.nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        x = inputs[0].float()
        if gate is not None:
            x = (x @ gate).sigmoid()[..., None] * x
        return output + (scale * (x @ a.T) @ b.mT).to(output.dtype)

    return add
