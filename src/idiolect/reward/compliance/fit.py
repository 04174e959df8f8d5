"""Fits the scorer without a language model, and says how good it is on areas of life that the fit never saw.

    minimise over a, D, u, b, h, k   mean over areas of [ weighted logistic loss of "y is of o's side" on g
        + RANK mean over (o, y of its side) log(1 + sum over y' of contrasting sides exp(g(o, y') - g(o, y))) ]
        + RIDGE (|D|^2 + 10 |u|^2)

It is convex, so that the same text gives the same weights. A choice compares answers to one question, which is what
the second term is about; the first sets the level at which something counts as there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from idiolect.features.embedder import Embedder
from idiolect.reward.compliance.corpus import FAR, Corpus, Flags, Numbers
from idiolect.reward.compliance.learnt import About, Floats, Weights
from idiolect.reward.compliance.mentions import Read, called, compared, read
from idiolect.reward.minimise import lbfgs
from idiolect.schema import Array

RIDGE = 1e-4  # chosen on areas that were left out: 1e-5, 3e-5, 3e-4 and 1e-3 are worse by 1 to 3 points
RANK = 3.0
STEPS = 60
FOLDS = 4  # of areas
OPTIONS = 4  # of a made-up question: one is right
START: Final = (20.0, -5.0, 1.0, 1.0)  # a, b, h, k

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Embedded:
    """The corpus with its vectors, and what names and answers say in words."""

    corpus: Corpus
    names: Floats  # (n, dim)
    answers: Floats  # (m, dim)

    def words(self, names: Numbers, answers: Numbers) -> tuple[Floats, Floats]:
        """How far each of these answers names, or rules out, what each of these names says: (n, m) both."""
        wanted, told = self._read
        found = [[compared(wanted[name], told[answer]) for answer in answers] for name in names]
        pairs = np.array(found, np.float32).reshape(len(names), len(answers), 2)
        return pairs[..., 0], pairs[..., 1]

    @cached_property
    def _read(self) -> tuple[Sequence[frozenset[str]], Sequence[Read]]:
        return [called(text) for text in self.corpus.names.texts], [read(text) for text in self.corpus.answers.texts]


@dataclass(frozen=True)
class Batch:
    """One area's names against its answers and some of other areas."""

    names: Floats  # (n, dim)
    answers: Floats  # (m, dim)
    cosine: Floats  # (n, m)
    named: Floats
    denied: Floats
    own: Flags
    contrast: Flags
    weights: Floats


def embedded(corpus: Corpus, embedder: Embedder) -> Embedded:
    """The corpus with its vectors; some minutes."""
    names, answers = (embedder.embed(each.texts).astype(np.float32) for each in (corpus.names, corpus.answers))
    return Embedded(corpus, names, answers)


def fit_compliance(given: Embedded, embedder: str, progress: Progress, seed: int = 0) -> Weights:
    """The weights from everything; their figures from areas that were left out in turn."""
    rng = np.random.default_rng(seed)
    areas = np.arange(len(given.corpus.areas))
    rows: list[dict[str, Array]] = []
    folds = min(FOLDS, len(areas))
    for number in range(folds):
        progress(f"other areas, {number + 1} of {folds}")
        left_out = areas[number::folds]
        made = fitted(given, np.setdiff1d(areas, left_out), rng)
        rows.append(_judged(given, made, left_out, rng))
    progress("everything")
    held_out = {name: round(float(np.concatenate([row[name] for row in rows]).mean()), 4) for name in rows[0]}
    return _weights(fitted(given, areas, rng), given, embedder, held_out)


@dataclass(frozen=True)
class Fitted:
    """The parameters as one vector, with names."""

    scale: float
    bias: float
    named: float
    denied: float
    offset: Array  # (dim,)
    learnt: Array  # D (dim, dim)

    @classmethod
    def of(cls, place: Array, dim: int) -> "Fitted":
        """From a point of the optimiser's."""
        scale, bias, named, denied = (float(each) for each in place[:4])
        return cls(scale, bias, named, denied, place[4 : 4 + dim], place[4 + dim :].reshape(dim, dim))

    def ranks(self, names: Floats, answers: Floats, named: Floats, denied: Floats) -> Floats:
        """g without what is the same for all answers, (n, m)."""
        along = names @ self.matrix
        return np.asarray(along @ answers.T + self.named * named - self.denied * denied, np.float32)

    @cached_property
    def matrix(self) -> Floats:
        """W"""
        return np.asarray(self.learnt + self.scale * np.eye(len(self.offset)), np.float32)


def fitted(given: Embedded, areas: Numbers, rng: np.random.Generator) -> Fitted:
    """On these areas alone."""
    dim = given.names.shape[1]
    batches = list(_batches(given, areas, rng))

    ridge = RIDGE * np.concatenate([np.zeros(4), np.full(dim, 10.0), np.ones(dim * dim)])

    def loss(place: Array) -> tuple[float, Array]:
        at = Fitted.of(place, dim)
        value, gradient = 0.0, np.zeros_like(place)
        for batch in batches:
            found, slope = _of_batch(batch, at)
            value += found / len(batches)
            gradient += slope
        return value + float(ridge @ place**2), gradient / len(batches) + 2 * ridge * place

    start = np.concatenate([START, np.zeros(dim + dim * dim)])
    return Fitted.of(lbfgs(loss, start, steps=STEPS), dim)


def _batches(given: Embedded, areas: Numbers, rng: np.random.Generator) -> Iterator[Batch]:
    corpus = given.corpus
    seen = np.isin(corpus.answers.area, areas)
    for area in areas:
        names = np.flatnonzero(corpus.names.area == area)
        far = np.flatnonzero(seen & (corpus.answers.area != area))
        drawn = rng.choice(far, min(FAR, len(far)), replace=False)
        answers = np.concatenate([np.flatnonzero(corpus.answers.area == area), drawn])
        own, contrast, weights = corpus.pairs(names, answers)
        o, y = given.names[names], given.answers[answers]
        yield Batch(o, y, o @ y.T, *given.words(names, answers), own, contrast, weights / weights.sum())


def _of_batch(batch: Batch, at: Fitted) -> tuple[float, Floats]:
    """The loss of one area, and its gradient in the order of `Fitted.of`."""
    g = at.ranks(batch.names, batch.answers, batch.named, batch.denied)
    level = g + (batch.names @ at.offset.astype(np.float32) + np.float32(at.bias))[:, None]
    logistic = float((batch.weights * (np.logaddexp(0, level) - level * batch.own)).sum())
    of_level = batch.weights * (1 / (1 + np.exp(np.clip(-level, -60, 60))) - batch.own)
    ranked, of_rank = _ranking(g, batch.own, batch.contrast)
    slope = (of_level + RANK * of_rank).astype(np.float32)
    small = [(slope * batch.cosine).sum(), of_level.sum(), (slope * batch.named).sum(), -(slope * batch.denied).sum()]
    offset, matrix = batch.names.T @ of_level.sum(axis=1), batch.names.T @ (slope @ batch.answers)
    return logistic + RANK * ranked, np.concatenate([small, offset, matrix.ravel()], dtype=np.float32)


def _ranking(g: Floats, own: Flags, contrast: Flags) -> tuple[float, Floats]:
    """Mean of log(1 + sum exp(g' - g)) over own answers that have contrasting ones, and its gradient (n, m)."""
    masked = np.where(contrast, g, -np.inf)
    top = np.maximum(masked.max(axis=1, keepdims=True, initial=-1e30), -1e30)
    raised = np.exp(masked - top)
    total = raised.sum(axis=1, keepdims=True)
    counted = own & (total > 0)
    against = top + np.log(np.where(total > 0, total, 1.0))
    count = max(int(counted.sum()), 1)
    losses = np.logaddexp(0, against - g) * counted
    wrong = np.where(counted, 1 / (1 + np.exp(np.clip(g - against, -60, 60))), 0.0)
    share = raised / np.where(total > 0, total, 1.0)
    slope = (wrong.sum(axis=1, keepdims=True) * share - wrong) / count
    return float(losses.sum() / count), np.asarray(slope, np.float32)


def _judged(given: Embedded, made: Fitted, areas: Numbers, rng: np.random.Generator) -> dict[str, Array]:
    """Made-up questions of these areas: is the right one of four options put first? A row for the cosine beside it."""
    asked = list(_questions(given.corpus, areas, rng))
    likes = np.array([polarity > 0 for _, polarity, _ in asked], bool)
    found: dict[str, Array] = {}
    cosine = Fitted(1.0, 0.0, 0.0, 0.0, np.zeros_like(made.offset), np.zeros_like(made.learnt))
    for row, scorer in {"": made, "cosine/": cosine}.items():
        right = np.array([_is_right(given, scorer, *each) for each in asked], float)
        found |= {f"{row}likes": right[likes], f"{row}dislikes": right[~likes]}
    return found


def _is_right(given: Embedded, scorer: Fitted, name: int, polarity: int, options: Numbers) -> bool:
    words = given.words(np.array([name]), options)
    scores = scorer.ranks(given.names[[name]], given.answers[options], *words)
    return int(np.argmax(polarity * scores[0])) == 0


def _questions(corpus: Corpus, areas: Numbers, rng: np.random.Generator) -> Iterator[tuple[int, int, Numbers]]:
    """A name, a polarity and four options, the first of which is right."""
    every = np.flatnonzero(np.isin(corpus.answers.area, areas))
    for name in np.flatnonzero(np.isin(corpus.names.area, areas)):
        own, contrast, _ = (each[0] for each in corpus.pairs(np.array([name]), every))
        of_side, apart = every[own], every[contrast]
        for polarity in (-1,) if corpus.names.marked[name] else (1, -1):
            right, wrong = (of_side, apart) if polarity > 0 else (apart, of_side)
            if len(right) and len(wrong) >= OPTIONS - 1:
                yield int(name), polarity, np.append(rng.choice(right), rng.choice(wrong, OPTIONS - 1, replace=False))


def _weights(made: Fitted, given: Embedded, embedder: str, held_out: dict[str, float]) -> Weights:
    about = About(
        embedder=embedder,
        areas=given.corpus.areas,
        names=len(given.names),
        answers=len(given.answers),
        bias=round(made.bias, 4),
        named=round(made.named, 4),
        denied=round(made.denied, 4),
        held_out=held_out,
    )
    return Weights(made.matrix, made.offset.astype(np.float32), about)


def rows_of(weights: Weights) -> Sequence[tuple[str, str]]:
    """The figures as a table's rows."""
    return [(name, f"{value:.3f}") for name, value in weights.about.held_out.items()]
