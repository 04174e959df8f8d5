"""Baselines that fit nothing on other people: the nearest answers that somebody has judged, and a head on embeddings.

Both know choices alone: ratings and statements say nothing to them.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import BaseModel, Field, JsonValue

from idiolect.errors import FeatureMismatch
from idiolect.reward.protocol import Asked, Belief, Chosen, Evidence, PersonalReward, Scores, sigmoid
from idiolect.schema import Array

STEPS = 50  # of Newton's method at most; it takes five


class Local(PersonalReward):
    """A reward that keeps the pairs (n, 2, d) that it has seen, the chosen answer first, and their powers (n,)."""

    @classmethod
    @abstractmethod
    def of(cls, settings: Mapping[str, JsonValue]) -> Self:
        """With these settings in place of their defaults."""

    def prior(self) -> Belief:
        """Nothing was judged."""
        return self.rebuild([])

    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Keep one more choice; there is no shorter way than from all of them."""
        pairs, powers = _pairs([evidence])
        if "pairs" in belief.arrays and len(belief.arrays["pairs"]) and len(pairs):
            pairs = np.concatenate([belief.arrays["pairs"], pairs])
            powers = np.concatenate([belief.arrays["powers"], powers])
        elif not len(pairs):
            pairs, powers = belief.arrays["pairs"], belief.arrays["powers"]
        return Belief(self._arrays(pairs, powers), belief.seen + 1)

    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """From all choices, in any order."""
        return Belief(self._arrays(*_pairs(evidence)), len(evidence))

    @abstractmethod
    def _arrays(self, pairs: Array, powers: Array) -> dict[str, Array]:
        """What is believed, `pairs` and `powers` among it."""


class NearestSettings(BaseModel, frozen=True, extra="forbid"):
    """Of the nearest neighbours."""

    neighbours: int = Field(5, ge=1, description="Judged answers that have a say on another one.")
    steepness: float = Field(1.0, gt=0, description="Of the chance that follows from the difference of two votes.")


@dataclass(frozen=True)
class Nearest(Local):
    """r_u(y) = mean label of the k judged answers nearest to y: 1 where it was chosen, -1 where it was rejected."""

    settings: NearestSettings

    @classmethod
    def of(cls, settings: Mapping[str, JsonValue]) -> Self:
        """With these settings in place of their defaults."""
        return cls(NearestSettings.model_validate(settings))

    @property
    def version(self) -> str:
        """The method's name with its settings."""
        return f"nearest-{self.settings.neighbours}-{self.settings.steepness}"

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> votes (n,), 0 before any choice."""
        pairs = belief.arrays["pairs"]
        if not len(pairs):
            return Scores(np.zeros(len(phi)), np.zeros(len(phi)))
        judged = pairs.transpose(1, 0, 2).reshape(-1, pairs.shape[-1])
        _same_features(judged, phi)
        labels = np.repeat([1.0, -1.0], len(pairs)) * np.tile(belief.arrays["powers"], 2)
        distance = ((phi[:, None] - judged) ** 2).sum(axis=-1)  # (n, 2m)
        heard = min(self.settings.neighbours, len(pairs))  # all of them together would say the same of every answer
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :heard]
        votes = labels[nearest].mean(axis=1) * self.settings.steepness
        return Scores(votes - votes.mean(), np.zeros(len(phi)))

    def _arrays(self, pairs: Array, powers: Array) -> dict[str, Array]:
        return {"pairs": pairs, "powers": powers}


class LogisticSettings(BaseModel, frozen=True, extra="forbid"):
    """Of the logistic regression."""

    scale: float = Field(3.0, gt=0, description="Prior standard deviation of a weight.")


@dataclass(frozen=True)
class Logistic(Local):
    """r_u(y) = w . e(y), e the raw embedding: minimise over w  sum_i log(1 + exp(-w . delta_i)) + |w|^2 / (2 scale^2).

    Solved in the dual, since choices are fewer than directions: w = sum_i alpha_i delta_i.
    """

    settings: LogisticSettings

    @classmethod
    def of(cls, settings: Mapping[str, JsonValue]) -> Self:
        """With this setting in place of its default."""
        return cls(LogisticSettings.model_validate(settings))

    @property
    def version(self) -> str:
        """The method's name with its setting."""
        return f"logistic-{self.settings.scale}"

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, e) -> r_u (n,), 0 before any choice."""
        weights = belief.arrays["weights"]
        if not len(weights):
            return Scores(np.zeros(len(phi)), np.zeros(len(phi)))
        _same_features(weights[None], phi)
        mean = (phi - phi.mean(axis=0)) @ weights
        return Scores(mean, np.zeros(len(phi)))

    def _arrays(self, pairs: Array, powers: Array) -> dict[str, Array]:
        deltas = pairs[:, 0] - pairs[:, 1] if len(pairs) else np.empty((0, 0))
        kernel = deltas @ deltas.T * self.settings.scale**2
        margins = np.zeros(len(deltas))  # kernel @ alpha at the optimum, where alpha = power * sigma(-margin)
        for _ in range(STEPS if len(deltas) else 0):
            miss = powers * sigmoid(-margins)
            curvature = powers * sigmoid(margins) * sigmoid(-margins)
            step = np.linalg.solve(np.eye(len(deltas)) + kernel * curvature, kernel @ miss - margins)
            margins = margins + step
            if np.abs(step).max() < 1e-8:
                break
        alpha = powers * sigmoid(-margins) * self.settings.scale**2
        return {"pairs": pairs, "powers": powers, "weights": alpha @ deltas if len(deltas) else np.empty(0)}


def _pairs(evidence: Sequence[Evidence]) -> tuple[Array, Array]:
    """(n, 2, d) and (n,): a choice among many is as many pairs, its power shared among them."""
    pairs = [
        (np.stack([piece.phi[0], other]), piece.weight / (len(piece.phi) - 1))
        for piece in evidence
        if isinstance(piece, Chosen)
        for other in piece.phi[1:]
    ]
    return np.array([pair for pair, _ in pairs]), np.array([power for _, power in pairs])


def _same_features(known: Array, phi: Array) -> None:
    if known.shape[-1] != phi.shape[-1]:
        raise FeatureMismatch(f"answers have {phi.shape[-1]} features where the judged ones have {known.shape[-1]}")


BASELINES: dict[str, type[Local]] = {"nearest": Nearest, "embedding-logistic": Logistic}
