"""An adapter for each person: a low-rank change of one shared reward (LoRA, Hu et al., 2021, arXiv 2106.09685, 4.1).

    min over A_u, B_u  sum_i -log sigma(r_u(x, y+) - r_u(x, y-)) + mu |Delta_u|^2,
    W_u = W + Delta_u,   Delta_u = B_u A_u

Shared: a perceptron r(phi), everybody's by Bradley and Terry's likelihood, and where each A_u starts. Per user: A_u and
B_u of every matrix. Cold start: B_u = 0, so Delta_u = 0, the shared reward. It has more numbers than most people have
choices: only mu keeps it from overfitting.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from idiolect.reward import networks
from idiolect.reward.network_reward import Material
from idiolect.reward.networks import Parameters, Training
from idiolect.reward.pairs import Rows
from idiolect.reward.personal import FewShotReward, Loss, PairCourse, nats
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
class Adapter(FewShotReward):
    """Arrays of a belief: the pairs, and `delta`: A_u and B_u of each matrix in turn, flat."""

    Settings: ClassVar[type[Training]] = AdapterSettings
    name: ClassVar[str] = "adapter"
    NUMBERS: ClassVar[str] = "delta"
    PRECISION: ClassVar[type[np.floating]] = np.float16

    settings: AdapterSettings

    @classmethod
    def brief(cls) -> AdapterSettings:
        """Two passes."""
        return AdapterSettings(epochs=2, batch=64)

    def start(self, dim: int) -> Parameters:
        """The shared perceptron, and where A_u and B_u start: as a layer would, and at 0."""
        import torch

        settings, chance = self.settings, networks.generator(self.settings.seed)
        found = networks.layers(HEAD, (dim, settings.hidden, settings.hidden, 1), chance)
        flat = []
        for _, outputs, inputs, rank in _matrices(found, settings.rank):
            bound = 1 / inputs**0.5
            flat += [torch.empty(rank * inputs).uniform_(-bound, bound, generator=chance), torch.zeros(outputs * rank)]
        return found | {START: torch.cat(flat)}

    def course(self, material: Material) -> "_Course":
        """Bradley and Terry's likelihood of everybody's pairs."""
        return _Course(self.settings, material)

    def unknown(self) -> Array:
        """Delta_u = 0."""
        return np.asarray(self._parameters[START].numpy())

    def personal_loss(self, phi: "Tensor", weight: "Tensor") -> Loss:
        """Of A_u and B_u, flat."""
        import torch

        def loss(flat: "Tensor") -> "Tensor":
            found = self.rewards(flat, phi)
            sizes = torch.stack(
                [(change**2).sum() for change in deltas(self._parameters, flat, self.settings.rank).values()]
            )
            return nats(found[:, 0] - found[:, 1], weight) + self.settings.mu * sizes.sum()

        return loss

    def rewards(self, numbers: "Tensor", phi: "Tensor") -> "Tensor":
        """By W + Delta_u."""
        return rewards(adapted(self._parameters, numbers, self.settings.rank), phi)


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


def _matrices(parameters: Parameters, rank: int) -> Iterator[tuple[str, int, int, int]]:
    """Name, outputs, inputs and the rank that is possible, of each matrix."""
    for name, tensor in parameters.items():
        if name.startswith(HEAD) and tensor.ndim == 2:
            outputs, inputs = tensor.shape
            yield name, outputs, inputs, min(rank, outputs, inputs)


@dataclass(frozen=True)
class _Course(PairCourse):
    settings: AdapterSettings

    @property
    def steps(self) -> int:
        return self.passes(self.settings.epochs, len(self.rows.rows))

    def loss(self, parameters: Parameters, step: int) -> "Tensor":
        phi, weight, _ = self.drawn()
        found = rewards(parameters, phi)
        centring = (found.sum(dim=-1) ** 2 * weight).sum()
        return (nats(found[:, 0] - found[:, 1], weight) + self.settings.centre * centring) / weight.sum()

    @cached_property
    def _watched(self) -> tuple[Array, Array]:
        spared = Rows(self.material.population, self.material.spared)
        phi, weight, _ = spared.draw(np.random.default_rng((self.settings.seed, 3)), WATCHED)
        return self.scale(phi), weight.astype(np.float64)

    def held(self, parameters: Parameters) -> float:
        import torch

        phi, weight = self._watched
        found, asked = rewards(networks.still(parameters), torch.from_numpy(phi)), torch.from_numpy(weight)
        return float(nats(found[:, 0] - found[:, 1], asked) / asked.sum())
