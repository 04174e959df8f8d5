"""Rewards that fit a few numbers of each person in a network that stands still: L-BFGS, with torch's gradient."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from idiolect.reward import networks
from idiolect.reward.minimise import lbfgs
from idiolect.reward.network_reward import Course, NetworkReward
from idiolect.reward.pairs import Pairs, check
from idiolect.reward.protocol import Asked, Belief, Scores
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 15  # more change no prediction, since the penalties hold a person near the start

Loss: TypeAlias = "Callable[[Tensor], Tensor]"


@dataclass(frozen=True)
class FewShotReward(NetworkReward):
    """Arrays of a belief: the pairs, and the person's numbers (k,), by the name and in the precision given here."""

    NUMBERS: ClassVar[str]
    PRECISION: ClassVar[type[np.floating]] = np.float32

    @abstractmethod
    def unknown(self) -> Array:
        """The numbers (k,) of somebody of whom nothing is known."""

    @abstractmethod
    def personal_loss(self, phi: "Tensor", weight: "Tensor") -> Loss:
        """Of one person's numbers (k,), by their pairs phi (n, 2, d)."""

    @abstractmethod
    def rewards(self, numbers: "Tensor", phi: "Tensor") -> "Tensor":
        """The person's (k,) for phi (n, d) -> r_u (n,)"""

    def derived(self, pairs: Pairs) -> dict[str, Array]:
        """The person's numbers, fitted on the pairs."""
        import torch

        numbers = self.unknown()
        if len(pairs[1]):
            phi, weight = torch.from_numpy(self._scale(pairs[0])), torch.from_numpy(pairs[1])
            numbers = fitted(self.personal_loss(phi, weight), numbers)
        return {self.NUMBERS: networks.kept(numbers, self.PRECISION)}

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> r_u above the mean of the n answers; sd 0: the method knows no doubt."""
        import torch

        check(phi, self.dim)
        numbers = torch.from_numpy(belief.arrays[self.NUMBERS].astype(np.float64))
        with torch.no_grad():
            found = self.rewards(numbers, torch.from_numpy(self._scale(phi))).numpy()
        return Scores(found - found.mean(), np.zeros(len(phi)))


@dataclass(frozen=True)
class PairCourse(Course):
    """Its steps are of single pairs, whoever's they are."""

    def drawn(self) -> tuple["Tensor", "Tensor", "Tensor"]:
        """A batch: phi (n, 2, d), standardised and jittered, weight (n,), and the people's indices (n,)."""
        import torch

        phi, weight, owner = self.rows.draw(self.chance, self.settings.batch)
        seen = self.scale(phi)
        seen = seen + self.settings.jitter * self.chance.normal(size=seen.shape)
        return torch.from_numpy(seen.astype(np.float32)), torch.from_numpy(weight), torch.from_numpy(owner)


def fitted(loss: Loss, start: Array, tolerance: float = 1e-3) -> Array:
    """A minimum (k,) near `start`; the same start and loss give the same digits."""
    import torch

    def function(flat: Array) -> tuple[float, Array]:
        place = torch.from_numpy(flat.copy()).requires_grad_()
        value = loss(place)
        (slope,) = torch.autograd.grad(value, place)
        return float(value.detach()), slope.numpy()

    return lbfgs(function, start, tolerance=tolerance, steps=STEPS)


def nats(margin: "Tensor", weight: "Tensor") -> "Tensor":
    """sum_i weight_i log(1 + exp(-margin_i))"""
    from torch.nn.functional import softplus

    found: Tensor = (softplus(-margin) * weight).sum()
    return found
