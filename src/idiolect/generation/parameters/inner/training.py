"""The training of a LoRA, on a network of its own: every answer is looked at once, then one system is solved.

Near the model as it is, h(y) = log pi(y | x) / pi_0(y | x) is linear in B where A stays as it began (LoRA-FA,
2308.03303), and what there is to learn is in the gradients' kernel (Malladi et al., 2023, 2210.05643):

    h(y) = g(y) . B,   g = dh / dB at B = 0;     min over B of  sum over y of (h(y) - v(y))^2 + ridge |B|^2

v is how well an answer is liked; h, v and g are centred over the answers to a prompt. DPO's optimum is h = v / beta
(2305.18290, eq. 5), and to regress on v itself is to distil it (Fisch et al., 2024, 2405.19316). |B|^2 counts
each matrix by the trace of its own kernel, so that none drowns the others. At last B is made so long that h of answers
to prompts that were left out has a standard deviation of `strength` nats: 1 / beta is what the change may cost.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import backward

from idiolect.errors import Stopped
from idiolect.generation.parameters.inner.patched import (
    Text,
    added,
    beginning,
    linear_modules,
    logprobs,
    matrices_of,
)
from idiolect.generation.parameters.lora_file import Factors, Lora
from idiolect.generation.parameters.settings import LoraSettings
from idiolect.schema import Array

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Trained:
    """A LoRA, and how its training went."""

    lora: Lora
    answers: int
    seconds: float
    correlation: float  # of h and v, each prompt foretold from the others; 0 where nothing differs
    accuracy: float  # share of prompts, each foretold from the others, where h is higher of the preferred answer

    @property
    def has_learnt(self) -> bool:
        """Whether what is liked of some prompts' answers foretells what is liked of others'."""
        return self.correlation > 0


@dataclass(frozen=True)
class Tangents:
    """What was seen of n answers: enough to train any number of LoRAs that tell them apart."""

    a: Mapping[str, NDArray[np.float32]]  # module -> A (r, d_in)
    gradients: Mapping[str, NDArray[np.float32]]  # module -> g (n, d_out, r)
    prompts: NDArray[np.int_]  # (n,) number of the prompt
    seconds: float

    def fitted(self, values: Array, settings: LoraSettings) -> Trained:
        """A LoRA from how well each answer is liked (n,)."""
        start, v = time.perf_counter(), centred(values, self.prompts)
        kernel, shares = self._kernel
        foretold = self._foretold(kernel, v, settings)
        size = float(foretold.std())
        length = settings.strength / size if size > 0 else 0.0
        alpha = length * _solved(kernel, v, settings.ridge)
        factors = {
            name: Factors(a, np.tensordot((shares[name] * alpha).astype(np.float32), self.gradients[name], 1))
            for name, a in self.a.items()
        }
        found = float(foretold @ v) / max(1e-12, float(np.linalg.norm(foretold) * np.linalg.norm(v)))
        seconds = self.seconds + time.perf_counter() - start
        return Trained(Lora(factors, 1.0), len(v), seconds, found, self._accuracy(foretold))

    @cached_property
    def _kernel(self) -> tuple[Array, dict[str, float]]:
        """(n, n) of mean diagonal 1, and the share of each matrix in it."""
        n = len(self.prompts)
        kernel, shares = np.zeros((n, n)), dict[str, float]()
        for name, each in self.gradients.items():
            own = each.reshape(n, -1) @ each.reshape(n, -1).T
            trace = float(np.trace(own))
            shares[name] = n / (trace * len(self.gradients)) if trace > 0 else 0.0
            kernel += shares[name] * own
        return kernel, shares

    def _foretold(self, kernel: Array, v: Array, settings: LoraSettings) -> Array:
        """(n,) of each prompt's answers from the other prompts'."""
        found, fold = np.zeros(len(v)), self.prompts % settings.folds
        for part in np.unique(fold):
            out = fold == part
            if not out.all():
                found[out] = kernel[np.ix_(out, ~out)] @ _solved(kernel[np.ix_(~out, ~out)], v[~out], settings.ridge)
        return found

    def _accuracy(self, foretold: Array) -> float:
        firsts = np.flatnonzero(np.diff(self.prompts, prepend=-1))
        gaps = foretold[firsts] - foretold[firsts + 1]
        return float(np.mean((gaps > 0) + 0.5 * (gaps == 0)))


def tangents(
    network: "PreTrainedModel", texts: Sequence[Text], settings: LoraSettings, stop: Event | None = None
) -> Tangents:
    """Look at texts of at least two answers each. Raises Stopped as soon as it is asked to."""
    start = time.perf_counter()
    modules = linear_modules(network, settings.modules, settings.upper)
    a = beginning(modules, settings.rank, settings.seed)
    seen: dict[str, list[NDArray[np.float32]]] = {name: [] for name in a}
    for text in texts:
        if stop is not None and stop.is_set():
            raise Stopped("the training was stopped before its end, so nothing of it is kept; it can be begun again")
        matrices = {name: (each, _nought(len(text.answers), modules[name], settings.rank)) for name, each in a.items()}
        with torch.enable_grad(), added(network, matrices, 1.0):
            backward(logprobs(network, text).sum())
        for name, (_, b) in matrices.items():
            assert b.grad is not None
            seen[name].append((b.grad - b.grad.mean(0)).float().cpu().numpy())
    prompts = np.repeat(np.arange(len(texts)), [len(text.answers) for text in texts])
    return Tangents(
        {name: each.float().cpu().numpy() for name, each in a.items()},
        {name: np.concatenate(each) for name, each in seen.items()},
        prompts,
        time.perf_counter() - start,
    )


def liking(texts: Sequence[Text]) -> Array:
    """(n,) how well each answer is liked: as is told, else the first of each text over the others."""
    told = [text.liked or [float(at == 0) for at in range(len(text.answers))] for text in texts]
    return np.concatenate([np.asarray(each, dtype=np.float64) for each in told])


def centred(values: Array, prompts: NDArray[np.int_]) -> Array:
    """Less the mean of each prompt."""
    return np.asarray(values - (np.bincount(prompts, values) / np.bincount(prompts))[prompts], dtype=np.float64)


@torch.no_grad()
def raised(network: "PreTrainedModel", lora: Lora, pairs: Sequence[Text]) -> list[float]:
    """Of each pair, 1 where a LoRA raised the first answer more than the second, 0.5 where both alike."""
    matrices, found = matrices_of(lora, network), []
    for pair in pairs:
        plain = logprobs(network, pair)
        with added(network, matrices, lora.scale):
            h = logprobs(network, pair) - plain
        found.append(float(0.5 + 0.5 * torch.sign(h[0] - h[1])))
    return found


def _nought(rows: int, module: torch.nn.Linear, rank: int) -> Tensor:
    """B (rows, d_out, r)."""
    return torch.zeros(rows, module.out_features, rank, device=module.weight.device, requires_grad=True)


def _solved(kernel: Array, v: Array, ridge: float) -> Array:
    return np.asarray(np.linalg.solve(kernel + ridge * np.eye(len(v)), v), dtype=np.float64)
