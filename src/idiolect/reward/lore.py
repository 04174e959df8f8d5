"""LoRe: a person's reward is a mixture of a few shared rewards (Bose et al., 2025, arXiv 2504.14439, section 3).

    r_u(x, y) = w_u . V' phi(x, y) / T,  w_u on the simplex;
    minimise over V, w   mean_u mean_i log(1 + exp(-w_u . V' delta_ui / T)) + alpha sum_j |V_j - V_ref|^2 / U

Shared: V (d, K) and the training people's mean weights.  Per user: w_u (K,), fitted on their choices with V fixed.
Cold start: the mean weights (the uniform point is no population's mean).  K = 0 is the reference head V_ref alone, here
everybody's Bradley-Terry head; K = 1 without a penalty is one Bradley-Terry model for all.

The official code takes 1,000 to 20,000 steps of Adam at a rate of .5. The loss is smooth, so L-BFGS over all of V and
the logits of all w_u takes a few hundred; a new person's w_u is a convex problem, solved as such. Unpenalised fits
are too sure of themselves: a gain on the finished reward, told on people left out, mends probabilities and no choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from idiolect.reward.checkpoint import Checkpoint, run
from idiolect.reward.choices import Choices
from idiolect.reward.factored import FactoredReward, Z, array_of
from idiolect.reward.held_out import TEMPERATURES, EarlyStop, few_shot_losses
from idiolect.reward.minimise import LBFGS, on_simplex
from idiolect.reward.population import Population, Progress
from idiolect.reward.universal import UniversalSettings, universal_head
from idiolect.schema import Array

LEAST_SHARE = 1e-6  # of a direction in the mean weights: from nothing no weight can grow


class LoReSettings(BaseModel, frozen=True, extra="forbid"):
    """Of LoRe. "The code" is the released one: `utils.py` and each set's `train_basis.py`."""

    rank: int = Field(5, ge=0, description="K; the paper tries 0 to 6 on TLDR and PersonalLLM, up to 50 on PRISM.")
    temperature: float = Field(
        1.0, gt=0, description="T; 100 in the code, for hidden states of 4,096 numbers. Ours have unit variance: 1."
    )
    alpha: float = Field(0.0, ge=0, description="Pull to the reference head: 0 on PersonalLLM and TLDR, 1e4 on PRISM.")
    penalty: Literal["distance", "cosine"] = Field(
        "distance", description="|V_j - V_ref|^2 summed, or the PRISM code's mean of 1 - cos(V_j, V_ref)."
    )
    drop_below: float = Field(0.0, ge=0, le=1, description="Directions whose largest weight is less go; .01 on PRISM.")
    steps: int = Field(500, ge=1, description="Most L-BFGS steps (the code: 1,000 to 20,000 of Adam).")
    tolerance: float = Field(1e-5, gt=0, description="Largest entry of the gradient at which it ends.")
    held_out: float = Field(
        0.1, ge=0, lt=1, description="Share of the people who tell when to stop, and the gain; none in the code."
    )
    pull: float = Field(
        0.0,
        ge=0,
        description="Choices that the population's mean weights count for in a new person's; none in the paper.",
    )
    seed: int = Field(0, ge=0, description="Of the start.")


@dataclass(frozen=True)
class LoRe(FactoredReward):
    """Arrays of a belief: `z` (K,), which are w_u, with the choices (see `factored.py`)."""

    Settings: ClassVar[type[BaseModel]] = LoReSettings
    name = "lore"

    basis: Array  # (K, d): V' / T
    mean: Array  # (K,)
    settings: LoReSettings = field(default_factory=LoReSettings)
    gain: float = 1.0

    @classmethod
    def fit(
        cls,
        population: Population,
        settings: BaseModel | None = None,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Fit V; of people with no choices nothing is learnt."""
        given = LoReSettings.model_validate(settings or {})
        reference = universal_head(population, UniversalSettings(), checkpoint=checkpoint)
        if given.rank == 0:
            return cls(reference[None], np.ones(1), given)
        stop = EarlyStop.over(population, given.held_out, given.seed, progress)
        problem = _Problem(stop.training, reference * given.temperature, given)
        search = LBFGS(
            problem.loss,
            problem.start(),
            given.tolerance,
            given.steps,
            watch=lambda number, place: stop.told(number / given.steps, place, problem.reward),
        )
        run("directions", search.step, {"search": search, "stop": stop}, checkpoint)
        found = problem.reward(stop.best_of(search.place, problem.reward))
        gain = 1.0
        if stop.held is not None:
            gain = float(1 / TEMPERATURES[np.argmin(few_shot_losses(found, stop.held))])
        return cls(found.basis, found.mean, given, gain)

    def arrays(self) -> dict[str, Array]:
        """`basis` (K, d), `mean` (K,) and `gain` (1,)."""
        return {"basis": self.basis, "mean": self.mean, "gain": np.array([self.gain])}

    @classmethod
    def restored(cls, arrays: Mapping[str, Array], settings: BaseModel) -> Self:
        """From what was saved."""
        basis = array_of(arrays, "basis", None, None)
        mean, gain = array_of(arrays, "mean", len(basis)), array_of(arrays, "gain", 1)
        return cls(basis, mean, LoReSettings.model_validate(settings), float(gain[0]))

    def settled(self, choices: Choices) -> dict[str, Array]:
        """`z`: the weights on the simplex under which the choices are likeliest; the mean of the people without any."""
        if not len(choices.sizes) or len(self.basis) == 1:
            return {Z: self.mean}

        pull = self.settings.pull * self.mean

        def loss(w: Array) -> tuple[float, Array, Array]:
            value, gradient, hessian = choices.curved_loss(w)
            return value - float(pull @ np.log(w)), gradient - pull / w, hessian + np.diag(pull / w**2)

        return {Z: on_simplex(loss, self.mean)}


class _Problem:
    """The joint loss over V (d, K) and the logits of w (U, K), as one flat vector."""

    def __init__(self, population: Population, reference: Array, settings: LoReSettings) -> None:
        self.population, self.reference, self.settings = population, reference, settings
        self.shape = (population.dim, settings.rank)
        self.people = len(population.users)
        self.power = population.per_user() / max(1, len(np.unique(population.owner)))

    def start(self) -> Array:
        """Around the reference head, so that a fit that is stopped at once is everybody's; logits near 0."""
        rng = np.random.default_rng(self.settings.seed)
        spread = float(np.sqrt(np.mean(self.reference**2))) or 1.0
        directions = self.reference[:, None] + spread * rng.normal(size=self.shape) * (self.settings.rank > 1)
        return np.append(directions.ravel(), 0.1 * rng.normal(size=self.people * self.settings.rank))

    def reward(self, place: Array) -> LoRe:
        """The reward that these directions and weights make."""
        directions, weights = self.split(place)
        shares = np.exp(weights - np.logaddexp.reduce(weights, axis=1, keepdims=True))
        kept = shares.max(axis=0) >= self.settings.drop_below
        mean = np.maximum(shares.mean(axis=0)[kept], LEAST_SHARE)
        return LoRe(directions.T[kept] / self.settings.temperature, mean / mean.sum(), self.settings)

    def split(self, place: Array) -> tuple[Array, Array]:
        """V (d, K) and logits (U, K)."""
        cut = self.shape[0] * self.shape[1]
        return place[:cut].reshape(self.shape), place[cut:].reshape(self.people, self.shape[1])

    def loss(self, place: Array) -> tuple[float, Array]:
        """Value and gradient."""
        directions, logits = self.split(place)
        shares = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        value, to_directions = self._penalty(directions)
        to_shares = np.zeros_like(shares)
        narrow = directions.astype(np.float32)

        def of_block(rows: slice, delta: NDArray[np.float32]) -> tuple[slice, float, Array, Array]:
            power, mixed = self.power[rows], shares[self.population.owner[rows]]
            along = (delta @ narrow) / self.settings.temperature  # (b, K)
            margin = np.einsum("bk,bk->b", along, mixed)
            push = -power * np.exp(-np.logaddexp(0.0, margin))
            pushed = (mixed * push[:, None]).astype(np.float32)
            found = (delta.T @ pushed) / self.settings.temperature
            return rows, float(power @ np.logaddexp(0.0, -margin)), found, push[:, None] * along

        for rows, own, found, each in self.population.over_blocks(of_block):
            value, to_directions = value + own, to_directions + found
            for k in range(shares.shape[1]):
                to_shares[:, k] += np.bincount(self.population.owner[rows], each[:, k], minlength=self.people)
        to_logits = shares * (to_shares - np.einsum("uk,uk->u", shares, to_shares)[:, None])
        return value, np.append(to_directions.ravel(), to_logits.ravel())

    def _penalty(self, directions: Array) -> tuple[float, Array]:
        alpha, reference = self.settings.alpha, self.reference[:, None]
        if not alpha:
            return 0.0, np.zeros_like(directions)
        if self.settings.penalty == "distance":
            away = directions - reference
            return alpha * float((away**2).sum()) / self.people, 2 * alpha * away / self.people
        unit = self.reference / max(float(np.linalg.norm(self.reference)), 1e-12)
        lengths = np.maximum(np.linalg.norm(directions, axis=0), 1e-12)
        cosines = unit @ directions / lengths
        slope = (unit[:, None] - directions / lengths * cosines) / lengths
        rank = directions.shape[1]
        return alpha * float(np.mean(1 - cosines)), -alpha * slope / rank
