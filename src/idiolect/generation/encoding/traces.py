"""What answers leave inside an open model: what its layers said of them, and what would have made them likelier.

One pass forward and one back over the answers to a prompt tell, for every layer at once,

    h (width,): the mean of what the layer says at the answer's tokens
    g (width,): the gradient of log p(y|x) by a vector added to what the layer says, from the prompt's last token on

so that log p_v(y|x) - log p(y|x) ~ g . v: how a steering vector moves the model is known before it is tried.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor, nn

    from idiolect.models.white_box.inner.network import Network

Out: TypeAlias = "Tensor | tuple[Tensor, ...]"  # of a layer: versions and architectures differ
Seen: TypeAlias = "Callable[[Tensor], Tensor]"


@dataclass(frozen=True)
class Traces:
    """Of n answers, at L layers."""

    hidden: Array  # (n, L, width) h
    push: Array  # (n, L, width) g
    tokens: Array  # (n,)

    @classmethod
    def of(cls, several: "Sequence[Traces]") -> "Traces":
        """All in a row."""
        return cls(
            np.concatenate([each.hidden for each in several]),
            np.concatenate([each.push for each in several]),
            np.concatenate([each.tokens for each in several]),
        )


def traces(
    network: "Network", prompt: Sequence[int], answers: Sequence[Sequence[int]], layers: Sequence[int]
) -> Traces:
    """Read answers to one prompt, all given as token ids."""
    import torch

    ids, answered = _rows(network, prompt, answers)
    start = len(prompt) - 1
    steered = torch.nn.functional.pad(answered, (start, 1))[:, :, None]  # where a vector acts: one token before
    inside = torch.nn.functional.pad(answered, (start + 1, 0))[:, :, None]
    counts = answered.sum(1)
    width = (len(answers), 1, network.width)
    probes = {layer: torch.zeros(width, device=network.device, requires_grad=True) for layer in layers}
    said: dict[int, Tensor] = {}

    def seen(layer: int) -> Seen:
        def see(output: "Tensor") -> "Tensor":
            said[layer] = (output.detach().float() * inside).sum(1) / counts[:, None]
            return output + (probes[layer] * steered).to(output.dtype)

        return see

    with torch.enable_grad(), hooked(network, {layer: seen(layer) for layer in layers}):
        total = (_likelihood(network, ids, len(prompt)) * answered).sum()
        gradients = torch.autograd.grad(total, [probes[layer] for layer in layers])
    return Traces(
        hidden=np.stack([_array(said[layer]) for layer in layers], axis=1),
        push=np.stack([_array(gradient[:, 0]) for gradient in gradients], axis=1),
        tokens=_array(counts),
    )


def divergence(
    network: "Network", prompt: Sequence[int], answers: Sequence[Sequence[int]], steering: Mapping[int, Array]
) -> float:
    """KL(steered || plain) in nats a token, over the places of these answers."""
    import torch

    ids, answered = _rows(network, prompt, answers)
    with torch.no_grad():
        plain = _says(network, ids, len(prompt))
        with hooked(network, {layer: _adds(vector, len(prompt) - 1) for layer, vector in steering.items()}):
            moved = _says(network, ids, len(prompt))
        each = (moved.exp() * (moved - plain)).sum(-1) * answered
        return float(each.sum() / answered.sum())


@contextmanager
def hooked(network: "Network", layers: "Mapping[int, Seen]") -> "Iterator[None]":
    """While this lasts, what a layer says goes through its function."""

    def hook(see: "Seen") -> "Callable[[nn.Module, tuple[Tensor, ...], Out], Out]":
        def through(_: "nn.Module", __: "tuple[Tensor, ...]", output: "Out") -> "Out":
            return (see(output[0]), *output[1:]) if isinstance(output, tuple) else see(output)

        return through

    handles = [network.blocks[layer].register_forward_hook(hook(see)) for layer, see in layers.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _adds(vector: Array, start: int) -> "Seen":
    import torch

    def add(output: "Tensor") -> "Tensor":
        moved = output.clone()
        moved[:, start:] += torch.as_tensor(vector, dtype=output.dtype, device=output.device)
        return moved

    return add


def _rows(network: "Network", prompt: Sequence[int], answers: Sequence[Sequence[int]]) -> "tuple[Tensor, Tensor]":
    """Token ids (n, T), padded behind, and where answers have tokens (n, t)."""
    import torch

    longest = max(len(answer) for answer in answers)
    ids = [[*prompt, *answer, *[0] * (longest - len(answer))] for answer in answers]
    answered = [[1.0] * len(answer) + [0.0] * (longest - len(answer)) for answer in answers]
    return torch.tensor(ids, device=network.device), torch.tensor(answered, device=network.device)


def _says(network: "Network", ids: "Tensor", prompt: int) -> "Tensor":
    """(n, t, V): the plain weights' log-probabilities where the answers' tokens come next."""
    from idiolect.models.white_box.inner.adapters import BASE

    kept = {"logits_to_keep": ids.shape[1] - prompt + 1, "use_cache": False}
    if network.adapters.model is None:
        out = network.loaded.module(input_ids=ids, **kept)
    else:
        out = network.adapters.model(input_ids=ids, adapter_names=[BASE] * len(ids), **kept)
    said: Tensor = out.logits[:, :-1].float().log_softmax(-1)
    return said


def _likelihood(network: "Network", ids: "Tensor", prompt: int) -> "Tensor":
    """(n, t): of each of the answers' tokens."""
    return _says(network, ids, prompt).gather(2, ids[:, prompt:, None])[..., 0]


def _array(tensor: "Tensor") -> Array:
    return np.asarray(tensor.detach().float().cpu().numpy())
