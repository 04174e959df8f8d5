"""The default personal reward: a Bayesian linear head over the preference space, with sparse and shared tastes.

    r_u(x, y) = w . phi(x, y),   w = centre_c + lift' l,   P(y1 preferred to y2) = sigma(w . (phi1 - phi2))

Per user: a Gaussian N(m, S) over w and over an offset for ratings.  Shared: the prior, shipped (see `prior.py`) or
fitted on a population by empirical Bayes (see `population_prior.py`); a fitted one keeps the shipped form beside what
was learnt, and each person's evidence weighs the two.  No evidence: the prior; the shipped one prefers nothing.

A rebuild is Laplace's approximation under each prior (see `posterior.py`), of which the belief keeps mean and
covariance, so that no order of the evidence can change it.  Online, a choice between two or a rating is folded in by
moment matching (assumed-density filtering, Minka, 2001, chapter 3; in one dimension, by Gauss-Hermite quadrature), one
among many by its Laplace approximation; statements are Gaussian, so exact.

A rating is ordinal: that a person gave g of 5 says that r_u + c_u lies above the threshold below g and under the one
above it, P = sigma(r_u + c_u - b_g) sigma(b_(g+1) - r_u - c_u), which is the cumulative logit (McCullagh, 1980) up to a
constant. The thresholds stand STEP apart around 3, and c_u is the person's own middle.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel

from idiolect.errors import DataError, FeatureMismatch
from idiolect.features.space import PreferenceSpace
from idiolect.reward.checkpoint import Checkpoint
from idiolect.reward.domains import Domains, Sites, departures
from idiolect.reward.held_out import TEMPERATURES, EarlyStop, few_shot_losses
from idiolect.reward.population import Population, Progress
from idiolect.reward.population_prior import GaussianSettings, arrays_of, fitted_priors, priors_of
from idiolect.reward.posterior import Groups, Likelihood, Passed, Posterior, posterior
from idiolect.reward.prior import Prior, shipped_prior
from idiolect.reward.protocol import (
    Asked,
    Belief,
    Chosen,
    Evidence,
    FittedReward,
    LinearReward,
    Rated,
    Said,
    Scores,
    Tied,
    sigmoid,
)
from idiolect.reward.triangle import folded_in, places, unfolded
from idiolect.schema import Array

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(32)
WEIGHTS = WEIGHTS / WEIGHTS.sum()

LOWEST, MIDDLE, HIGHEST = 1.0, 3.0, 5.0  # ratings
STEP = 2.0  # logits between two thresholds; simulated people who use the scale in their own ways chose it
OFFSET_SCALE = 1.0  # of a person's own middle, c_u


@dataclass(frozen=True)
class Gaussian(LinearReward, FittedReward):
    """Arrays of a belief: `mean` (d+1,) and `cov`, the triangle of (d+1, d+1), over w and, last, the rating offset."""

    Settings: ClassVar[type[BaseModel]] = GaussianSettings

    priors: tuple[Prior, ...]
    odds: tuple[float, ...] = (1.0,)  # chances of the priors, before any evidence
    gain: float = 1.0  # of the reward's difference in a chance, told on people left out: it mends no choice, only odds
    domains: Domains | None = None  # that tastes may depend on; None: one taste everywhere

    @classmethod
    def shipped(cls, space: PreferenceSpace) -> Self:
        """With the population prior that comes with the package."""
        return cls((shipped_prior(space),))

    @classmethod
    def of_domains(cls, space: PreferenceSpace) -> Self:
        """The same, with tastes that may depend on what is asked about."""
        return cls((shipped_prior(space),), domains=Domains.shipped())

    @classmethod
    def fit(
        cls,
        population: Population,
        settings: BaseModel | None = None,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """The prior by empirical Bayes; with few people it stays near the shipped one, with none it is that one."""
        given = GaussianSettings.model_validate(settings or {})
        gain, split = 1.0, EarlyStop.over(population, given.held_out, given.seed)
        if split.held is not None:
            met = cls(*fitted_priors(split.training, given, progress, checkpoint, "some: "))
            gain = float(1 / TEMPERATURES[np.argmin(few_shot_losses(met, split.held))])
        return cls(*fitted_priors(population, given, progress, checkpoint, "all: "), gain)

    @classmethod
    def brief(cls) -> BaseModel:
        """Settings for trials: fewer rounds."""
        return GaussianSettings(rounds=3)

    def arrays(self) -> dict[str, Array]:
        """Each prior's arrays under its number, `odds` and `gain`."""
        return {**arrays_of(self.priors, self.odds), "gain": np.array([self.gain])}

    @classmethod
    def restored(cls, arrays: Mapping[str, Array], settings: BaseModel) -> Self:
        """From what was saved. Raises DataError for arrays of another form."""
        GaussianSettings.model_validate(settings)
        if "gain" not in arrays:
            raise DataError("the array `gain` is missing")
        return cls(*priors_of(arrays), float(arrays["gain"][0]))

    @cached_property
    def version(self) -> str:
        """The method's name with a hash of its priors."""
        found = sha256()
        for name, array in sorted(self.arrays().items()):
            found.update(name.encode() + np.ascontiguousarray(array, dtype=np.float64).tobytes())
        if self.domains is not None:
            found.update(b"domains" + np.ascontiguousarray(self.domains.centres).tobytes())
        return f"gaussian-{found.hexdigest()[:12]}"

    @property
    def dim(self) -> int:
        """d"""
        return int(self.priors[0].lift.shape[1])

    def prior(self) -> Belief:
        """The population: no evidence yet."""
        return self.rebuild([])

    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Fold in one piece; O(d^2) for a pair, a rating or a statement, O(d^3) for one among many."""
        mean, triangle = belief.arrays["mean"], belief.arrays["cov"]
        match evidence:
            case Chosen(phi=phi, weight=power) if len(phi) == 2:
                row = self._row(phi[0] - phi[1])
                mean, triangle = _matched(mean, triangle, row, lambda s: -power * np.logaddexp(0.0, -s))
            case Tied(phi=phi, weight=power):
                row = self._row(phi[0] - phi[1])
                mean, triangle = _matched(
                    mean, triangle, row, lambda s: -power / 2 * (np.logaddexp(0.0, -s) + np.logaddexp(0.0, s))
                )
            case Chosen():
                mean, triangle = self._among(mean, triangle, evidence)
            case Rated(phi=phi, weight=power):
                sides = np.array(_sides(evidence))  # (1 or 2, 2): which way, and from where
                mean, triangle = _matched(
                    mean,
                    triangle,
                    self._row(phi, offset=1.0),
                    lambda s: -power * np.logaddexp(0.0, sides[:, :1] * (sides[:, 1:] - s)).sum(axis=0),
                )
            case Said(direction=direction, target=target, variance=variance):
                mean, triangle = _observe(mean, triangle, self._row(direction), target, variance)
        return Belief({**belief.arrays, "mean": mean, "cov": triangle}, belief.seen + 1)

    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """The posterior given all the evidence; its order does not matter."""
        likelihood = self._likelihood(evidence)
        found = [posterior(prior, likelihood) for prior in self._beside]
        chances = self.evidences(found) if len(found) > 1 else np.ones(1)
        mean, cov = _blended(found, chances) if len(found) > 1 else (found[0].mean, found[0].cov)
        likeliest = int(np.argmax(chances))
        apart = self._apart(evidence, likelihood, found[likeliest], self._beside[likeliest])
        return Belief({"mean": mean, "cov": folded_in(cov), **apart}, len(evidence))

    def domain(self, asked: Asked | None) -> int | None:
        """The nearest of `domains`."""
        return None if self.domains is None else self.domains.of(asked)

    def about(self, belief: Belief, asked: Asked | None) -> Belief:
        """With the mean taste of the prompt's domain."""
        domain = self.domain(asked)
        if domain is None or "domains" not in belief.arrays:
            return belief
        arrays = {name: array for name, array in belief.arrays.items() if name != "domains"}
        return Belief({**arrays, "mean": arrays["mean"] + belief.arrays["domains"][domain]}, belief.seen)

    def _apart(
        self, evidence: Sequence[Evidence], likelihood: Likelihood, found: Posterior, prior: Prior
    ) -> dict[str, Array]:
        """How the tastes of domains depart, (k, d+1), where choices were made in two of them at least."""
        if self.domains is None:
            return {}
        judged = [piece for piece in evidence if not isinstance(piece, Said)]
        of = [self.domains.of(piece.asked) for piece in judged]
        if len(set(of) - {None}) < 2:
            return {}
        spread = np.maximum(1 / found.precision, prior.scales**2)  # a weight of opposite signs looks like none
        mean, cov = likelihood.said_alone(found.chances @ prior.centres, (prior.lift.T * spread) @ prior.lift)
        rows = [self._sites(piece, domain) for piece, domain in zip(judged, of, strict=True)]
        sites = Sites(
            np.concatenate([each.rows for each in rows]),
            np.concatenate([each.thresholds for each in rows]),
            np.concatenate([each.powers for each in rows]),
            [domain for each in rows for domain in each.domains],
        )
        found_apart = departures(sites, len(self.domains.centres), mean, cov, found.mean)
        return {"domains": found_apart.astype(np.float32)}

    def _sites(self, piece: Chosen | Tied | Rated, domain: int | None) -> Sites:
        """One among many counts as chosen over each of the others, all of these together as one choice."""
        match piece:
            case Rated(phi=phi, weight=power):
                ways, thresholds = np.array(_sides(piece)).T
                rows = ways[:, None] * self._row(phi, offset=1.0)
                return Sites(rows, ways * thresholds, np.full(len(ways), power), [domain] * len(ways))
            case Tied(phi=phi, weight=power):
                row = self._row(phi[0] - phi[1])
                return Sites(np.stack([row, -row]), np.zeros(2), np.full(2, power / 2), [domain] * 2)
            case Chosen(phi=phi, weight=power):
                rows, n = self._row(phi[0] - phi[1:]), len(phi) - 1
                return Sites(rows, np.zeros(n), np.full(n, power / n), [domain] * n)

    def evidences(self, found: Sequence[Posterior]) -> Array:
        """(p,): chances of the priors given what each makes of the same evidence."""
        logs = np.array([each.evidence for each in found]) - self._nothing + np.log(self.odds)
        chances = np.exp(logs - logs.max())
        return np.asarray(chances / chances.sum())

    @cached_property
    def _beside(self) -> tuple[Prior, ...]:
        """The priors with that of the rating offset."""
        return tuple(prior.beside(OFFSET_SCALE) for prior in self.priors)

    @cached_property
    def _nothing(self) -> Array:
        empty = self._likelihood([])
        return np.array([posterior(prior, empty).evidence for prior in self._beside])

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> mean and sd (n,) of each answer's reward above the mean of the n."""
        belief = self.about(belief, asked)
        centred = self._row(phi - phi.mean(axis=0))
        variance = np.einsum("nk,kl,nl->n", centred, self.covariance(belief), centred)
        return Scores(centred @ belief.arrays["mean"], np.sqrt(variance.clip(0)))

    def weights(self, belief: Belief) -> tuple[Array, Array]:
        """Mean and sd (d,) of the weights w."""
        return belief.arrays["mean"][:-1], np.sqrt(np.diag(self.covariance(belief))[:-1].clip(0))

    def covariance(self, belief: Belief) -> Array:
        """(d+1, d+1), the offset last."""
        return unfolded(belief.arrays["cov"], self.dim + 1)

    def difference(self, belief: Belief, phi: Array, asked: Asked | None = None) -> tuple[float, float]:
        """Mean and variance of r_u(phi[0]) - r_u(phi[1])."""
        belief = self.about(belief, asked)
        row = self._row(phi[0] - phi[1])
        return float(row @ belief.arrays["mean"]), max(float(row @ self.covariance(belief) @ row), 0.0)

    def reach(self, belief: Belief, phi: Array) -> float:
        """The squared covariances of the difference with the weights, summed."""
        along = self.covariance(belief)[:-1] @ self._row(phi[0] - phi[1])
        return float(along @ along)

    def probability(self, belief: Belief, phi: Array, asked: Asked | None = None) -> float:
        """P(phi[0] is preferred), the weights' uncertainty integrated out by quadrature."""
        a, v = self.difference(belief, phi, asked)
        return float(WEIGHTS @ sigmoid(self.gain * (a + np.sqrt(v) * NODES)))

    def _row(self, phi: Array, offset: float = 0.0) -> Array:
        """phi (..., d) -> (..., d+1): what w and the offset are multiplied by."""
        self._checked(phi)
        return np.concatenate([phi, np.full((*phi.shape[:-1], 1), offset)], axis=-1)

    def _checked(self, phi: Array) -> Array:
        if phi.shape[-1] != self.dim:
            raise FeatureMismatch(
                f"features have {phi.shape[-1]} directions where the reward knows {self.dim}: "
                "they were made by another version of Idiolect"
            )
        return phi

    def _likelihood(self, evidence: Sequence[Evidence]) -> Likelihood:
        """Of w and the rating offset."""
        k = self.dim + 1
        quadratic, linear = np.zeros((k, k)), np.zeros(k)
        said = [piece for piece in evidence if isinstance(piece, Said)]
        if said:
            rows = self._row(np.stack([piece.direction for piece in said]))
            precision = 1 / np.array([piece.variance for piece in said])
            quadratic += (rows.T * precision) @ rows
            linear += (precision * np.array([piece.target for piece in said])) @ rows
        return Likelihood(self._groups(evidence), quadratic, linear, self._ratings(evidence))

    def _ratings(self, evidence: Sequence[Evidence]) -> Passed | None:
        """What ratings were above, and under: the latter by its negative."""
        found = [
            (way, threshold, piece)
            for piece in evidence
            if isinstance(piece, Rated)
            for way, threshold in _sides(piece)
        ]
        if not found:
            return None
        ways, thresholds = (np.array([each[at] for each in found]) for at in (0, 1))
        rows = self._row(np.stack([piece.phi for _, _, piece in found]), offset=1.0)
        return Passed(ways[:, None] * rows, ways * thresholds, np.array([piece.weight for _, _, piece in found]))

    def _groups(self, evidence: Sequence[Evidence]) -> Groups:
        """Choices among equally many answers stand in one array, so that each size costs one product."""
        shown: dict[int, tuple[list[Array], list[float]]] = {}  # by how many answers there were: phi, and powers
        for piece in evidence:
            if isinstance(piece, Chosen):
                rows, powers = shown.setdefault(len(piece.phi), ([], []))
                rows.append(piece.phi)
                powers.append(piece.weight)
            elif isinstance(piece, Tied):  # half a choice of each, so the likelihood is sqrt(p (1 - p))
                rows, powers = shown.setdefault(2, ([], []))
                rows += (piece.phi, piece.phi[::-1])
                powers += (piece.weight / 2, piece.weight / 2)
        found = []
        for size, (rows, powers) in sorted(shown.items()):
            phi = self._checked(np.concatenate(rows)).reshape(len(rows), size, self.dim)
            delta = np.zeros((len(rows), size - 1, self.dim + 1))
            delta[..., :-1] = phi[:, 1:] - phi[:, :1]
            found.append((delta, np.array(powers)))
        return found

    def _among(self, mean: Array, triangle: Array, evidence: Chosen) -> tuple[Array, Array]:
        """One among many, by Laplace's approximation under the belief so far."""
        cov = unfolded(triangle, self.dim + 1)
        values, vectors = np.linalg.eigh(cov)
        so_far = Prior(np.sqrt(values.clip(1e-9)), vectors.T, np.inf, mean[None])
        delta = self._row(evidence.phi[1:] - evidence.phi[0])
        k = self.dim + 1
        likelihood = Likelihood([(delta[None], np.array([evidence.weight]))], np.zeros((k, k)), np.zeros(k))
        after = posterior(so_far, likelihood)
        return after.mean, folded_in(after.cov)


def _sides(rated: Rated) -> list[tuple[float, float]]:
    """What a rating lies above (1) and under (-1), each with its threshold; the lowest and the highest are open."""
    at = STEP * (rated.value - MIDDLE)
    below = [(1.0, at - STEP / 2)] if rated.value > LOWEST else []
    return below + ([(-1.0, at + STEP / 2)] if rated.value < HIGHEST else [])


def _blended(found: Sequence[Posterior], chances: Array) -> tuple[Array, Array]:
    """Mean and covariance of a mixture."""
    mean = sum((p * each.mean for p, each in zip(chances, found, strict=True)), np.zeros(len(found[0].mean)))
    cov = np.zeros_like(found[0].cov)
    for p, each in zip(chances, found, strict=True):
        cov += p * (each.cov + np.outer(each.mean - mean, each.mean - mean))
    return mean, cov


def _matched(mean: Array, triangle: Array, row: Array, told: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Moment matching along row (k,); `told` is the log-likelihood (n,) of s = row . w (n,)."""
    along = unfolded(triangle, len(mean)) @ row
    v = float(row @ along)
    if v <= 1e-9:
        return mean, triangle  # nothing is uncertain there: two answers that differ in nothing
    a = float(row @ mean)
    s = a + np.sqrt(v) * NODES
    tilted = WEIGHTS * np.exp(told(s))
    tilted /= tilted.sum()
    a_new = float(tilted @ s)
    v_new = float(tilted @ (s - a_new) ** 2)
    return mean + along * ((a_new - a) / v), _plus(triangle, along, (v_new - v) / v**2)


def _observe(mean: Array, triangle: Array, row: Array, target: float, variance: float) -> tuple[Array, Array]:
    """The Kalman update for row . w = target + noise of that variance."""
    along = unfolded(triangle, len(mean)) @ row
    total = float(row @ along) + variance
    return mean + along * ((target - float(row @ mean)) / total), _plus(triangle, along, -1 / total)


def _plus(triangle: Array, along: Array, factor: float) -> Array:
    """The triangle of cov + factor along along'."""
    rows, columns = places(len(along))
    small = along.astype(np.float32)
    return np.asarray(triangle + np.float32(factor) * small[rows] * small[columns])
