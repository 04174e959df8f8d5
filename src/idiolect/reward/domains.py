"""Tastes that depend on what is asked about: code terse, recipes chatty.

    w_c = w + delta_c,   w ~ N(m_0, C / (1 + tau^2)),   delta_c ~ N(0, C tau^2 / (1 + tau^2)),   tau in TAUS

c is the domain of the prompt, the nearest of a few centres of prompts' embeddings. A person's own evidence weighs the
tau (by Laplace's approximation), and before any, tau = 0, one taste everywhere, is likeliest. C is the prior of w,
widened where a rebuild has told that a weight matters to this person.

Each choice and each side of a rating sees one number of w_c, so n pieces are a Gaussian process of n numbers with the
covariance x_i' C x_j (1 + tau^2 [c_i = c_j]) / (1 + tau^2): the weights of all domains together cost n^3, not (k d)^3
(Rasmussen and Williams, 2006, sections 2.1 and 3.4). What is kept of a person is how each domain's mean departs from
the mean of one taste, (k, d).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import as_file, files
from typing import Self

import numpy as np

from idiolect.reward.protocol import Asked
from idiolect.schema import Array

TAUS = (0.0, 0.5, 1.0)
ODDS = (0.8, 0.1, 0.1)  # of them, before any evidence
STEPS = 3  # of Newton, from the mode of one taste
RESOURCE = "domains.safetensors"


@dataclass(frozen=True)
class Domains:
    """The centres (k, e) of what is asked about, rows of unit length."""

    centres: Array

    @classmethod
    def shipped(cls) -> Self:
        """Those of this project's prompts, by MiniLM."""
        return cls(_shipped())

    def of(self, asked: Asked | None) -> int | None:
        """The domain of a prompt; None where neither it nor the prompt's embedding is known."""
        if asked is None or asked.domain is not None:
            return None if asked is None else asked.domain
        return None if asked.embedding is None else int(np.argmax(self.centres @ asked.embedding))


@dataclass(frozen=True)
class Sites:
    """Numbers s_i = row_i . w_(c_i) that came out above their thresholds: sigma(s_i - threshold_i) ** power_i."""

    rows: Array  # (n, d)
    thresholds: Array  # (n,)
    powers: Array  # (n,)
    domains: Sequence[int | None] = field(default_factory=list)

    def alike(self) -> Array:
        """(n, n): 1 where two are of one domain; a piece whose domain is unknown is alike to none."""
        found = np.array([-1 if each is None else each for each in self.domains])
        return np.asarray((found[:, None] == found) & (found >= 0), np.float64)


def departures(
    sites: Sites,
    count: int,
    mean: Array,
    cov: Array,
    mode: Array,
    taus: Sequence[float] = TAUS,
    odds: Sequence[float] = ODDS,
) -> Array:
    """(count, d): how the mean taste of each domain departs from the mean of one taste.

    `mean` (d,) and `cov` (d, d) are m_0 and C; `mode` (d,) is where one taste is likeliest. The first of `taus` is 0.
    """
    alike, along = sites.alike(), sites.rows @ cov
    one, prior = along @ sites.rows.T, sites.rows @ mean
    own = np.array([[each == domain for each in sites.domains] for domain in range(count)], np.float64)  # (count, n)
    logs, found = np.log(odds), np.zeros((len(taus), count, len(mean)))
    for at, tau in enumerate(taus):
        pulls, evidence = _laplace(sites, one * (1 + tau**2 * alike) / (1 + tau**2), prior, sites.rows @ mode)
        logs[at] += evidence
        found[at] = (pulls @ along + tau**2 * (own * pulls) @ along) / (1 + tau**2)
    chances = np.exp(logs - logs.max())
    return np.asarray(np.tensordot(chances / chances.sum(), found - found[0], axes=1))


def fitted_centres(rows: Array, count: int, seed: int = 0, tries: int = 20, rounds: int = 50) -> Array:
    """(n, e) of unit length -> (count, e): spherical k-means (Dhillon and Modha, 2001), the best of some starts."""
    rng = np.random.default_rng(seed)
    best, found = -np.inf, rows[:count]
    for _ in range(tries):
        centres = rows[rng.choice(len(rows), count, replace=False)]
        for _ in range(rounds):
            member = (rows @ centres.T).argmax(axis=1)
            sums = np.stack([rows[member == each].sum(axis=0) for each in range(count)])
            lengths = np.linalg.norm(sums, axis=1, keepdims=True)
            centres = np.where(lengths > 0, sums / lengths.clip(1e-12), centres)
        fit = float((rows @ centres.T).max(axis=1).sum())
        if fit > best:
            best, found = fit, centres
    return found


def _laplace(sites: Sites, kernel: Array, prior: Array, start: Array) -> tuple[Array, float]:
    """K^-1 (s - prior) at the mode (n,), and the log-evidence (Rasmussen and Williams, algorithm 3.1)."""
    s, pulls, inner = start, np.zeros(len(prior)), np.eye(len(prior))
    for _ in range(STEPS):
        log_p = -np.logaddexp(0.0, sites.thresholds - s)
        q = -np.expm1(log_p)
        root = np.sqrt(sites.powers * q * (1 - q))
        target = root**2 * (s - prior) + sites.powers * q
        inner = root[:, None] * kernel * root
        inner.flat[:: len(s) + 1] += 1
        pulls = target - root * np.linalg.solve(inner, root * (kernel @ target))
        s = prior + kernel @ pulls
    log_p = -np.logaddexp(0.0, sites.thresholds - s)
    fit = float(sites.powers @ log_p - pulls @ (s - prior) / 2)
    return pulls, fit - float(np.linalg.slogdet(inner)[1]) / 2


@cache
def _shipped() -> Array:
    from safetensors.numpy import load_file

    with as_file(files("idiolect").joinpath("resources", RESOURCE)) as path:
        return np.asarray(load_file(path)["centres"], np.float64)
