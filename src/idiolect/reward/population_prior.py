"""Empirical Bayes: the default's prior from the choices of many people.

Two priors are fitted, and each person's evidence weighs them:

    as shipped   w = m_0 + lift' l, l_j ~ Student-t(s_j): the shipped form, scaled and centred on these people
    kinds        w ~ sum_c pi_c N(m_c, S): people of a few kinds, who differ along what people in common differ in

The second holds what low-rank methods hold (tastes are mixtures of a few rewards: the m_c, and the wide directions of
S) with the uncertainty that they lack; the first holds what no other person shares (sparse tastes of one's own).

Objective: the marginal likelihood of everybody's choices, by expectation maximisation. E: Laplace's approximation of
each person's posterior. M: m_c = mean of the m_uc, S = [nu Psi + sum_u (S_u + (m_u - m_c)(m_u - m_c)')] / (U + nu), Psi
a share of the shipped covariance; s_j by the expected precisions, as if `people` others had the shipped scale. So few
people leave the shipped prior as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, Field

from idiolect.errors import DataError
from idiolect.features.space import PreferenceSpace
from idiolect.reward.checkpoint import Checkpoint, State, run
from idiolect.reward.population import Population, Progress
from idiolect.reward.posterior import Likelihood, Posterior, expected_precision, posterior
from idiolect.reward.prior import Prior, shipped_prior
from idiolect.schema import Array

ARRAYS = ("scales", "lift", "tail", "centres", "shares")  # of a prior, as saved
FEWEST = 8  # people to a kind


class GaussianSettings(BaseModel, frozen=True, extra="forbid"):
    """Of the default's fit."""

    kinds: int = Field(10, ge=1, description="Kinds of people; fewer where there are not eight people to each.")
    rounds: int = Field(12, ge=1, description="Of expectation maximisation.")
    people: float = Field(20.0, gt=0, description="nu: people that the shipped prior counts for.")
    floor: float = Field(0.3, gt=0, description="Psi, as a share of the shipped covariance.")
    held_out: float = Field(0.2, ge=0, lt=1, description="Share of the people by whom the chances are calibrated.")
    seed: int = Field(0, ge=0, description="Of the kinds' first centres, and of who is left out.")


@dataclass(frozen=True)
class _People:
    """Everybody's choices: for each person rivals - chosen (n, d) and powers (n,)."""

    deltas: list[Array]
    powers: list[Array]

    def likelihood(self, user: int) -> Likelihood:
        d = self.deltas[user].shape[1]
        return Likelihood([(self.deltas[user][:, None], self.powers[user])], np.zeros((d, d)), np.zeros(d))

    def __len__(self) -> int:
        return len(self.deltas)


def fitted_priors(
    population: Population,
    settings: GaussianSettings,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
    name: str = "",
) -> tuple[tuple[Prior, ...], tuple[float, ...]]:
    """The priors with their chances. Raises DataError for features that are not finite.

    `name` tells the rounds of this fit from those of another by the same checkpoint.
    """
    people, start = _people(population.checked()), start_for(population.dim)
    if not len(people):
        return (start,), (1.0,)
    told = progress or (lambda _share, _what: None)
    rounds = _Rounds(checkpoint, name)
    own = _scaled(start, people, settings, told, rounds)
    learnt = _kinds(start, people, settings, told, rounds)
    priors = (own, learnt)
    empty = Likelihood([], np.zeros((population.dim, population.dim)), np.zeros(population.dim))
    nothing = np.array([posterior(prior, empty).evidence for prior in priors])
    logs = np.array([[posterior(prior, people.likelihood(u)).evidence for prior in priors] for u in range(len(people))])
    told(1.0, "fitted")
    return priors, _odds(logs - nothing)


def start_for(dim: int) -> Prior:
    """The shipped prior where the features are the shipped space's, else an independent one of its scale."""
    space = PreferenceSpace.shipped()
    return shipped_prior(space) if space.dim == dim else Prior.independent(np.full(dim, 0.3))


def arrays_of(priors: Sequence[Prior], odds: Sequence[float]) -> dict[str, Array]:
    """As they are saved."""
    found = {f"{at}.{name}": np.atleast_1d(getattr(prior, name)) for at, prior in enumerate(priors) for name in ARRAYS}
    return {"odds": np.array(odds), **found}


def priors_of(arrays: Mapping[str, Array]) -> tuple[tuple[Prior, ...], tuple[float, ...]]:
    """What was saved. Raises DataError for arrays of another form."""
    odds = arrays.get("odds")
    if odds is None:
        raise DataError("the array `odds` is missing")
    found = tuple(_prior(arrays, at) for at in range(len(odds)))
    if len({prior.lift.shape[1] for prior in found}) != 1:
        raise DataError("the priors are of different features")
    return found, tuple(float(each) for each in odds)


def _prior(arrays: Mapping[str, Array], at: int) -> Prior:
    missing = [name for name in ARRAYS if f"{at}.{name}" not in arrays]
    if missing:
        raise DataError(f"the array `{at}.{missing[0]}` is missing")
    scales, lift, tail, centres, shares = (np.asarray(arrays[f"{at}.{name}"], np.float64) for name in ARRAYS)
    k, d, c = len(scales), lift.shape[-1], len(shares)
    if lift.shape != (k, d) or centres.shape != (c, d) or tail.shape != (1,):
        raise DataError(f"a prior of {k} scales has a lift of shape {lift.shape} and centres of {centres.shape}")
    return Prior(scales, lift, float(tail[0]), centres, shares)


def _people(population: Population) -> _People:
    order = np.argsort(population.owner, kind="stable")
    owners = population.owner[order]
    runs = np.split(order, np.flatnonzero(np.diff(owners)) + 1) if len(order) else []
    deltas = [np.asarray(population.phi[rows, 1] - population.phi[rows, 0], np.float64) for rows in runs]
    return _People(deltas, [np.asarray(population.weight[rows], np.float64) for rows in runs])


@dataclass
class _Rounds:
    """Rounds of expectation maximisation, gone on with where they were stopped."""

    checkpoint: Checkpoint | None
    name: str

    def run(self, stage: str, prior: Prior, rounds: int, once: Callable[[int, Prior], Prior]) -> Prior:
        """So many of them, from a first prior."""
        made = _Made(prior, rounds, once)
        run(self.name + stage, made.step, {"prior": made}, self.checkpoint)
        return made.prior


@dataclass
class _Made:
    prior: Prior
    rounds: int
    once: Callable[[int, Prior], Prior]
    taken: int = 0

    def step(self) -> bool:
        if self.taken < self.rounds:
            self.prior = self.once(self.taken, self.prior)
            self.taken += 1
        return self.taken < self.rounds

    def state(self) -> State:
        return State({name: np.atleast_1d(getattr(self.prior, name)) for name in ARRAYS}, {"taken": self.taken})

    def resume(self, state: State) -> None:
        self.prior, self.taken = (
            _prior({f"0.{name}": state.array(name) for name in ARRAYS}, 0),
            int(state.number("taken")),
        )


def _scaled(start: Prior, people: _People, settings: GaussianSettings, told: Progress, rounds: _Rounds) -> Prior:
    """The shipped form with the people's scales and mean."""

    def once(number: int, prior: Prior) -> Prior:
        told(number / settings.rounds / 2, "the scales of tastes")
        precision, means = np.zeros(len(start.scales)), np.zeros((len(people), start.lift.shape[1]))
        for user in range(len(people)):
            each = posterior(prior, people.likelihood(user))
            precision += expected_precision(prior, each.second)
            means[user] = each.mean
        weight = settings.people
        squared = (len(people) + weight) / (precision + weight / start.scales**2)
        return replace(prior, scales=np.sqrt(squared), centres=_common(means)[None])

    return rounds.run("scales", start, settings.rounds, once)


def _common(means: Array) -> Array:
    """(u, d) -> (d,): what people want on average, drawn to 0 by as much as chance explains (James and Stein, 1961)."""
    mean = means.mean(axis=0)
    chance = means.var(axis=0).sum() / max(len(means) - 1, 1)
    return np.asarray(mean * max(0.0, 1 - chance / max(float(mean @ mean), 1e-12)) if len(means) > 1 else mean * 0)


def _kinds(start: Prior, people: _People, settings: GaussianSettings, told: Progress, rounds: _Rounds) -> Prior:
    """A mixture of Gaussians of one covariance."""
    floor = settings.floor * start.covariance
    few = max(1, settings.rounds // 2)

    def once(number: int, prior: Prior) -> Prior:
        share = number / (few if len(prior.centres) == 1 else settings.rounds)
        told(0.5 + share * 0.1 if len(prior.centres) == 1 else 0.6 + share * 0.4, "kinds of people")
        return _maximised(prior, floor, people, settings)

    one = rounds.run("one kind", _whole(floor, np.zeros((1, len(floor))), np.ones(1)), few, once)
    kinds = max(1, min(settings.kinds, len(people) // FEWEST))
    if kinds == 1:
        return rounds.run("more of it", one, settings.rounds // 2, once)
    means = np.stack([posterior(one, people.likelihood(user)).mean for user in range(len(people))])
    centres, shares = _clusters(means, one.covariance, kinds, np.random.default_rng(settings.seed))
    return rounds.run("kinds", _whole(one.covariance / 2, centres, shares), settings.rounds, once)


def _maximised(prior: Prior, floor: Array, people: _People, settings: GaussianSettings) -> Prior:
    """One round of expectation maximisation of centres, shares and covariance."""
    c, d = prior.centres.shape
    chances, sums, spread = np.zeros(c), np.zeros((c, d)), settings.people * floor
    for user in range(len(people)):
        each = posterior(prior, people.likelihood(user))
        chances, sums = chances + each.chances, sums + each.chances[:, None] * each.means
        spread = spread + _second_moment(each, prior.centres)
    spread = spread / (len(people) + settings.people)
    centres = sums / (chances + settings.people / 10)[:, None]
    return _whole(spread, centres, (chances + 1) / (len(people) + c))


def _second_moment(each: Posterior, centres: Array) -> Array:
    """(d, d): of w about the centre that it belongs to."""
    between = each.means - each.mean
    within = each.cov - (between.T * each.chances) @ between
    departures = each.means - centres
    return np.asarray(within + (departures.T * each.chances) @ departures)


def _whole(covariance: Array, centres: Array, shares: Array) -> Prior:
    """Gaussian, by the covariance's principal directions."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return Prior(np.sqrt(values.clip(1e-9)), vectors.T, np.inf, centres, shares)


def _clusters(means: Array, covariance: Array, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """First centres and shares: k-means (Lloyd) from far starts (k-means++), the best of five."""
    whitened = means @ np.linalg.cholesky(np.linalg.inv(covariance))
    best, members = np.inf, np.zeros(len(means), np.intp)
    for _ in range(5):
        centres = _far_apart(whitened, count, rng)
        for _ in range(20):
            nearest = _distances(whitened, centres).argmin(axis=1)
            there_is = np.bincount(nearest, minlength=count)
            sums = np.zeros_like(centres)
            np.add.at(sums, nearest, whitened)
            centres = np.where(there_is[:, None] > 0, sums / np.maximum(there_is, 1)[:, None], centres)
        cost = float(_distances(whitened, centres).min(axis=1).sum())
        if cost < best:
            best, members = cost, nearest
    sizes = np.bincount(members, minlength=count)
    sums = np.zeros((count, means.shape[1]))
    np.add.at(sums, members, means)
    found = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], means.mean(axis=0))
    return found, (sizes + 1) / (len(means) + count)


def _far_apart(points: Array, count: int, rng: np.random.Generator) -> Array:
    chosen = [points[rng.integers(len(points))]]
    while len(chosen) < count:
        far = _distances(points, np.array(chosen)).min(axis=1)
        total = far.sum()
        chosen.append(points[rng.choice(len(points), p=far / total if total > 0 else None)])
    return np.array(chosen)


def _distances(points: Array, centres: Array) -> Array:
    """(n, c), squared."""
    found = (points**2).sum(axis=1)[:, None] - 2 * points @ centres.T + (centres**2).sum(axis=1)
    return np.asarray(found.clip(0))


def _odds(logs: Array) -> tuple[float, ...]:
    """(u, p) log-evidence -> chances of the priors, as if one more person had each."""
    odds = np.full(logs.shape[1], 1 / logs.shape[1])
    for _ in range(20):
        weighed = logs + np.log(odds)
        chances = np.exp(weighed - weighed.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        odds = (chances.sum(axis=0) + 1) / (len(logs) + logs.shape[1])
    return tuple(float(each) for each in odds)
