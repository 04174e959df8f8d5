"""An adapter for each person: a low-rank change of one shared reward (LoRA, Hu et al., 2021, arXiv 2106.09685, 4.1).

    min over A_u, B_u  sum_i -log sigma(r_u(x, y+) - r_u(x, y-)) + mu |Delta_u|^2,
    W_u = W + Delta_u,   Delta_u = B_u A_u

Shared: a perceptron r(phi), everybody's by Bradley and Terry's likelihood, and where each A_u starts. Per user: A_u and
B_u of every matrix. Cold start: B_u = 0, so Delta_u = 0, the shared reward. It has more numbers than most people have
choices: only mu keeps it from overfitting.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from pydantic import BaseModel, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from idiolect.reward import networks
from idiolect.reward.networks import Parameters, Training
from idiolect.reward.pairs import PairReward, Pairs, Rows, Scale, check, split
from idiolect.reward.personal import fitted, nats
from idiolect.reward.population import Population, Progress
from idiolect.reward.protocol import Asked, Belief, Scores
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor

HEAD, START = "head", "start"
WATCHED = 5000  # pairs of the people held out


class AdapterSettings(Training):
    """No paper names numbers for features of this size; these are ours, and `small` is the same."""

    rank: PositiveInt = Field(4, description="Of Delta_u; 4 to 8 is usual.")
    hidden: PositiveInt = Field(64, description="Width of the shared perceptron, of two hidden layers.")
    mu: NonNegativeFloat = Field(1.0, description="Penalty on |Delta_u|^2.")
    centre: NonNegativeFloat = Field(0.01, description="c (r+ + r-)^2 in the shared fit (TRL's coefficient).")
    batch: PositiveInt = Field(256, description="Pairs in a step of the shared fit.")
    epochs: PositiveFloat = Field(10, description="Passes of the shared fit over the pairs.")
    weight_decay: NonNegativeFloat = Field(0.1, description="Of AdamW, in the shared fit.")
    centred: bool = Field(True, description="Whether phi is taken from the mean of a question's options.")
    jitter: NonNegativeFloat = Field(0.5, description="Noise on the standardised phi in the shared fit.")


@dataclass(frozen=True)
class Adapter(PairReward):
    """Arrays of a belief: the pairs, and `delta`: A_u and B_u of each matrix in turn, flat."""

    Settings: ClassVar[type[BaseModel]] = AdapterSettings
    name: ClassVar[str] = "adapter"

    shared: Mapping[str, Array]
    settings: AdapterSettings

    @classmethod
    def small(cls) -> AdapterSettings:
        """The defaults."""
        return AdapterSettings()

    @classmethod
    def brief(cls) -> AdapterSettings:
        """Two passes."""
        return AdapterSettings(epochs=2, batch=64)

    @classmethod
    def fit(cls, population: Population, settings: BaseModel | None = None, progress: Progress | None = None) -> Self:
        """Train the shared reward."""
        given = AdapterSettings.model_validate(settings or cls.small())
        networks.load()
        with networks.one_thread():
            scale = Scale.of(population, centred=given.centred)
            people, spared = split(population, given.held_out, given.seed)
            training = _Training(given, scale, Rows(population, people), Rows(population, spared))
            steps = max(1, round(given.epochs * len(training.rows.rows) / given.batch))
            begin = start(population.dim, given)
            task = networks.Task(head(begin), training.loss, training.held if spared else None)
            found = networks.trained(task, steps, given, progress) | {START: begin[START]}
        return cls({**networks.arrays_of(found), **scale.arrays}, given)

    @classmethod
    def restored(cls, arrays: Mapping[str, Array], settings: BaseModel) -> Self:
        """From what was saved."""
        given = AdapterSettings.model_validate(settings)
        dim = len(arrays.get(Scale.MEAN, ()))
        networks.load()
        shapes = {name: tuple(tensor.shape) for name, tensor in start(dim, given).items()}
        return cls(networks.restored(arrays, {**shapes, Scale.MEAN: (dim,), Scale.SD: (dim,)}), given)

    def derived(self, pairs: Pairs) -> dict[str, Array]:
        """A_u and B_u, fitted on the pairs."""
        import torch

        begin = self._parameters[START].numpy()
        if not len(pairs[1]):
            return {"delta": networks.kept(begin, np.float16)}
        phi, weight = torch.from_numpy(self._scale(pairs[0])), torch.from_numpy(pairs[1])
        loss = personal_loss(self._parameters, self.settings, phi, weight)
        return {"delta": networks.kept(fitted(loss, begin), np.float16)}

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> r_u above the mean of the n answers; sd 0: the method knows no doubt."""
        import torch

        check(phi, self.dim)
        flat = torch.from_numpy(belief.arrays["delta"].astype(np.float64))
        with torch.no_grad():
            found = rewards(adapted(self._parameters, flat, self.settings.rank), torch.from_numpy(self._scale(phi)))
        return Scores(found.numpy() - found.numpy().mean(), np.zeros(len(phi)))

    @cached_property
    def _parameters(self) -> Parameters:
        return networks.tensors(self.shared)

    @cached_property
    def _scale(self) -> Scale:
        return Scale.among(self.shared, centred=self.settings.centred)


def start(dim: int, settings: AdapterSettings) -> Parameters:
    """The shared perceptron before training, and where A_u and B_u start: as a layer would, and at 0."""
    import torch

    chance = networks.generator(settings.seed)
    found = networks.layers(HEAD, (dim, settings.hidden, settings.hidden, 1), chance)
    flat = []
    for _, outputs, inputs, rank in _matrices(found, settings.rank):
        bound = 1 / inputs**0.5
        flat += [torch.empty(rank * inputs).uniform_(-bound, bound, generator=chance), torch.zeros(outputs * rank)]
    return found | {START: torch.cat(flat)}


def head(parameters: Parameters) -> Parameters:
    """The perceptron alone."""
    return {name: tensor for name, tensor in parameters.items() if name.startswith(HEAD)}


def rewards(parameters: Parameters, phi: "Tensor") -> "Tensor":
    """(..., d) -> (...)"""
    return networks.mlp(parameters, HEAD, phi).squeeze(-1)


def deltas(parameters: Parameters, flat: "Tensor", rank: int) -> dict[str, "Tensor"]:
    """Delta_u = B_u A_u of each matrix, by its name."""
    found, first = dict[str, "Tensor"](), 0
    for name, outputs, inputs, most in _matrices(parameters, rank):
        middle, last = first + most * inputs, first + most * (inputs + outputs)
        found[name] = flat[middle:last].reshape(outputs, most) @ flat[first:middle].reshape(most, inputs)
        first = last
    return found


def adapted(parameters: Parameters, flat: "Tensor", rank: int) -> Parameters:
    """The perceptron with W + Delta_u in the place of each W."""
    changes = deltas(parameters, flat, rank)
    return {name: tensor + changes[name] if name in changes else tensor for name, tensor in head(parameters).items()}


def personal_loss(
    parameters: Parameters, settings: AdapterSettings, phi: "Tensor", weight: "Tensor"
) -> Callable[["Tensor"], "Tensor"]:
    """The loss of one person's A_u and B_u, flat, by their pairs phi (n, 2, d)."""
    import torch

    def loss(flat: "Tensor") -> "Tensor":
        found = rewards(adapted(parameters, flat, settings.rank), phi)
        sizes = torch.stack([(change**2).sum() for change in deltas(parameters, flat, settings.rank).values()])
        return nats(found[:, 0] - found[:, 1], weight) + settings.mu * sizes.sum()

    return loss


def _matrices(parameters: Parameters, rank: int) -> Iterator[tuple[str, int, int, int]]:
    """Name, outputs, inputs and the rank that is possible, of each matrix."""
    for name, tensor in parameters.items():
        if name.startswith(HEAD) and tensor.ndim == 2:
            outputs, inputs = tensor.shape
            yield name, outputs, inputs, min(rank, outputs, inputs)


@dataclass(frozen=True)
class _Training:
    settings: AdapterSettings
    scale: Scale
    rows: Rows
    spared: Rows

    @cached_property
    def _chance(self) -> np.random.Generator:
        return np.random.default_rng((self.settings.seed, 2))

    @cached_property
    def _watched(self) -> tuple[Array, Array]:
        phi, weight, _ = self.spared.draw(np.random.default_rng((self.settings.seed, 3)), WATCHED)
        return self.scale(phi), weight.astype(np.float64)

    def loss(self, parameters: Parameters, step: int) -> "Tensor":
        import torch

        phi, weight, _ = self.rows.draw(self._chance, self.settings.batch)
        seen = self.scale(phi)
        seen = seen + self.settings.jitter * self._chance.normal(size=seen.shape)
        found, weights = rewards(parameters, torch.from_numpy(seen.astype(np.float32))), torch.from_numpy(weight)
        centring = (found.sum(dim=-1) ** 2 * weights).sum()
        return (nats(found[:, 0] - found[:, 1], weights) + self.settings.centre * centring) / weights.sum()

    def held(self, parameters: Parameters) -> float:
        import torch

        phi, weight = self._watched
        still = {name: tensor.detach().double() for name, tensor in parameters.items()}
        found, asked = rewards(still, torch.from_numpy(phi)), torch.from_numpy(weight)
        return float(nats(found[:, 0] - found[:, 1], asked) / asked.sum())
