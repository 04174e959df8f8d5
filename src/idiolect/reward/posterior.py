"""The posterior of one person's weights under one prior, from all of their evidence, whatever its order.

    w = centre_c + lift' l,   l_j ~ Student-t(nu),   c ~ shares;      Laplace's approximation (MacKay, 1992)

All centres share one expansion of the likelihood, at the mean of what they believe together: so each costs a product
and no inverse. A Student-t is a Gaussian whose precision is unknown (Tipping, 2001, section 2): Newton's steps
alternate with the expected precision of each l_j.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from idiolect.reward.prior import Prior
from idiolect.schema import Array

STEPS = 30  # of Newton at most; about eight are taken
ROUNDS = 6  # of expected precisions, one after each of the first steps; more hardly change the predictions
LONGEST = 3.0  # logits that one step may move any choice by
CLOSE = 0.1  # logits; a shorter step ends the search: the next would be some hundredth of it

Groups: TypeAlias = Sequence[
    tuple[Array, Array]
]  # for each number of rivals r: rivals - chosen (n, r, d), and powers (n,)


@dataclass(frozen=True)
class Passed:
    """Rows of which each came out above its threshold, with the chance sigma(row . w - threshold) ** power."""

    rows: Array  # (n, d)
    thresholds: Array  # (n,)
    powers: Array  # (n,)


@dataclass(frozen=True)
class Likelihood:
    """Choices in groups of one size, and linear observations as the quadratic l'w - w'Qw/2 that they are."""

    groups: Groups
    quadratic: Array  # (d, d)
    linear: Array  # (d,)
    passed: Passed | None = None

    def expanded(self, w: Array) -> tuple[float, Array, Array]:
        """Value, gradient (d,) and negative Hessian (d, d) of the log-likelihood at w."""
        along = self.quadratic @ w
        value, gradient, hessian = float(self.linear @ w - along @ w / 2), self.linear - along, self.quadratic.copy()
        for delta, power in self.groups:
            if delta.shape[1] == 1:
                more = _above(delta[:, 0], -(delta[:, 0] @ w), power)
                more = more[0], -more[1], more[2]
            else:
                more = _many(delta, power, w)
            value, gradient, hessian = value + more[0], gradient + more[1], hessian + more[2]
        if self.passed is not None:
            rows = self.passed.rows
            more = _above(rows, rows @ w - self.passed.thresholds, self.passed.powers)
            value, gradient, hessian = value + more[0], gradient + more[1], hessian + more[2]
        return value, gradient, hessian

    def said_alone(self, mean: Array, cov: Array) -> tuple[Array, Array]:
        """Mean (d,) and covariance (d, d) with the linear observations, and nothing else, told."""
        if not self.quadratic.any():
            return mean, cov
        after = np.asarray(np.linalg.inv(np.linalg.inv(cov) + self.quadratic), dtype=np.float64)
        return mean + after @ (self.linear - self.quadratic @ mean), after

    def longest(self, step: Array) -> float:
        """Logits that a step moves the choice that it moves most."""
        rows = [delta for delta, _ in self.groups] + ([] if self.passed is None else [self.passed.rows])
        return max((float(np.abs(each @ step).max(initial=0.0)) for each in rows), default=0.0)


@dataclass(frozen=True)
class Posterior:
    """Mean (d,) and covariance (d, d) of w, the chances (c,) of the centres, and the log-evidence.

    `second` (k,) are E l_j^2 of the latent weights, `precision` (k,) what their prior's precisions came out as.
    """

    mean: Array
    cov: Array
    chances: Array
    means: Array  # (c, d) given each centre
    evidence: float
    second: Array
    precision: Array


def posterior(prior: Prior, likelihood: Likelihood) -> Posterior:
    """What is believed under a prior. `evidence` is comparable between priors once that of no data is taken off."""
    lift, centres, precision = prior.lift, prior.centres, 1 / prior.scales**2
    w, shares, rounds = prior.shares @ centres, np.log(prior.shares), 0
    for _ in range(STEPS):
        value, gradient, hessian = likelihood.expanded(w)
        latent = lift @ hessian @ lift.T
        latent.flat[:: len(precision) + 1] += precision
        inverse = np.linalg.inv(latent)
        away = centres - w
        turned = away @ hessian
        pulls = (gradient - turned) @ lift.T  # (c, k)
        l = pulls @ inverse  # noqa: E741 - the latent weights' name everywhere
        fits = value + away @ gradient + ((pulls * l).sum(axis=1) - (turned * away).sum(axis=1)) / 2
        fits += shares
        chances = np.exp(fits - fits.max())
        chances /= chances.sum()
        means = centres + l @ lift
        target = chances @ means
        step = target - w
        moved = likelihood.longest(step)
        w = w + step * min(1.0, LONGEST / max(moved, 1e-12))
        squares, variances = chances @ l**2, inverse.diagonal()
        if rounds < ROUNDS and np.isfinite(prior.tail):
            told = 1 - precision * variances  # MacKay's step, which ends where the expectation's would, sooner
            precision, rounds = (prior.tail + told) / (prior.tail * prior.scales**2 + squares), rounds + 1
        elif moved < CLOSE:
            break
    second, departures = squares + variances, means - target
    cov = lift.T @ inverse @ lift + (departures.T * chances) @ departures
    top = fits.max()
    evidence = float(top + np.log(np.exp(fits - top).sum()) + np.linalg.slogdet(inverse)[1] / 2)
    evidence += float(_bound(prior, precision).sum())
    return Posterior(target, cov, chances, means, evidence, second, precision)


def expected_precision(prior: Prior, second: Array) -> Array:
    """Of each latent weight, given E l_j^2 (k,): small where the weight is large."""
    return np.asarray((prior.tail + 1) / (prior.tail * prior.scales**2 + second))


def _bound(prior: Prior, precision: Array) -> Array:
    """(k,): log p(l_j) + precision l_j^2 / 2 where both touch, up to a constant of the prior (Jordan et al., 1999)."""
    if np.isinf(prior.tail):
        return -np.log(prior.scales)
    spread = prior.tail * prior.scales**2
    touch = ((prior.tail + 1) / precision - spread).clip(0)  # l_j^2
    return np.asarray(-np.log(prior.scales) - (prior.tail + 1) / 2 * np.log1p(touch / spread) + precision * touch / 2)


def _above(rows: Array, s: Array, power: Array) -> tuple[float, Array, Array]:
    """Of log sigma(s), s (n,) linear in w along rows (n, d)."""
    log_p = -np.logaddexp(0.0, -s)
    q = -np.expm1(log_p)
    hessian = rows.T @ (rows * (power * q * (1 - q))[:, None])
    return float(power @ log_p), (power * q) @ rows, hessian


def _many(delta: Array, power: Array, w: Array) -> tuple[float, Array, Array]:
    """Of choices among r + 1, delta (n, r, d): Plackett and Luce's first place."""
    scores = np.concatenate([np.zeros((len(delta), 1)), delta @ w], axis=1)
    total = np.logaddexp.reduce(scores, axis=1, keepdims=True)
    p = np.exp(scores - total)[:, 1:]
    mean = np.einsum("nr,nrd->nd", p, delta)
    weighted = (delta * (p * power[:, None])[..., None]).reshape(-1, len(w))
    hessian = weighted.T @ delta.reshape(-1, len(w)) - (mean * power[:, None]).T @ mean
    return -float(power @ total[:, 0]), -(power @ mean), hessian
