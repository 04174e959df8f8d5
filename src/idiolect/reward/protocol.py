"""What a personal reward is: it turns evidence into a belief, and a belief into scores.

What is shared lives in the object, fitted once on a population; what is per user is the belief, an argument, rebuilt
from evidence. Every method sees the features phi of the answers; one that reads more finds it in `Asked`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from idiolect.errors import FeatureMismatch
from idiolect.reward.checkpoint import Checkpoint
from idiolect.reward.population import Population, Progress
from idiolect.schema import Array


@dataclass(frozen=True)
class Asked:
    """What was asked and answered, for methods that read more than phi; empty where it is not at hand."""

    prompt: str = ""
    embedding: Array | None = None  # (e,) of the prompt
    answers: tuple[str, ...] = ()  # in the order of phi's rows
    domain: int | None = None  # of the prompt, among those of a reward that tells them apart


@dataclass(frozen=True)
class Chosen:
    """One answer was chosen over others: phi (k, d), the chosen one first. `weight` is a likelihood power in (0, 1]."""

    phi: Array
    weight: float = 1.0
    asked: Asked | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Tied:
    """Two answers phi (2, d) were seen and neither was preferred."""

    phi: Array
    weight: float = 1.0
    asked: Asked | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Rated:
    """An answer phi (d,) was rated `value`, from 1 to 5."""

    phi: Array
    value: float
    asked: Asked | None = None
    weight: float = 1.0
    at: datetime | None = None


@dataclass(frozen=True)
class Said:
    """A direction (d,) of the space was said to matter: direction . w is about `target`, with this variance."""

    direction: Array
    target: float
    variance: float


Evidence: TypeAlias = Chosen | Tied | Rated | Said


@dataclass(frozen=True)
class Belief:
    """What is believed of a person, as named arrays; `seen` counts the pieces of evidence in it."""

    arrays: Mapping[str, Array]
    seen: int


@dataclass(frozen=True)
class Scores:
    """Of n answers to one prompt: mean (n,) and sd (n,) of r_u, both with phi centred over the n answers."""

    mean: Array
    sd: Array


class PersonalReward(ABC):
    """A method of the room."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Changes with the method and with what it shares, so that older beliefs are rebuilt."""

    @abstractmethod
    def prior(self) -> Belief:
        """The belief before any evidence."""

    @abstractmethod
    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Fold in one piece."""

    @abstractmethod
    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """The belief from all the evidence at once, in any order."""

    @abstractmethod
    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> the reward of each of n answers to one prompt."""

    def difference(self, belief: Belief, phi: Array, asked: Asked | None = None) -> tuple[float, float]:
        """Mean and variance of r_u(phi[0]) - r_u(phi[1]), phi (2, d)."""
        scores = self.score(belief, phi, asked)
        return float(scores.mean[0] - scores.mean[1]), float((scores.sd[0] + scores.sd[1]) ** 2)

    def reach(self, belief: Belief, phi: Array) -> float:
        """How far r_u(phi[0]) - r_u(phi[1]), phi (2, d), bears on what is uncertain: its squared covariances, summed.

        With the weights, where a method has them; else with itself alone.
        """
        return self.difference(belief, phi)[1] ** 2

    def probability(self, belief: Belief, phi: Array, asked: Asked | None = None) -> float:
        """P(phi[0] is preferred to phi[1]), phi (2, d)."""
        return float(1 / (1 + np.exp(-np.clip(self.difference(belief, phi, asked)[0], -500, 500))))


def sigmoid(s: Array) -> Array:
    """1 / (1 + exp(-s)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -s))


class LinearReward(PersonalReward):
    """One whose reward is w . phi: its weights can be told, steered by and corrected."""

    @abstractmethod
    def weights(self, belief: Belief) -> tuple[Array, Array]:
        """Mean and sd (d,) of the weights of the preference space."""

    def domain(self, asked: Asked | None) -> int | None:
        """Of a prompt, for a reward that tells some apart; None where it does not, or knows nothing of the prompt."""
        return None

    def about(self, belief: Belief, asked: Asked | None) -> Belief:
        """What is believed of answers to this prompt, for a reward by which tastes depend on what is asked about."""
        return belief

    def weight_matrix(self, beliefs: Sequence[Belief]) -> NDArray[np.float32]:
        """(u, d): the mean weights of u people, for `scores`."""
        return np.stack([self.weights(belief)[0] for belief in beliefs]).astype(np.float32)


def scores(weights: NDArray[np.float32], phi: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of u people (u, d) and features of n answers (n, d) -> r_u of each (u, n), in one matrix product.

    Rewards are known up to a constant for each person and prompt: compare answers to one prompt only.
    """
    if weights.shape[1] != phi.shape[1]:
        raise FeatureMismatch(
            f"features have {phi.shape[1]} directions where the rewards know {weights.shape[1]}: "
            "they were made by another version of Idiolect"
        )
    return weights @ phi.T


class FittedReward(PersonalReward):
    """One whose shared part is fitted on the choices of many people."""

    Settings: ClassVar[type[BaseModel]]

    @classmethod
    @abstractmethod
    def fit(
        cls,
        population: Population,
        settings: BaseModel | None = None,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Fit what is shared, under `small` settings unless others are given. The same seed gives the same arrays.

        With a checkpoint a fit that was stopped goes on, and gives the arrays of one that was not.
        """

    @classmethod
    def small(cls) -> BaseModel:
        """Settings for features of some sixty directions; the defaults may be a paper's, for thousands of them."""
        return cls.Settings()

    @classmethod
    def brief(cls) -> BaseModel:
        """Settings under which a fit takes a second or two, for trials and tests; the defaults, if those do."""
        return cls.Settings()

    @property
    def figures(self) -> Mapping[str, float]:
        """What the fit measured of itself on people held out, by name, if anything."""
        return {}

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """What is shared, as it is saved."""

    @classmethod
    @abstractmethod
    def restored(cls, arrays: Mapping[str, Array], settings: BaseModel) -> Self:
        """From what was saved. Raises FeatureMismatch or DataError for arrays of another form."""
