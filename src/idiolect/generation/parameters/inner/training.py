"""The training of one LoRA, on a network of its own."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.autograd import backward
from torch.nn.functional import logsigmoid

from idiolect.errors import Stopped
from idiolect.generation.parameters.inner.patched import (
    Text,
    added,
    beginning,
    linear_modules,
    logprobs,
    lora_of,
    matrices_of,
)
from idiolect.generation.parameters.lora_file import Lora
from idiolect.generation.parameters.settings import LoraSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Trained:
    """A LoRA, and how its training went."""

    lora: Lora
    steps: int
    seconds: float
    held: tuple[float, ...]  # the loss on what is held out, at the start and after each pass; ln 2 at the start
    accuracy: float  # share of what is held out where the LoRA raised the preferred answer more than the other

    @property
    def has_learnt(self) -> bool:
        """Whether any pass was better than the model as it is."""
        return min(self.held) < self.held[0]


class Course:
    """min over A, B of the mean of -log sigma(beta (h(y+) - h(y-))) - words log pi(y+ | x) / |y+|.

    h(y) = log pi(y | x) / pi_0(y | x), pi_0 the model as it is.
    """

    def __init__(self, network: "PreTrainedModel", pairs: Sequence[Text], settings: LoraSettings) -> None:
        """`pairs` hold the preferred answer and the other."""
        self.network, self.settings = network, settings
        order = np.random.default_rng(settings.seed).permutation(len(pairs))
        held = round(settings.held_out * len(pairs))
        self._held = [pairs[at] for at in order[:held]]
        self._own = [pairs[at] for at in order[held:]]
        self.matrices = beginning(linear_modules(network, settings.modules), settings.rank, settings.seed)
        self._plain: dict[int, Tensor] = {}

    @property
    def scale(self) -> float:
        """s"""
        return self.settings.alpha / self.settings.rank

    def run(self, stop: Event | None = None) -> Trained:
        """Raises Stopped as soon as it is asked to, and nothing is kept."""
        start, steps = time.perf_counter(), 0
        held, best = [self._held_loss(stop)[0]], self._copy()
        total = self.settings.epochs * math.ceil(len(self._own) / self.settings.batch)
        chance = np.random.default_rng((self.settings.seed, 1))
        parameters = [each for pair in self.matrices.values() for each in pair]
        optimizer = torch.optim.AdamW(parameters, lr=self.settings.rate, weight_decay=self.settings.weight_decay)
        for _ in range(self.settings.epochs):
            for batch in self._batches(chance):
                for group in optimizer.param_groups:
                    group["lr"] = self.settings.rate * self._pace(steps, total)
                self._step(batch, stop)
                torch.nn.utils.clip_grad_norm_(parameters, self.settings.clip)
                optimizer.step()
                optimizer.zero_grad()
                steps += 1
            held.append(self._held_loss(stop)[0])
            if held[-1] <= min(held[:-1]) or not self._held:  # with nothing held out, the last pass counts
                best = self._copy()
            elif len(held) - 1 - int(np.argmin(held)) >= self.settings.patience:
                break
        self._put(best)
        accuracy = self._held_loss(stop)[1]
        return Trained(lora_of(self.matrices, self.scale), steps, time.perf_counter() - start, tuple(held), accuracy)

    def losses(self, pair: Text) -> tuple[Tensor, Tensor]:
        """beta (h(y+) - h(y-)), and the preferred answer's nats a token."""
        plain = self._plain_of(pair)
        with added(self.network, self.matrices, self.scale):
            said = logprobs(self.network, pair)
        h = said - plain
        return self.settings.beta * (h[0] - h[1]), said[0] / len(pair.answers[0])

    def _step(self, batch: Sequence[Text], stop: Event | None) -> None:
        for pair in batch:
            _go_on(stop)
            margin, likelihood = self.losses(pair)
            loss = -logsigmoid(margin) - self.settings.words * likelihood
            backward(loss / len(batch))

    @torch.no_grad()
    def _held_loss(self, stop: Event | None) -> tuple[float, float]:
        margins = []
        for pair in self._held:
            _go_on(stop)
            margins.append(self.losses(pair)[0])
        if not margins:
            return math.inf, math.nan
        found = torch.stack(margins)
        wins = (found > 0).float() + 0.5 * (found == 0).float()
        return float(-logsigmoid(found).mean()), float(wins.mean())

    @torch.no_grad()
    def _plain_of(self, pair: Text) -> Tensor:
        if id(pair) not in self._plain:
            self._plain[id(pair)] = logprobs(self.network, pair)
        return self._plain[id(pair)]

    def _batches(self, chance: np.random.Generator) -> Iterator[list[Text]]:
        order = chance.permutation(len(self._own))
        for first in range(0, len(order), self.settings.batch):
            yield [self._own[at] for at in order[first : first + self.settings.batch]]

    def _pace(self, step: int, total: int) -> float:
        """Up linearly, then down to 0."""
        up = max(1.0, self.settings.warmup * total)
        return min((step + 1) / up, (total - step) / max(1.0, total - up + 1))

    def _copy(self) -> list[Tensor]:
        return [each.detach().clone() for pair in self.matrices.values() for each in pair]

    def _put(self, tensors: Sequence[Tensor]) -> None:
        places = (each for pair in self.matrices.values() for each in pair)
        for place, tensor in zip(places, tensors, strict=True):
            place.data.copy_(tensor)


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


def _go_on(stop: Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Stopped("the training was stopped before its end, so nothing of it is kept; it can be begun again")
