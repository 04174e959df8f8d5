"""Means with intervals over users or clusters, never over rows; win-rates; and two measures of a text's variety."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from idiolect.evaluation.protocol import Figure
from idiolect.schema import Array

LOW, HIGH = 2.5, 97.5  # percentiles of a 95 % interval
TIE = 1e-9  # rewards that differ by less are equal


def wins(ours: Array, theirs: Array) -> Array:
    """1 where ours is better, 0 where theirs is, 0.5 where they tie; the shapes are broadcast."""
    margin = np.asarray(ours) - np.asarray(theirs)
    return np.where(np.abs(margin) <= TIE, 0.5, (margin > 0).astype(float))


def macro(values: Array, groups: Sequence[str]) -> float:
    """The mean over groups of each group's mean: a talkative user counts once."""
    sums, counts = _by_group(np.asarray(values, dtype=float), groups)
    return float(np.mean(sums / counts))


def over_users(values: Array, users: Sequence[str], *, resamples: int = 1000, seed: int = 0) -> Figure:
    """`macro`, with a percentile bootstrap that draws users."""
    means = _means(np.asarray(values, dtype=float), users)
    drawn = draws(len(means), resamples, seed) @ means / len(means)
    return interval(float(means.mean()), drawn, len(values))


def over_clusters(values: Array, clusters: Sequence[str], *, resamples: int = 1000, seed: int = 0) -> Figure:
    """The mean over rows, with a percentile bootstrap that draws whole clusters of rows that hang together."""
    sums, counts = _by_group(np.asarray(values, dtype=float), clusters)
    drawn = draws(len(sums), resamples, seed)
    return interval(float(sums.sum() / counts.sum()), (drawn @ sums) / (drawn @ counts), len(values))


def paired(ours: Array, theirs: Array, users: Sequence[str], *, resamples: int = 1000, seed: int = 0) -> Figure:
    """The mean difference of two rows measured on the same users, the users drawn together."""
    return over_users(np.asarray(ours) - np.asarray(theirs), users, resamples=resamples, seed=seed)


def ratio(top: Array, bottom: Array, users: Sequence[str], *, resamples: int = 1000, seed: int = 0) -> Figure:
    """mean(top) / mean(bottom), both macro over the same users."""
    above, below = _means(np.asarray(top, dtype=float), users), _means(np.asarray(bottom, dtype=float), users)
    drawn = draws(len(above), resamples, seed)
    return interval(float(above.mean() / below.mean()), (drawn @ above) / (drawn @ below), len(top))


def quantile(values: Array, q: float, *, resamples: int = 1000, seed: int = 0) -> Figure:
    """A quantile of single measurements, such as times, with a bootstrap over them."""
    rng = np.random.default_rng(seed)
    flat = np.asarray(values, dtype=float)
    drawn = np.quantile(flat[rng.integers(len(flat), size=(resamples, len(flat)))], q, axis=1)
    return interval(float(np.quantile(flat, q)), drawn, len(flat))


def ratio_of_medians(top: Array, bottom: Array, *, resamples: int = 1000, seed: int = 0) -> Figure:
    """median(top) / median(bottom) of measurements taken in pairs, with a bootstrap that draws the pairs."""
    above, below = np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)
    drawn = np.random.default_rng(seed).integers(len(above), size=(resamples, len(above)))
    ratios = np.median(above[drawn], axis=1) / np.median(below[drawn], axis=1)
    return interval(float(np.median(above) / np.median(below)), ratios, len(above))


def repetition(text: str, n: int = 4) -> float:
    """The share of n-grams of words that have occurred before in the same text; 0 for a text too short to have any."""
    grams = _grams(text, n)
    return 1.0 - len(set(grams)) / len(grams) if grams else 0.0


def distinct(texts: Sequence[str], n: int = 2) -> float:
    """Different n-grams over all n-grams of some texts (Li et al., 2016, arXiv 1510.03055); 0 without any."""
    grams = [gram for text in texts for gram in _grams(text, n)]
    return len(set(grams)) / len(grams) if grams else 0.0


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a decreasing function of a positive number crosses 0, by bisection on a logarithmic scale."""
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return float(np.sqrt(low * high))


def _grams(text: str, n: int) -> list[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _by_group(values: Array, groups: Sequence[str]) -> tuple[Array, Array]:
    """The sum and the number of rows of each group."""
    _, index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    return np.bincount(index, weights=values).astype(np.float64), np.bincount(index).astype(np.float64)


def _means(values: Array, groups: Sequence[str]) -> Array:
    sums, counts = _by_group(values, groups)
    means: Array = sums / counts
    return means


def draws(groups: int, resamples: int, seed: int) -> Array:
    """(resamples, groups): how often each group is in each resample."""
    return np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=resamples).astype(float)


def interval(value: float, drawn: Array, n: int) -> Figure:
    """A value with the percentiles of its resamples."""
    low, high = np.percentile(drawn, [LOW, HIGH])
    return Figure(value=value, low=float(low), high=float(high), n=n)
