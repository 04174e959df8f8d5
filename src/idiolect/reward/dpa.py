"""DPA: weights on named attributes, within the unit ball (Wang et al., 2024, arXiv 2402.18571, section 3).

    r_u = s w_u . a(x, y),  |w_u| <= 1;   a: phi with its correlation to length taken out of the rest

The paper lets a person point into a direction of attributes; here the direction is found from choices, within the ball
whose sphere it is, so that nothing known is indifference. Attributes lose their dependence on length as in ArmoRM (Wang
et al., 2024, arXiv 2406.12845, section 3.2), by regression instead of a search.  Shared: what is taken out (d,), the
scale s and the population's direction.  Per user: w_u (d,).  Cold start: the population's direction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self, TypeVar

import numpy as np
from pydantic import BaseModel, Field

from idiolect.reward.checkpoint import Checkpoint
from idiolect.reward.choices import Choices
from idiolect.reward.factored import FactoredReward, Z, array_of
from idiolect.reward.held_out import EarlyStop, few_shot_loss
from idiolect.reward.minimise import in_unit_ball
from idiolect.reward.population import Population, Progress
from idiolect.reward.universal import UniversalSettings, universal_head
from idiolect.schema import Array

D = TypeVar("D", bound="DPA")

SCALES = (0.5, 1.0, 2.0, 4.0, 8.0)
CONCENTRATIONS = (0.3, 1.0, 3.0, 10.0)
USUAL_SCALE, USUAL_CONCENTRATION = 2.0, 1.0  # where there are too few people to tell


class DPASettings(BaseModel, frozen=True, extra="forbid"):
    """Of weights on named attributes."""

    length: int | None = Field(
        0, ge=0, description="Which direction is length, whose share goes out of the others (ArmoRM); none keeps them."
    )
    scale: float | None = Field(None, gt=0, description="s; without it, what predicts people left out best.")
    concentration: float | None = Field(
        None, ge=0, description="Choices that the population's direction counts for; without it, as for the scale."
    )
    held_out: float = Field(0.2, ge=0, lt=1, description="Share of the people on whom the two are chosen.")
    seed: int = Field(0, ge=0, description="Of who is left out.")


@dataclass(frozen=True)
class DPA(FactoredReward):
    """Arrays of a belief: `z` (d,), which are w_u, with the choices (see `factored.py`)."""

    Settings: ClassVar[type[BaseModel]] = DPASettings
    name = "dpa"

    basis: Array  # (d, d): s times what leaves length out
    mean: Array  # (d,) unit, or 0 where nothing is known
    concentration: float
    settings: DPASettings = field(default_factory=DPASettings)

    @classmethod
    def fit(
        cls,
        population: Population,
        settings: BaseModel | None = None,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Take out length, find the population's direction, choose scale and concentration on people left out."""
        given = DPASettings.model_validate(settings or {})
        stop = EarlyStop.over(population, given.held_out, given.seed)
        without = _without_length(stop.training, given.length)
        head = universal_head(stop.training, UniversalSettings(), checkpoint=checkpoint) @ np.linalg.inv(without)
        mean = head / np.linalg.norm(head) if head.any() else head

        start = cls((given.scale or USUAL_SCALE) * without, mean, USUAL_CONCENTRATION, given)
        if given.concentration is not None:
            start = replace(start, concentration=given.concentration)
        if stop.held is None:
            return start
        if given.scale is None:
            start = _best([replace(start, basis=each * without) for each in SCALES], stop.held, progress)
        if given.concentration is None:
            start = _best([replace(start, concentration=each) for each in CONCENTRATIONS], stop.held, progress)
        return start

    def arrays(self) -> dict[str, Array]:
        """`basis` (d, d), `mean` (d,), `concentration` (1,)."""
        return {"basis": self.basis, "mean": self.mean, "concentration": np.array([self.concentration])}

    @classmethod
    def restored(cls, arrays: Mapping[str, Array], settings: BaseModel) -> Self:
        """From what was saved."""
        mean = array_of(arrays, "mean", None)
        basis = array_of(arrays, "basis", len(mean), len(mean))
        return cls(basis, mean, float(array_of(arrays, "concentration", 1)[0]), DPASettings.model_validate(settings))

    def settled(self, choices: Choices) -> dict[str, Array]:
        """`z`: minimises the loss less concentration times the population's direction along it; convex."""
        if not len(choices.sizes):
            return {Z: self.mean}
        pull = self.concentration * self.mean

        def loss(w: Array) -> tuple[float, Array]:
            value, gradient = choices.loss(w)
            return value - float(pull @ w), gradient - pull

        return {Z: in_unit_ball(loss, self.mean, max(choices.curvature(), 1e-6))}


def _best(rewards: Sequence[D], held: Population, progress: Progress | None) -> D:
    losses = []
    for number, reward in enumerate(rewards):
        losses.append(few_shot_loss(reward, held))
        if progress is not None:
            progress((number + 1) / len(rewards), "choosing on people left out")
    return rewards[int(np.argmin(losses))]


def _without_length(population: Population, length: int | None) -> Array:
    """(d, d): takes out of every direction what length predicts of it within a pair."""
    found = np.eye(population.dim)
    if length is None or length >= population.dim:
        return found
    across = np.zeros(population.dim)
    for _, delta in population.blocks():
        across += delta.T.astype(np.float64) @ delta[:, length]
    if across[length] > 0:
        found[:, length] -= across / across[length]
        found[length, length] = 1.0
    return found
