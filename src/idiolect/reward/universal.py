"""The universal reward: one Bradley-Terry model for everybody (Christiano et al., 2017, arXiv 1706.03741, 2.2.3).

    r(x, y) = w . phi(x, y);
    minimise over w   mean_i log(1 + exp(-w . delta_i)) + c mean_i (r_i+ + r_i-)^2 + ridge |w|^2 / 2

A linear head on the features, with the loss of Ouyang et al. (2022, arXiv 2203.02155, equation 1).
Shared: w (d,).  Per user: nothing.  Cold start: the same reward, so what a person chooses changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from idiolect.reward.checkpoint import Checkpoint, run
from idiolect.reward.factored import array_of, same_dim, versioned
from idiolect.reward.minimise import LBFGS, Newton
from idiolect.reward.population import Population, Progress
from idiolect.reward.protocol import Asked, Belief, Evidence, FittedReward, LinearReward, Scores
from idiolect.schema import Array

NEWTON_UP_TO = 512  # dimensions; beyond, a Hessian costs more than the steps that it saves


class UniversalSettings(BaseModel, frozen=True, extra="forbid"):
    """Of the one Bradley-Terry model."""

    centre: float = Field(
        0.0, ge=0, description="c; 0.01 is the optional `center_rewards_coefficient` of TRL's trainer."
    )
    ridge: float = Field(1e-3, ge=0, description="Pull of w to 0; the papers have none, and separable data need one.")


@dataclass(frozen=True)
class Universal(LinearReward, FittedReward):
    """No arrays in a belief. Ratings, statements and choices are counted and leave the reward as it is."""

    Settings: ClassVar[type[BaseModel]] = UniversalSettings

    head: Array  # (d,)
    settings: UniversalSettings = field(default_factory=UniversalSettings)

    @classmethod
    def fit(
        cls,
        population: Population,
        settings: BaseModel | None = None,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Fit the head; convex, so that there is one solution. No people give the head 0, which prefers nothing."""
        given = UniversalSettings.model_validate(settings or {})
        return cls(universal_head(population, given, progress, checkpoint), given)

    @property
    def version(self) -> str:
        """The method's name with a hash of its head."""
        return versioned("universal", self.arrays(), self.settings)

    def arrays(self) -> dict[str, Array]:
        """`head` (d,)."""
        return {"head": self.head}

    @classmethod
    def restored(cls, arrays: Mapping[str, Array], settings: BaseModel) -> Self:
        """From what was saved."""
        return cls(array_of(arrays, "head", None), UniversalSettings.model_validate(settings))

    def prior(self) -> Belief:
        """Everybody's."""
        return Belief({}, 0)

    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Counted, nothing more."""
        return Belief({}, belief.seen + 1)

    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """Counted, nothing more."""
        return Belief({}, len(evidence))

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> the reward (n,) above the mean of the n; sd 0."""
        same_dim(phi, len(self.head))
        return Scores((phi - phi.mean(axis=0)) @ self.head, np.zeros(len(phi)))

    def weights(self, belief: Belief) -> tuple[Array, Array]:
        """The head; sd 0."""
        return self.head, np.zeros(len(self.head))


def universal_head(
    population: Population,
    settings: UniversalSettings,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Array:
    """(d,) of everybody's reward, to a gradient of 1e-8. Raises DataError for features that are not finite."""
    m = float(population.checked().weight.sum()) or 1.0
    squares = _centring(population, settings.centre / m) if settings.centre else np.zeros((population.dim,) * 2)
    squares += settings.ridge * np.eye(population.dim)
    done = progress or (lambda share, what: None)
    done(0.0, "fitting one reward for everybody")

    def loss(w: Array, curved: bool) -> tuple[float, Array, Array]:
        def of_block(rows: slice, delta: NDArray[np.float32]) -> tuple[float, Array, Array | float]:
            margin = (delta @ w.astype(np.float32)).astype(np.float64) if not curved else delta @ w
            power = population.weight[rows] / m
            p = np.exp(-np.logaddexp(0.0, margin))  # that the other had been chosen
            curve = (delta * (power * p * (1 - p))[:, None]).T @ delta if curved else 0.0
            return float(power @ np.logaddexp(0.0, -margin)), delta.T @ (power * p), curve

        value, gradient, hessian = 0.5 * float(w @ squares @ w), squares @ w, squares.copy()
        for own, push, curve in population.over_blocks(of_block):
            value, gradient = value + own, gradient - push
            hessian += curve
        return value, gradient, hessian

    start = np.zeros(population.dim)
    search: Newton | LBFGS = Newton(lambda w: loss(w, curved=True), start)
    if population.dim > NEWTON_UP_TO:
        search = LBFGS(lambda w: loss(w, curved=False)[:2], start)
    run("head", search.step, {"search": search}, checkpoint)
    done(1.0, "fitted one reward for everybody")
    return search.place


def _centring(population: Population, scale: float) -> Array:
    """2 c E s s' with s = phi+ + phi-, so that half the quadratic form is c E (r+ + r-)^2."""
    found = np.zeros((population.dim, population.dim))
    for first in range(0, len(population.phi), 1 << 14):
        sums = population.phi[first : first + (1 << 14)].sum(axis=1, dtype=np.float64)
        found += 2 * scale * (sums * population.weight[first : first + (1 << 14), None]).T @ sums
    return found
