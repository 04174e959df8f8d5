"""The default personal reward: a Bayesian linear head over the preference space, with sparse and shared tastes.

    r_u(x, y) = w . phi(x, y),   w = lift' l,   l_j ~ Student-t,   P(y1 preferred to y2) = sigma(w . (phi1 - phi2))

Per user: a Gaussian N(m, S) over l and over an offset for ratings.  Shared: the prior (see `prior.py`).  No evidence:
the prior, which prefers nothing.  The Student-t is a Gaussian whose precision is unknown (Tipping, 2001, section 2): a
rebuild alternates the Laplace approximation of the posterior (MacKay, 1992) with the expected precision of each l_j, so
that no order of the evidence can change it.  Online, the precisions stay as they are: a choice between two is folded in
by moment matching (assumed-density filtering, Minka, 2001, chapter 3; in one dimension, by Gauss-Hermite quadrature),
one among many by its Laplace approximation; ratings and statements are Gaussian, so exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self, TypeAlias

import numpy as np

from idiolect.errors import FeatureMismatch
from idiolect.features.space import PreferenceSpace
from idiolect.reward.prior import Prior, shipped_prior
from idiolect.reward.protocol import Asked, Belief, Chosen, Evidence, LinearReward, Rated, Said, Scores, Tied
from idiolect.schema import Array

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(32)
WEIGHTS = WEIGHTS / WEIGHTS.sum()

RATING_MIDDLE = 3.0  # of the scale from 1 to 5; one step is one unit of reward, observed with unit variance
ROUNDS = 4  # of expected precisions; more change the predictions by less than a thousandth
OFFSET_VARIANCE = 1.0  # a person's own middle: c_u ~ N(0, 1)


def sigmoid(s: Array) -> Array:
    """1 / (1 + exp(-s)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -s))


@dataclass(frozen=True)
class Gaussian(LinearReward):
    """Arrays of a belief: `mean` (k+1,) and `cov` (k+1, k+1) over l and, last, the person's rating offset."""

    shared: Prior

    @classmethod
    def shipped(cls, space: PreferenceSpace) -> Self:
        """With the population prior that comes with the package."""
        return cls(shipped_prior(space))

    @property
    def version(self) -> str:
        """The method's name with a hash of its prior."""
        shared = self.shared.scales.tobytes() + self.shared.lift.tobytes() + str(self.shared.tail).encode()
        return f"gaussian-{sha256(shared).hexdigest()[:12]}"

    def prior(self) -> Belief:
        """The population: no evidence yet."""
        variance = np.append(self.shared.scales**2, OFFSET_VARIANCE)
        return Belief({"mean": np.zeros(len(variance)), "cov": np.diag(variance)}, seen=0)

    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Fold in one piece; O(k^2) for a pair, a rating or a statement, O(k^3) for one among many."""
        mean, cov = belief.arrays["mean"], belief.arrays["cov"]
        match evidence:
            case Chosen(phi=phi, weight=power) if len(phi) == 2:
                mean, cov = _pair(mean, cov, self._latent(phi[0] - phi[1]), power)
            case Tied():
                for half in _halves(evidence):
                    mean, cov = _pair(mean, cov, self._latent(half.phi[0] - half.phi[1]), half.weight)
            case Chosen():
                precision = np.asarray(np.linalg.inv(cov), dtype=np.float64)
                mean, cov = _mode(mean, precision, precision @ mean, self._choices([evidence]))
            case _:
                row, target, variance = self._observation(evidence)
                mean, cov = _observe(mean, cov, row, target, variance)
        return Belief({"mean": mean, "cov": cov}, belief.seen + 1)

    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """The posterior given all the evidence; its order does not matter."""
        start = self.prior()
        if not evidence:
            return start
        rows = [self._observation(piece) for piece in evidence if isinstance(piece, Rated | Said)]
        design = np.array([row for row, _, _ in rows]).reshape(-1, len(start.arrays["mean"]))
        noise = np.array([variance for _, _, variance in rows])
        observed = (design.T / noise) @ design if rows else np.zeros((design.shape[1], design.shape[1]))
        linear = (design.T / noise) @ np.array([target for _, target, _ in rows]) if rows else np.zeros(design.shape[1])
        choices = self._choices([each for piece in evidence for each in _chosen(piece)])
        mean, precision = start.arrays["mean"], 1 / np.diag(start.arrays["cov"])
        for _ in range(ROUNDS):
            mean, cov = _mode(mean, observed + np.diag(precision), linear, choices)
            precision[:-1] = self._expected_precision(mean[:-1], np.diag(cov)[:-1])
        return Belief({"mean": mean, "cov": cov}, len(evidence))

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> mean and sd (n,) of each answer's reward above the mean of the n."""
        centred = self._latent(phi - phi.mean(axis=0))
        variance = np.einsum("nk,kl,nl->n", centred, belief.arrays["cov"], centred)
        return Scores(centred @ belief.arrays["mean"], np.sqrt(variance.clip(0)))

    def weights(self, belief: Belief) -> tuple[Array, Array]:
        """Mean and sd (d,) of the weights w."""
        lift, k = self.shared.lift, len(self.shared.scales)
        cov = lift.T @ belief.arrays["cov"][:k, :k] @ lift
        return lift.T @ belief.arrays["mean"][:k], np.sqrt(np.diag(cov))

    def difference(self, belief: Belief, phi: Array, asked: Asked | None = None) -> tuple[float, float]:
        """Mean and variance of r_u(phi[0]) - r_u(phi[1])."""
        delta = self._latent(phi[0] - phi[1])
        return float(delta @ belief.arrays["mean"]), float(delta @ belief.arrays["cov"] @ delta)

    def probability(self, belief: Belief, phi: Array, asked: Asked | None = None) -> float:
        """P(phi[0] is preferred), the weights' uncertainty integrated out by quadrature."""
        a, v = self.difference(belief, phi)
        return float(WEIGHTS @ sigmoid(a + np.sqrt(max(v, 0.0)) * NODES))

    def _latent(self, phi: Array, offset: float = 0.0) -> Array:
        """phi (..., d) -> (..., k+1): what each latent weight multiplies."""
        lift = self.shared.lift
        if phi.shape[-1] != lift.shape[1]:
            raise FeatureMismatch(
                f"features have {phi.shape[-1]} directions where the reward knows {lift.shape[1]}: "
                "they were made by another version of Idiolect"
            )
        return np.concatenate([phi @ lift.T, np.full((*phi.shape[:-1], 1), offset)], axis=-1)

    def _choices(self, evidence: Sequence[Chosen]) -> "Choices":
        """Choices among equally many answers stand in one array, so that each size costs one product."""
        groups = [[piece for piece in evidence if len(piece.phi) == n] for n in {len(piece.phi) for piece in evidence}]
        return [
            (
                np.stack([self._latent(piece.phi[1:] - piece.phi[0]) for piece in group]),
                np.array([piece.weight for piece in group]),
            )
            for group in groups
        ]

    def _expected_precision(self, mean: Array, variance: Array) -> Array:
        """Of each latent weight, given its posterior: small where the weight is large."""
        nu = self.shared.tail
        return np.asarray((nu + 1) / (nu * self.shared.scales**2 + mean**2 + variance))

    def _observation(self, evidence: Rated | Said) -> tuple[Array, float, float]:
        match evidence:
            case Rated(phi=phi, value=value):
                return self._latent(phi, offset=1.0), value - RATING_MIDDLE, 1.0
            case Said(direction=direction, target=target, variance=variance):
                return self._latent(direction), target, variance


Choices: TypeAlias = list[tuple[Array, Array]]  # for each number of rivals r: deltas (n, r, k+1) and powers (n,)


def _halves(tie: Tied) -> tuple[Chosen, Chosen]:
    """Neither was preferred: half a choice of each, so the likelihood is sqrt(p (1 - p))."""
    return Chosen(tie.phi, tie.weight / 2), Chosen(tie.phi[::-1], tie.weight / 2)


def _chosen(piece: Evidence) -> tuple[Chosen, ...]:
    match piece:
        case Chosen():
            return (piece,)
        case Tied():
            return _halves(piece)
        case _:
            return ()


def _pair(mean: Array, cov: Array, delta: Array, power: float) -> tuple[Array, Array]:
    """Moment matching along delta (d,) under the likelihood sigma(w . delta) ** power."""
    along = cov @ delta
    v = float(delta @ along)
    if v <= 1e-12:
        return mean, cov  # the two answers differ in nothing that is uncertain
    a = float(delta @ mean)
    s = a + np.sqrt(v) * NODES
    tilted = WEIGHTS * sigmoid(s) ** power
    tilted /= tilted.sum()
    a_new = float(tilted @ s)
    v_new = float(tilted @ (s - a_new) ** 2)
    return mean + along * ((a_new - a) / v), cov + np.outer(along, along) * ((v_new - v) / v**2)


def _observe(mean: Array, cov: Array, row: Array, target: float, variance: float) -> tuple[Array, Array]:
    """The Kalman update for row . w = target + noise of that variance."""
    along = cov @ row
    gain = along / (float(row @ along) + variance)
    return mean + gain * (target - float(row @ mean)), cov - np.outer(gain, along)


def _mode(start: Array, quadratic: Array, linear: Array, groups: Choices) -> tuple[Array, Array]:
    """Minimise w'Qw/2 - l'w + sum_i c_i log(1 + sum_k exp(delta_ik . w)); returns the mode and the inverse Hessian."""

    def objective(w: Array) -> float:
        value = 0.5 * w @ quadratic @ w - linear @ w
        for delta, power in groups:
            scores = np.concatenate([np.zeros((len(delta), 1)), delta @ w], axis=1)
            value += power @ np.logaddexp.reduce(scores, axis=1)
        return float(value)

    w, value = start, objective(start)
    for _ in range(50):
        gradient, hessian = quadratic @ w - linear, quadratic.copy()
        for delta, power in groups:
            scores = np.concatenate([np.zeros((len(delta), 1)), delta @ w], axis=1)
            p = np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))[:, 1:]  # (n, k)
            mean_delta = np.einsum("nk,nkd->nd", p, delta)
            gradient = gradient + power @ mean_delta
            weighted = (delta * (p * power[:, None])[..., None]).reshape(-1, len(w))
            hessian += weighted.T @ delta.reshape(-1, len(w)) - (mean_delta * power[:, None]).T @ mean_delta
        if np.abs(gradient).max() < 1e-8:
            break
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while (tried := objective(w - size * step)) > value + 1e-12 and size > 1e-6:
            size /= 2
        w, value = w - size * step, tried
    inverse = np.linalg.inv(hessian)
    return w, (inverse + inverse.T) / 2
