"""BiPO: steering vectors optimised on preferences, both ways at once (Cao et al., 2024, arXiv 2406.00045).

    min_v  -E log sigma( d beta [ (log p_dv(y|x) - log p(y|x)) - (log p_dv(y'|x) - log p(y'|x)) ] )

d is -1 or +1, drawn for each batch; y is the answer with more of the attribute, y' the one with less, so that +v makes
more of it and -v less. A contrast of means (CAA) says where answers differ; this says what makes the model write them.

Shared: v (width,) of each attribute, at the layer that contrasts chose.  As in the paper: beta, AdamW, its decay,
cosine after a warm-up, batches of 4. Not as in the paper: v is added from the prompt's last token on, as steering does,
and for some hundred steps in place of thousands each goes further, by the size of the layer's states.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import TYPE_CHECKING

import numpy as np

from idiolect.generation.encoding.traces import Answers, adding, likelihoods
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor

    from idiolect.models import WhiteBox
    from idiolect.models.white_box.inner.network import Network


@dataclass(frozen=True)
class Training:
    """How long, and how far."""

    epochs: int = 3
    batch: int = 4
    beta: float = 0.1
    decay: float = 0.05
    warm_up: float = 0.1  # of the steps
    rate: float = 0.02  # of an entry of the layer's states
    pairs: int = 2  # of each prompt, those that differ most
    seed: int = 0


@dataclass(frozen=True)
class Layer:
    """Where a vector is added, and how large an entry of the states there is, by its root mean square."""

    number: int
    size: float


def pairs_of(phi: Array, most: int) -> list[tuple[int, int]]:
    """Of answers to one prompt, phi (n,): that with most and that with least, the next ones, as far as they differ."""
    order = np.argsort(phi, kind="stable")
    found = ((int(order[-1 - at]), int(order[at])) for at in range(min(most, len(order) // 2)))
    return [(more, less) for more, less in found if phi[more] > phi[less]]


def loss(gains: "Tensor", sign: int, beta: float) -> "Tensor":
    """Of pairs' gains (n, 2), what the vector adds to the log-likelihood of more and of less: nats, ln 2 for none."""
    import torch

    return -torch.nn.functional.logsigmoid(sign * beta * (gains[:, 0] - gains[:, 1])).mean()


def optimised(
    model: "WhiteBox", layer: Layer, pairs: Sequence[Answers], training: Training, told: Callable[[float], None]
) -> Array:
    """v (width,) from pairs, each the answer with more before the one with less."""
    import torch

    with torch.inference_mode(mode=False):
        vector = torch.zeros(model.width, requires_grad=True)
        optimiser = torch.optim.AdamW([vector], lr=1.0, weight_decay=training.decay)
        plain: dict[int, Tensor] = {}
        steps = list(_batches(len(pairs), training))
        for number, (sign, batch) in enumerate(steps):
            told(number / len(steps))
            optimiser.param_groups[0]["lr"] = training.rate * layer.size * _share(number, len(steps), training.warm_up)
            with model.alone() as network:
                gains = torch.stack(
                    [_gains(network, layer.number, pairs[at], sign * vector, plain, at) for at in batch]
                )
                (vector.grad,) = torch.autograd.grad(loss(gains, sign, training.beta), [vector])
            optimiser.step()
        return np.asarray(vector.detach().double().numpy())


def _gains(
    network: "Network", layer: int, pair: Answers, vector: "Tensor", plain: "dict[int, Tensor]", at: int
) -> "Tensor":
    import torch

    if at not in plain:
        with torch.no_grad():
            plain[at] = likelihoods(network, pair, {})
    return (likelihoods(network, pair, {layer: adding(vector.to(network.device))}) - plain[at]).cpu()


def _batches(pairs: int, training: Training) -> Iterator[tuple[int, list[int]]]:
    """A sign and some pairs for each step."""
    rng = np.random.default_rng(training.seed)
    for _ in range(training.epochs):
        order = rng.permutation(pairs).tolist()
        for first in range(0, pairs, training.batch):
            yield int(rng.choice((-1, 1))), order[first : first + training.batch]


def _share(step: int, steps: int, warm_up: float) -> float:
    """Of the rate: it rises evenly, then falls as a cosine does."""
    first = max(1, round(warm_up * steps))
    return (step + 1) / first if step < first else (1 + cos(pi * (step - first) / max(1, steps - first))) / 2
