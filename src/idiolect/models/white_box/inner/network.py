"""The network with its hooks: prompts are read once, and every row is steered and adapted for itself."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from idiolect.errors import BadInput
from idiolect.models.inside import Inside
from idiolect.models.white_box.inner.adapters import BASE, Adapters, stamped
from idiolect.models.white_box.inner.cache import Prefixes, Prompt, RowsCache, of_cache
from idiolect.models.white_box.settings import WhiteBoxSettings
from idiolect.models.white_box.weights import Loaded, dimensions
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle
    from transformers.cache_utils import Cache

Out: TypeAlias = "Tensor | tuple[Tensor, ...]"  # of a layer: versions and architectures differ

SOFT = -1  # stands for a vector of a soft prompt among token ids


class Network:
    """One model in memory. Not safe to call from two threads at once."""

    def __init__(self, loaded: Loaded, settings: WhiteBoxSettings) -> None:
        self.loaded = loaded
        self.layers, self.width = dimensions(loaded.module)
        self.adapters = Adapters(loaded.module, settings.adapters)
        self.prefixes = Prefixes(settings.prefix_mib * 2**20)
        self.blocks = _blocks(loaded.module, self.layers)
        self.hidden = torch.empty(0)  # (R, t, width): what the newest logits were made from
        head = loaded.module.get_output_embeddings()
        cast("torch.nn.Module", head).register_forward_pre_hook(self._see)
        self._hooks: dict[int, RemovableHandle] = {}
        self._steering: dict[int, Tensor] = {}  # layer -> (R, 1, width), while rows decode

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.loaded.module.device

    def check(self, inside: Inside) -> None:
        """Raises BadInput for vectors that are not of this model's form."""
        soft = inside.soft_prompt
        if soft is not None and (soft.ndim != 2 or soft.shape[1] != self.width):
            raise BadInput(f"a soft prompt for this model is (T, {self.width}), not {soft.shape}: make it for this one")
        for layer, vector in inside.steering.items():
            if not 0 <= layer < self.layers or vector.shape != (self.width,):
                raise BadInput(
                    f"a vector {vector.shape} for layer {layer} does not fit a model of {self.layers} layers and width "
                    f"{self.width}: make steering vectors for this one"
                )
            if not np.isfinite(vector).all():
                raise BadInput(f"the steering vector of layer {layer} has values that are not finite")

    @torch.inference_mode()
    def read(self, ids: Sequence[int], inside: Inside) -> Prompt:
        """Keys and values of a prompt, its last token left out; beginnings that were read before are not read again."""
        soft = inside.soft_prompt
        marked = [*([SOFT] * (0 if soft is None else len(soft))), *ids]
        key = _key(inside)
        known = self.prefixes.longest(key, marked)
        done = known[0][0].shape[1] if known else 0
        if known and done == len(marked) - 1:
            return known
        cache, rows = None, RowsCache()
        if known:
            rows.join([known])
            cache = rows.cache
        embeds = self._embedded(marked[done:-1], soft)
        names = [self._adapter(inside.adapter)]
        at = torch.arange(done, len(marked) - 1, device=self.device)[None]
        read = of_cache(self._forward(names, cache, inputs_embeds=embeds, position_ids=at)[1])
        self.prefixes.keep(key, marked[:-1], read)
        return read

    @torch.inference_mode()
    def step(self, rows: RowsCache, tokens: Sequence[int], inside: Sequence[Inside]) -> tuple[Tensor, Tensor]:
        """Read one more token of each row: (R, V) float32, what comes next; (R, width), what that was made from."""
        self._steer(inside)
        try:
            in_use: set[str] = set()
            names = []
            for each in inside:
                names.append(self._adapter(each.adapter, frozenset(in_use)))
                in_use.add(names[-1])
            logits, rows.cache = self._forward(
                names,
                rows.cache,
                input_ids=torch.tensor(tokens, device=self.device)[:, None],
                attention_mask=rows.mask(self.device),
                position_ids=rows.positions(self.device),
            )
        finally:
            self._steering = {}
        return logits[:, -1].float(), self.hidden[:, -1].float()

    @torch.inference_mode()
    def mean_logprob(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        """Nats a token of an answer under the model as it is, nothing changed inside."""
        ids = torch.tensor([[*prompt, *answer]], device=self.device)
        logits, _ = self._forward([BASE], None, input_ids=ids, logits_to_keep=len(answer) + 1)
        likelihood = logits[0, :-1].float().log_softmax(-1)
        return float(likelihood.gather(1, ids[0, len(prompt) :, None]).mean())

    @torch.inference_mode()
    def along(self, prompt: Sequence[int], answer: Sequence[int]) -> tuple[Array, Array]:
        """Before each token of an answer (t,): what logits are made from (t, width), and p of any token (t, V)."""
        ids = torch.tensor([[*prompt, *answer[:-1]]], device=self.device)
        logits, _ = self._forward([BASE], None, input_ids=ids, logits_to_keep=len(answer))
        hidden = self.hidden[0, -len(answer) :].float()
        return hidden.cpu().numpy(), logits[0].float().softmax(-1).cpu().numpy()

    def embedding_table(self) -> Array:
        """(V, width): the vector of each token."""
        table = self.loaded.module.get_input_embeddings()
        return np.asarray(cast("torch.nn.Embedding", table).weight.detach().float().cpu().numpy(), dtype=np.float64)

    def forget(self) -> None:
        """Drop every prompt and adapter that is kept."""
        self.prefixes.clear()
        self.adapters.forget()

    def _forward(self, names: Sequence[str], cache: "Cache | None", **inputs: "Tensor | int") -> "tuple[Tensor, Cache]":
        if self.adapters.model is None:
            out = self.loaded.module(past_key_values=cache, use_cache=True, **inputs)
        else:
            out = self.adapters.model(past_key_values=cache, use_cache=True, adapter_names=list(names), **inputs)
        return out.logits, out.past_key_values

    def _adapter(self, folder: Path | None, in_use: frozenset[str] = frozenset()) -> str:
        return BASE if folder is None else self.adapters.name(folder, in_use)

    def _embedded(self, marked: Sequence[int], soft: Array | None) -> Tensor:
        """(1, t, width): tokens looked up, soft vectors in their places, which are the first ones."""
        table = self.loaded.module.get_input_embeddings()
        words: Tensor = table(torch.tensor([max(each, 0) for each in marked], device=self.device))
        vectors = sum(each == SOFT for each in marked)
        if soft is not None and vectors:  # the last of them: what was read before lacks at most the end
            words[:vectors] = torch.as_tensor(soft[len(soft) - vectors :], dtype=words.dtype, device=self.device)
        return words.unsqueeze(0)

    def _see(self, _: torch.nn.Module, given: tuple[Tensor, ...]) -> None:
        self.hidden = given[0].detach()

    def _steer(self, inside: Sequence[Inside]) -> None:
        for layer in {layer for each in inside for layer in each.steering}:
            nothing = np.zeros(self.width, dtype=np.float32)
            rows = np.stack([np.asarray(each.steering.get(layer, nothing), dtype=np.float32) for each in inside])
            self._steering[layer] = torch.from_numpy(rows)[:, None].to(self.device)
            if layer not in self._hooks:
                self._hooks[layer] = self.blocks[layer].register_forward_hook(self._hook(layer))

    def _hook(self, layer: int) -> Callable[[torch.nn.Module, tuple[Tensor, ...], Out], Out]:
        def add(_: torch.nn.Module, __: tuple[Tensor, ...], output: Out) -> Out:
            vectors = self._steering.get(layer)
            if vectors is None:
                return output
            if isinstance(output, Tensor):
                return output + vectors.to(output.dtype)
            return (output[0] + vectors.to(output[0].dtype), *output[1:])

        return add


def _key(inside: Inside) -> str:
    """What shapes the keys and values of a prompt beside its tokens; steering begins behind it."""
    soft = inside.soft_prompt
    adapter = "" if inside.adapter is None else stamped(inside.adapter)
    return adapter + ("" if soft is None else sha256(np.ascontiguousarray(soft, np.float32).tobytes()).hexdigest())


def _blocks(module: torch.nn.Module, layers: int) -> torch.nn.ModuleList:
    """The list of the model's layers, whatever its architecture calls it."""
    for found in module.modules():
        if isinstance(found, torch.nn.ModuleList) and len(found) == layers:
            return found
    raise BadInput(f"no list of {layers} layers was found in this model: steering is not known for its architecture")
