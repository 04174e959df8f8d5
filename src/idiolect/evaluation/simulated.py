"""Simulated people: a hidden reward r*, and choices that follow it with the noise that people have.

`in_space`: r*(y) = w . phi(y) over the named attributes, w sparse (six of them, normal weights), of those attributes in
which the pool's answers to one prompt differ at all: nobody longs for what the model never writes.
`in_space_correlated`: as before, but weights of all attributes hang together through three hidden traits.
`out_of_space`: r* is built from word lists and another embedding (lenses.py), and whoever's r* a linear head over our
features could predict too well is sent away: the correlation of the best ridge fit, on prompts held out, differences
within prompts, must be below `MOST_FIT`. Each person carries theirs (`fit`).

r* has unit standard deviation within a prompt of the reference pool. A choice between a and b follows
P(a) = sigma((r*(a) - r*(b)) / T), with T such that a person who is asked the same again says the same in `agreement` of
the cases (0.85: people are about that consistent with themselves).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import DataError, UnknownMethod
from idiolect.evaluation.lenses import AttributeLens, ForeignLens, Lens, Pool
from idiolect.evaluation.statistics import TIE, root
from idiolect.features.space import PreferenceSpace
from idiolect.schema import Array

AGREEMENT = 0.85
USUAL_TEMPERATURE = 0.28  # what that comes to for most people
LIKED = 6  # attributes, or word lists, that a sparse taste is about
TRAITS = 3
VARIES = 0.25  # standard deviation within prompts from which an attribute counts as varying
LISTS_SHARE = 0.2  # of the variance of an out-of-space taste; the rest is waves
MOST_FIT = 0.5
MOST_DRAWN = 20  # for each person wanted
BATCH = 20  # people are drawn so many at a time, so that the first ones do not depend on how many follow
RIDGES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
FOLDS = 5


@dataclass(frozen=True)
class Person:
    """Someone with a hidden taste. `fit` is how well our features predict it linearly; 1 inside the space."""

    name: str
    kind: str
    lens: Lens
    weights: Array  # (k,) over the lens's columns
    temperature: float
    fit: float = 1.0

    def reward(self, answers: Sequence[str]) -> Array:
        """r* (n,) of each answer."""
        return self.lens.look(answers) @ self.weights

    def choose(self, answers: Sequence[str], rng: np.random.Generator) -> int:
        """The answer that this person picks, this time."""
        return int(np.argmax(self.reward(answers) / self.temperature + rng.gumbel(size=len(answers))))

    def prefers(self, a: str, b: str, rng: np.random.Generator) -> bool:
        """Whether this person picks a over b, this time."""
        return self.choose((a, b), rng) == 0


@dataclass(frozen=True)
class World:
    """What tastes are scaled on: a reference pool of answers by prompt, and our features (n, d) of each answer."""

    pool: Pool
    phi: Sequence[Array]
    space: PreferenceSpace
    agreement: float = AGREEMENT
    inside: AttributeLens = field(init=False)
    outside: ForeignLens = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inside", AttributeLens(self.space))
        object.__setattr__(self, "outside", ForeignLens(self.pool))


def persons(kind: str, count: int, seed: int, world: World) -> list[Person]:
    """`count` people of one kind; a name's number tells how many were drawn, those sent away included."""
    if kind not in KINDS:
        raise UnknownMethod(f"no kind of simulated people named {kind!r}; there are: {', '.join(sorted(KINDS))}")
    draw, found, number = KINDS[kind], list[Person](), 0
    rng = np.random.default_rng((seed, *kind.encode()))
    while len(found) < count:
        if number >= MOST_DRAWN * max(count, BATCH):
            raise DataError(
                f"of {number} people drawn, {len(found)} are as hard to predict as asked: give a larger pool"
            )
        lens, weights = draw(world, rng, BATCH)
        views = [lens.look(answers) for answers in world.pool]
        people = _calibrated(kind, lens, weights, views, world, number)
        found += [person for person in people if person.kind != "out_of_space" or person.fit < MOST_FIT]
        number += BATCH
    return found[:count]


def person(name: str, lens: Lens, tastes: Mapping[str, float], temperature: float = USUAL_TEMPERATURE) -> Person:
    """Someone whose taste is given by hand, column by column, and scaled to unit length."""
    weights = np.array([tastes.get(column, 0.0) for column in lens.names])
    return Person(name, "given", lens, weights / np.linalg.norm(weights), temperature)


def temperature(rewards: Sequence[Array], agreement: float) -> float:
    """T at which someone asked twice about two answers that differ says the same in `agreement` of the cases."""
    gaps = np.concatenate([(each[:, None] - each)[np.triu_indices(len(each), 1)] for each in rewards])
    gaps = gaps[np.abs(gaps) > TIE]

    def above(t: float) -> float:
        p = 1 / (1 + np.exp(-np.clip(gaps / t, -50, 50)))
        return float(np.mean(p**2 + (1 - p) ** 2)) - agreement

    return root(above, 1e-4, 1e4)


def linear_fit(rewards: Array, phi: Sequence[Array]) -> Array:
    """(n, u) -> (u,): correlation of r* with its ridge prediction from phi, within prompts and on prompts held out.

    Of several ridges each person's best counts, so that nobody passes for unpredictable by a bad choice of ridge.
    """
    folds = np.concatenate([np.full(len(rows), prompt % FOLDS) for prompt, rows in enumerate(phi)])
    x = np.concatenate([rows - rows.mean(axis=0) for rows in phi])
    best = np.full(rewards.shape[1], -1.0)
    for ridge in RIDGES:
        predicted = np.empty_like(rewards)
        for fold in range(FOLDS):
            known, held = x[folds != fold], folds == fold
            gram = known.T @ known + ridge * np.eye(x.shape[1])
            predicted[held] = x[held] @ np.linalg.solve(gram, known.T @ rewards[folds != fold])
        best = np.maximum(best, _correlation(predicted, rewards))
    return best


def _calibrated(
    kind: str, lens: Lens, weights: Array, views: Sequence[Array], world: World, first: int
) -> list[Person]:
    """People from weights (k, u), each scaled to unit sd within prompts."""
    centred = [(view - view.mean(axis=0)) @ weights for view in views]
    scales = np.concatenate(centred).std(axis=0)
    rewards = np.concatenate(centred) / scales
    fits = linear_fit(rewards, world.phi) if kind == "out_of_space" else np.ones(weights.shape[1])
    return [
        Person(
            name=f"{kind}-{first + u + 1}",
            kind=kind,
            lens=lens,
            weights=weights[:, u] / scales[u],
            temperature=temperature([each[:, u] / scales[u] for each in centred], world.agreement),
            fit=float(fits[u]),
        )
        for u in range(weights.shape[1])
    ]


def _correlation(a: Array, b: Array) -> Array:
    """Column by column, of columns whose mean is 0 within each prompt."""
    top = (a * b).sum(axis=0)
    found: Array = top / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0)).clip(1e-12)
    return found


def _sparse(among: NDArray[np.bool_], count: int, rng: np.random.Generator) -> Array:
    """(k, count): in each column LIKED normal weights, at places that `among` (k,) allows."""
    ranks = np.argsort(np.argsort(rng.random((len(among), count)) + ~among[:, None], axis=0), axis=0)
    return rng.normal(size=ranks.shape) * (ranks < LIKED) * among[:, None]


def _varying(world: World) -> NDArray[np.bool_]:
    views = [world.inside.look(answers) for answers in world.pool]
    found: NDArray[np.bool_] = np.concatenate([view - view.mean(axis=0) for view in views]).std(axis=0) >= VARIES
    return found


def _in_space(world: World, rng: np.random.Generator, count: int) -> tuple[Lens, Array]:
    return world.inside, _sparse(_varying(world), count, rng)


def _in_space_correlated(world: World, rng: np.random.Generator, count: int) -> tuple[Lens, Array]:
    varying = _varying(world)
    loading = np.random.default_rng(0).normal(size=(len(varying), TRAITS)) * varying[:, None]  # the population's own
    return world.inside, loading @ rng.normal(size=(TRAITS, count)) + _sparse(varying, count, rng)


def _out_of_space(world: World, rng: np.random.Generator, count: int) -> tuple[Lens, Array]:
    lens = world.outside
    lists = _sparse(np.ones(lens.lists, dtype=bool), count, rng)
    waves = rng.normal(size=(len(lens.names) - lens.lists, count))
    views = np.concatenate([view - view.mean(axis=0) for view in map(lens.look, world.pool)])
    lists *= np.sqrt(LISTS_SHARE) / (views[:, : lens.lists] @ lists).std(axis=0)
    waves *= np.sqrt(1 - LISTS_SHARE) / (views[:, lens.lists :] @ waves).std(axis=0)
    return lens, np.concatenate([lists, waves])


KINDS: dict[str, Callable[[World, np.random.Generator, int], tuple[Lens, Array]]] = {
    "in_space": _in_space,
    "in_space_correlated": _in_space_correlated,
    "out_of_space": _out_of_space,
}
