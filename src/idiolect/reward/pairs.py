"""Rewards whose belief keeps a person's pairs and works out the rest from all of them at once.

The pairs stand in the belief as phi (n, 2, d), the chosen answer first, in float16 (a thousandth of a standard
deviation; 50 pairs at d = 64 take 12.8 kB) and in an order of their own, so that the evidence's cannot matter. A choice
among k answers is k - 1 pairs; a tie is half a pair each way. Ratings and statements are left out: these methods know
choices only.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import DataError
from idiolect.reward.choices import chosen_and_powers
from idiolect.reward.factored import same_dim, versioned
from idiolect.reward.networks import Training, kept
from idiolect.reward.population import Population
from idiolect.reward.protocol import Belief, Evidence, FittedReward
from idiolect.schema import Array

Weights: TypeAlias = NDArray[np.float32]
HIGHEST = 60_000.0  # that float16 holds

Pairs: TypeAlias = tuple[Array, Array]  # phi (n, 2, d), the chosen one first, and weight (n,)


class PairReward(FittedReward):
    """A reward that knows pairs; `derived` is what it believes after those pairs."""

    name: ClassVar[str]
    shared: Mapping[str, Array]
    settings: Training

    @property
    def version(self) -> str:
        """The method's name with a hash of what it shares."""
        return versioned(self.name, self.shared, self.settings)

    @property
    def dim(self) -> int:
        """d of the features."""
        return len(self.shared[Scale.MEAN])

    def arrays(self) -> dict[str, Array]:
        """The network, by the names of its layers, and the scale of phi."""
        return dict(self.shared)

    @abstractmethod
    def derived(self, pairs: Pairs) -> dict[str, Array]:
        """What is believed beside the pairs themselves; of no pairs, what holds for anybody."""

    def prior(self) -> Belief:
        """Nobody in particular."""
        return self._belief((np.empty((0, 2, self.dim)), np.empty(0)), seen=0)

    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Fold in one piece: the pairs and the new one, all at once."""
        old, new = remembered(belief), pairs_of([evidence], self.dim)
        return self._belief((np.concatenate([old[0], new[0]]), np.concatenate([old[1], new[1]])), belief.seen + 1)

    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """The belief from all the evidence at once."""
        return self._belief(pairs_of(evidence, self.dim), seen=len(evidence))

    def _belief(self, pairs: Pairs, seen: int) -> Belief:
        rounded = kept(pairs[0].clip(-HIGHEST, HIGHEST), np.float16)
        weight = kept(pairs[1])
        order = sorted(range(len(weight)), key=lambda at: (rounded[at].tobytes(), weight[at]))
        belief = Belief({"pairs": rounded[order], "weight": weight[order]}, seen)
        return Belief({**belief.arrays, **self.derived(remembered(belief))}, seen)


def remembered(belief: Belief) -> Pairs:
    """The pairs that a belief holds."""
    return belief.arrays["pairs"].astype(np.float64), belief.arrays["weight"].astype(np.float64)


def pairs_of(evidence: Sequence[Evidence], dim: int) -> Pairs:
    """What the evidence says as pairs. Raises FeatureMismatch or DataError, as `check` does."""
    found, weights = [np.empty((0, 2, dim))], [np.empty(0)]
    for piece in evidence:
        for phi, weight in chosen_and_powers(piece):
            check(phi, dim)
            found.append(np.stack([np.repeat(phi[:1], len(phi) - 1, axis=0), phi[1:]], axis=1))
            weights.append(np.full(len(phi) - 1, weight))
    return np.concatenate(found), np.concatenate(weights)


def check(phi: Array, dim: int) -> None:
    """Raise FeatureMismatch unless phi is (..., dim), DataError unless its numbers are finite."""
    same_dim(phi, dim)
    if not np.isfinite(phi).all():
        raise DataError("an answer has features that are not finite numbers; embed it anew")


@dataclass(frozen=True)
class Batch:
    """Some people's pairs, padded with weight 0: by the first `known` of each the person is to be recognised."""

    phi: NDArray[np.float32]  # (b, g, 2, d), the chosen one first
    weight: NDArray[np.float32]  # (b, g)
    known: int
    people: NDArray[np.int64]  # (b,) indices into the population's users


class Sampler:
    """Draws batches of people out of a population, reading only the rows it needs."""

    def __init__(self, population: Population, people: Sequence[int]) -> None:
        self._population = population
        order = np.argsort(population.owner, kind="stable")
        bounds = np.searchsorted(population.owner[order], np.arange(len(population.users) + 1))
        self._rows = {person: order[bounds[person] : bounds[person + 1]] for person in people}
        self._people = np.array([person for person in people if len(self._rows[person])], dtype=np.int64)

    def draw(self, chance: np.random.Generator, count: int, known: int, asked: int) -> Batch:
        """`count` people (or all, if fewer): `known` pairs of each, and `asked` others, or as many as there are.

        One pair of each is always among the others: what is predicted must not be what was shown.
        """
        people = chance.choice(self._people, size=min(count, len(self._people)), replace=False)
        longest = max(len(self._rows[int(person)]) for person in people)
        known, asked = min(known, longest - 1), min(asked, longest)
        phi = np.zeros((len(people), known + asked, 2, self._population.dim), np.float32)
        weight = np.zeros((len(people), known + asked), np.float32)
        for at, person in enumerate(people):
            rows = chance.permutation(self._rows[int(person)])
            shown = min(known, len(rows) - 1)
            for place, some in ((0, rows[:shown]), (known, rows[shown : shown + asked])):
                phi[at, place : place + len(some)] = self._population.phi[some]
                weight[at, place : place + len(some)] = self._population.weight[some]
        return Batch(phi, weight, known, people)

    def everybody(self, most: int, seed: int) -> Batch:
        """All of these people (at most 500), of most of whom half of the pairs are known, at most so many."""
        half = int(np.median([len(self._rows[int(person)]) for person in self._people])) // 2
        return self.draw(np.random.default_rng((seed, 3)), WATCHED, min(most, half), most)


WATCHED = 500


class Rows:
    """Draws single pairs of these people, and says whose they are: (n, 2, d), weight (n,), owner (n,)."""

    def __init__(self, population: Population, people: Sequence[int]) -> None:
        self._population = population
        self.rows = np.flatnonzero(np.isin(population.owner, people))

    def draw(self, chance: np.random.Generator, count: int) -> tuple[NDArray[np.float32], Weights, NDArray[np.int64]]:
        """`count` at random, or all, if fewer."""
        some = np.sort(chance.choice(self.rows, size=min(count, len(self.rows)), replace=False))
        of = self._population
        return np.asarray(of.phi[some]), np.asarray(of.weight[some]), of.owner[some].astype(np.int64)


def few_or_many(chance: np.random.Generator, low: int, high: int) -> int:
    """Log-uniform among low..high: few choices are what most people will have given."""
    return int((low + 1) * ((high + 1.999) / (low + 1)) ** chance.random()) - 1


def split(population: Population, held_out: float, seed: int) -> tuple[list[int], list[int]]:
    """People to train on, and people to stop by: two at least, and of fewer than eight people none."""
    number = len(population.users)
    order = np.random.default_rng((seed, 1)).permutation(number).tolist()
    spared = max(2, round(held_out * number)) if held_out and number >= 8 else 0
    return sorted(order[spared:]), sorted(order[:spared])


@dataclass(frozen=True)
class Scale:
    """The population's mean and standard deviation (d,) of each feature: what a network sees has unit variance."""

    MEAN: ClassVar[str] = "phi.mean"
    SD: ClassVar[str] = "phi.sd"

    mean: Array
    sd: Array
    centred: bool  # whether phi is taken from the mean of a question's options, which says nothing of the person

    @classmethod
    def of(cls, population: Population, *, centred: bool, most: int = 20_000) -> "Scale":
        """From at most so many pairs, evenly spread. Raises DataError for none, or numbers that are not finite."""
        if not len(population.phi):
            raise DataError("there is not one choice to fit a reward on; give at least one pair")
        some = np.asarray(population.phi[:: max(1, len(population.phi) // most)], dtype=np.float64)
        some = some.reshape(-1, population.dim)  # chosen and rejected in turn
        check(some, population.dim)
        sd = some.std(axis=0)
        if centred:
            sd = (some[::2] - some[1::2]).std(axis=0) / 2
        return cls(some.mean(axis=0), np.where(sd > 1e-6, sd, 1.0), centred)

    def __call__(self, phi: NDArray[np.floating]) -> Array:
        """(..., k, d) -> (..., k, d): k options of one question."""
        middle = phi.mean(axis=-2, keepdims=True) if self.centred else self.mean
        return np.asarray((phi - middle) / self.sd, dtype=np.float64)

    @property
    def arrays(self) -> dict[str, Array]:
        """As saved with the network."""
        return {self.MEAN: kept(self.mean), self.SD: kept(self.sd)}

    @classmethod
    def among(cls, arrays: Mapping[str, Array], *, centred: bool) -> "Scale":
        """As found among what was saved."""
        return cls(arrays[cls.MEAN].astype(np.float64), arrays[cls.SD].astype(np.float64), centred)
