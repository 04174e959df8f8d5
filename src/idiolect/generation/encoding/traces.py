"""What answers leave inside an open model: what its layers said of them, and what would have made them likelier.

A pass forward, and one back where it is asked for, over the answers to a prompt tell for every layer at once

    h (width,): the mean of what the layer says at the answer's tokens
    g (width,): the gradient of log p(y|x) by a vector added to what the layer says, from the prompt's last token on

so that log p_v(y|x) - log p(y|x) ~ g . v: how a steering vector moves the model is known before it is tried.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from idiolect.models.inside import Inside
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor, nn

    from idiolect.models.white_box.inner.cache import Prompt
    from idiolect.models.white_box.inner.network import Network

Out: TypeAlias = "Tensor | tuple[Tensor, ...]"  # of a layer: versions and architectures differ
Seen: TypeAlias = "Callable[[Tensor], Tensor]"


@dataclass(frozen=True)
class Traces:
    """Of n answers, at L layers. `push` has no rows where nobody asked for gradients."""

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


@dataclass(frozen=True)
class Answers:
    """Answers to one prompt, as token ids."""

    prompt: Sequence[int]
    ids: Sequence[Sequence[int]]

    def padded(self, device: "object") -> "tuple[Tensor, Tensor]":
        """Ids (n, t), padded behind, and ones (n, t) where there is a token."""
        import torch

        longest = max(len(answer) for answer in self.ids)
        ids = torch.zeros(len(self.ids), longest, dtype=torch.long)
        there = torch.zeros(len(self.ids), longest)
        for row, answer in enumerate(self.ids):
            ids[row, : len(answer)] = torch.tensor(answer)
            there[row, : len(answer)] = 1
        return ids.to(str(device)), there.to(str(device))


def traces(network: "Network", answers: Answers, layers: Sequence[int], *, with_push: bool) -> Traces:
    """Read answers to one prompt; of every layer that is asked for."""
    import torch

    read, (ids, there) = _read(network, answers.prompt), answers.padded(network.device)
    counts = there.sum(1)
    probes = [torch.zeros(len(ids), 1, network.width, device=network.device, requires_grad=with_push) for _ in layers]
    said: dict[int, Tensor] = {}

    def seen(layer: int, probe: "Tensor") -> "Seen":
        def see(output: "Tensor") -> "Tensor":
            said[layer] = (output[:, 1:].detach().float() * there[:, :, None]).sum(1) / counts[:, None]
            return output + probe.to(output.dtype) if with_push else output

        return see

    functions = {layer: seen(layer, probe) for layer, probe in zip(layers, probes, strict=True)}
    with torch.set_grad_enabled(with_push), hooked(network, functions):
        likelihood = _says(network, read, answers.prompt[-1], ids).gather(2, ids[:, :, None])[..., 0]
        push = torch.autograd.grad((likelihood * there).sum(), probes) if with_push else ()
    return Traces(
        hidden=np.stack([_array(said[layer]) for layer in layers], axis=1),
        push=np.stack([_array(each[:, 0]) for each in push], axis=1)
        if push
        else np.empty((0, len(layers), network.width)),
        tokens=_array(counts),
    )


def likelihoods(network: "Network", answers: Answers, layers: "Mapping[int, Seen]") -> "Tensor":
    """log p(y|x) (n,) in nats, while what a layer says goes through its function; with gradients where that has any."""
    read, (ids, there) = _read(network, answers.prompt), answers.padded(network.device)
    with hooked(network, layers):
        said = _says(network, read, answers.prompt[-1], ids).gather(2, ids[:, :, None])[..., 0]
    return (said * there).sum(1)


def adding(vector: "Tensor") -> "Seen":
    """Adds a vector (width,) to what a layer says."""
    return lambda output: output + vector.to(output.dtype)


def divergence(network: "Network", answers: Answers, steering: Mapping[int, Array]) -> float:
    """KL(steered || plain) in nats a token, over the places of these answers."""
    import torch

    read, (ids, there) = _read(network, answers.prompt), answers.padded(network.device)
    with torch.no_grad():
        plain = _says(network, read, answers.prompt[-1], ids)
        vectors = {layer: torch.as_tensor(vector, device=network.device) for layer, vector in steering.items()}
        with hooked(network, {layer: adding(vector) for layer, vector in vectors.items()}):
            moved = _says(network, read, answers.prompt[-1], ids)
        each = (moved.exp() * (moved - plain)).sum(-1) * there
        return float(each.sum() / there.sum())


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


def _read(network: "Network", prompt: Sequence[int]) -> "Prompt":
    """A prompt but for its last token, copied: it was read without gradients."""
    return [(keys.clone(), values.clone()) for keys, values in network.read(prompt, Inside())]


def _says(network: "Network", read: "Prompt", last: int, ids: "Tensor") -> "Tensor":
    """(n, t, V): log-probabilities where the answers' tokens come next. Layers see the prompt's last token first."""
    import torch

    from idiolect.models.white_box.inner.adapters import BASE  # noqa: PLC0415 - it computes with torch
    from idiolect.models.white_box.inner.cache import RowsCache  # noqa: PLC0415 - as above

    rows = RowsCache()
    rows.join([read] * len(ids))
    inputs = torch.nn.functional.pad(ids, (1, 0), value=last)
    at = torch.arange(inputs.shape[1], device=ids.device)[None] + rows.length
    given = {"input_ids": inputs, "position_ids": at, "past_key_values": rows.cache, "use_cache": True}
    if network.adapters.model is None:
        out = network.loaded.module(**given)
    else:
        out = network.adapters.model(adapter_names=[BASE] * len(ids), **given)
    said: Tensor = out.logits[:, :-1].float().log_softmax(-1)
    return said


def _array(tensor: "Tensor") -> Array:
    return np.asarray(tensor.detach().float().cpu().numpy())
