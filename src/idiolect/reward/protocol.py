"""What a personal reward is: it turns evidence into a belief, and a belief into scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from idiolect.schema import Array


@dataclass(frozen=True)
class Chosen:
    """One answer was chosen over others: phi (k, d), the chosen one first. `weight` is a likelihood power in (0, 1]."""

    phi: Array
    weight: float = 1.0


@dataclass(frozen=True)
class Rated:
    """An answer phi (d,) was rated `value`, from 1 to 5."""

    phi: Array
    value: float


@dataclass(frozen=True)
class Said:
    """A direction (d,) of the space was said to matter: direction . w is about `target`, with this variance."""

    direction: Array
    target: float
    variance: float


Evidence: TypeAlias = Chosen | Rated | Said


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


class PersonalReward(Protocol):
    """A method of the room. What is shared lives in the object; what is per user is the belief that is passed in."""

    @property
    def version(self) -> str:
        """Changes with the method and with what it shares, so that older beliefs are rebuilt."""

    def prior(self) -> Belief:
        """The belief before any evidence."""

    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Fold in one piece, in under a millisecond."""

    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """The belief from all the evidence at once, in any order."""

    def score(self, belief: Belief, phi: Array) -> Scores:
        """phi (n, d) -> the reward of each of n answers."""

    def weights(self, belief: Belief) -> tuple[Array, Array]:
        """Mean and sd (d,) of the weights of the preference space."""

    def difference(self, belief: Belief, chosen: Array, rejected: Array) -> tuple[float, float]:
        """Mean and variance of r_u(chosen) - r_u(rejected), phi (d,) each."""

    def probability(self, belief: Belief, chosen: Array, rejected: Array) -> float:
        """P(the person prefers `chosen` (d,) to `rejected` (d,))."""
