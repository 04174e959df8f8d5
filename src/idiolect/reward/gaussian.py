"""The default personal reward: a Bayesian linear head over the preference space (MacKay 1992; Minka 2001, chapter 3).

    r_u(x, y) = w . phi(x, y),   w ~ N(m0, S0),   P(y1 preferred to y2) = sigma(w . (phi1 - phi2))

Per user: m (d,), S (d, d) and an offset for ratings.  Shared: m0, S0.  No evidence: the prior, which prefers nothing.
Online, a choice between two is folded in by moment matching (assumed-density filtering, exact in one dimension by
Gauss-Hermite quadrature), one among many by its Laplace approximation; ratings and statements are Gaussian, so exact.
A rebuild finds the Laplace approximation of the whole posterior, which no order of the evidence can change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from idiolect.errors import FeatureMismatch
from idiolect.features.space import PreferenceSpace
from idiolect.reward.prior import Prior, shipped_prior
from idiolect.reward.protocol import Belief, Chosen, Evidence, Rated, Said, Scores
from idiolect.schema import Array

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(32)
WEIGHTS = WEIGHTS / WEIGHTS.sum()

RATING_MIDDLE = 3.0  # of the scale from 1 to 5; one step is one unit of reward, observed with unit variance
OFFSET_VARIANCE = 1.0  # a person's own middle: c_u ~ N(0, 1)


def sigmoid(s: Array) -> Array:
    """1 / (1 + exp(-s)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -s))


@dataclass(frozen=True)
class Gaussian:
    """METHODS A2. `d` directions of the space, and one more for the person's rating offset, kept last."""

    prior_mean: Array  # (d,)
    prior_cov: Array  # (d, d)

    name: ClassVar[str] = "gaussian"

    @classmethod
    def shipped(cls, space: PreferenceSpace) -> "Gaussian":
        """With the population prior that comes with the package. Raises FeatureMismatch for another space."""
        return cls.of(shipped_prior(space))

    @classmethod
    def of(cls, prior: Prior) -> "Gaussian":
        """With a given population prior."""
        return cls(prior.mean, prior.cov)

    def prior(self) -> Belief:
        """The population: no evidence yet."""
        d = len(self.prior_mean)
        cov = np.zeros((d + 1, d + 1))
        cov[:d, :d] = self.prior_cov
        cov[d, d] = OFFSET_VARIANCE
        return Belief({"mean": np.append(self.prior_mean, 0.0), "cov": cov}, seen=0)

    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Fold in one piece; O(d^2) for a pair, a rating or a statement, O(d^3) for one among many."""
        mean, cov = belief.arrays["mean"], belief.arrays["cov"]
        match evidence:
            case Chosen(phi=phi, weight=power) if len(phi) == 2:
                mean, cov = _pair(mean, cov, self._wide(phi[0] - phi[1], 0.0), power)
            case Chosen():
                mean, cov = self._laplace(mean, cov, [evidence])
            case _:
                row, target, variance = self._observation(evidence)
                mean, cov = _observe(mean, cov, row, target, variance)
        return Belief({"mean": mean, "cov": cov}, belief.seen + 1)

    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """The Laplace approximation of the posterior given all the evidence; its order does not matter."""
        start = self.prior()
        if not evidence:
            return start
        mean, cov = self._laplace(start.arrays["mean"], start.arrays["cov"], evidence)
        return Belief({"mean": mean, "cov": cov}, len(evidence))

    def score(self, belief: Belief, phi: Array) -> Scores:
        """phi (n, d) -> mean and sd (n,) of each answer's reward above the mean of the n."""
        mean, cov = self._weights_and_cov(belief)
        self._check(phi)
        centred = phi - phi.mean(axis=0)
        return Scores(centred @ mean, np.sqrt(np.einsum("nd,de,ne->n", centred, cov, centred).clip(0)))

    def weights(self, belief: Belief) -> tuple[Array, Array]:
        """Mean and sd (d,) of the weights."""
        mean, cov = self._weights_and_cov(belief)
        return mean, np.sqrt(np.diag(cov))

    def difference(self, belief: Belief, chosen: Array, rejected: Array) -> tuple[float, float]:
        """Mean and variance of r_u(chosen) - r_u(rejected)."""
        mean, cov = self._weights_and_cov(belief)
        delta = chosen - rejected
        self._check(delta[None])
        return float(delta @ mean), float(delta @ cov @ delta)

    def probability(self, belief: Belief, chosen: Array, rejected: Array) -> float:
        """P(`chosen` is preferred), the weights' uncertainty integrated out by quadrature."""
        a, v = self.difference(belief, chosen, rejected)
        return float(WEIGHTS @ sigmoid(a + np.sqrt(max(v, 0.0)) * NODES))

    def _weights_and_cov(self, belief: Belief) -> tuple[Array, Array]:
        d = len(self.prior_mean)
        return belief.arrays["mean"][:d], belief.arrays["cov"][:d, :d]

    def _check(self, phi: Array) -> None:
        if phi.shape[-1] != len(self.prior_mean):
            raise FeatureMismatch(
                f"features have {phi.shape[-1]} directions where the reward knows {len(self.prior_mean)}: "
                "rebuild the person's belief with `idiolect profile --rebuild`"
            )

    def _wide(self, delta: Array, offset: float) -> Array:
        self._check(delta[None])
        return np.append(delta, offset)

    def _observation(self, evidence: Rated | Said) -> tuple[Array, float, float]:
        match evidence:
            case Rated(phi=phi, value=value):
                return self._wide(phi, 1.0), value - RATING_MIDDLE, 1.0
            case Said(direction=direction, target=target, variance=variance):
                return self._wide(direction, 0.0), target, variance

    def _laplace(self, mean: Array, cov: Array, evidence: Sequence[Evidence]) -> tuple[Array, Array]:
        """Mode and inverse Hessian of N(mean, cov) times the likelihood, by damped Newton steps."""
        precision = np.linalg.inv(cov)
        linear = precision @ mean
        quadratic = precision.copy()
        choices: list[tuple[Array, float]] = []
        for piece in evidence:
            if isinstance(piece, Chosen):
                delta = piece.phi[1:] - piece.phi[0]  # (k-1, d): over minus chosen
                self._check(delta)
                choices.append((np.hstack([delta, np.zeros((len(delta), 1))]), piece.weight))
            else:
                row, target, variance = self._observation(piece)
                quadratic = quadratic + np.outer(row, row) / variance
                linear = linear + row * target / variance
        return _mode(mean, quadratic, linear, _grouped(choices))


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


Choices = list[tuple[Array, Array]]  # by number of rivals k: deltas (n, k, d) and powers (n,)


def _grouped(choices: Sequence[tuple[Array, float]]) -> Choices:
    """Choices among equally many answers stand in one array, so that each size costs one product."""
    sizes = sorted({len(delta) for delta, _ in choices})
    groups = [[(delta, power) for delta, power in choices if len(delta) == size] for size in sizes]
    return [(np.stack([delta for delta, _ in group]), np.array([power for _, power in group])) for group in groups]


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
