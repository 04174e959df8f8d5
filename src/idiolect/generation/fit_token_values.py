"""Fitting token values to one model, from its own answers.

    minimise over tau  sum_i |phi_i - sum_t tau(y_it)|^2 + ridge sum_v sd_v |tau_v|^2

phi and the counts of tokens are centred within each prompt. The penalty grows with a token's spread sd_v, so that rare
tokens are not flattened by it. There are more tokens than answers: the dual form, a solve of the size of the answers.
The end-of-turn token is a column like any other, so that it carries the taste for length.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import DataError
from idiolect.features.embedder import Embedder
from idiolect.features.space import PreferenceSpace
from idiolect.generation.token_samples import LIKELIEST, Sample
from idiolect.generation.token_value_table import About, Contexts, TokenValueTable
from idiolect.schema import Array

RIDGE = 3.0
SEEN = 3  # a token that is used less often gets no row
FOLDS = 8
CONTEXTS = 400
LEAST = 20  # answers


@dataclass(frozen=True)
class Regression:
    """Counts and attributes of n answers, both centred within their prompt; columns of counts divided by sqrt(sd)."""

    tokens: NDArray[np.int32]  # (r,)
    scale: Array  # (r,)
    counts: Array  # (n, r)
    phi: Array  # (n, d)
    prompt: NDArray[np.intp]  # (n,) number of each answer's prompt

    def tau(self, ridge: float) -> Array:
        """(r, d) from all the answers."""
        return self._solve(ridge, np.ones(len(self.phi), dtype=bool)) / self.scale[:, None]

    def correlation(self, ridge: float, folds: int = FOLDS) -> Array:
        """(d,) of predicted with true differences between answers to one prompt, on prompts that were left out."""
        predicted = np.zeros_like(self.phi)
        for fold in range(folds):
            out = self.prompt % folds == fold
            predicted[out] = self.counts[out] @ self._solve(ridge, ~out)
        lengths = np.sqrt((predicted**2).sum(axis=0) * (self.phi**2).sum(axis=0))
        return np.asarray((predicted * self.phi).sum(axis=0) / np.where(lengths > 0, lengths, 1.0))

    def _solve(self, ridge: float, rows: NDArray[np.bool_]) -> Array:
        x, y = self.counts[rows], self.phi[rows]
        return np.asarray(x.T @ np.linalg.solve(x @ x.T + ridge * np.eye(len(x)), y))


def fit(
    samples: Iterable[Sample],
    space: PreferenceSpace,
    embedder: Embedder | None,
    fingerprint: str,
    ridge: float = RIDGE,
) -> TokenValueTable:
    """The table for the model with this fingerprint. Samples with `top` serve the KL cap, the others the fit."""
    every = list(samples)
    answers = [sample for sample in every if sample.top is None]
    if len(answers) < LEAST:
        raise DataError(f"token values need at least {LEAST} answers, and there are {len(answers)}: sample more")
    problem = regression(answers, space, embedder)
    tokens = sum(len(sample.ids) for sample in answers)
    seen = Counter(token for sample in answers for token in sample.ids)
    correlation = problem.correlation(ridge)
    return TokenValueTable(
        tokens=problem.tokens,
        values=problem.tau(ridge),
        frequency=np.array([seen[int(token)] / tokens for token in problem.tokens]),
        contexts=contexts(every),
        about=About(
            fingerprint=fingerprint,
            space=space.version,
            names=space.names,
            answers=len(answers),
            prompts=int(problem.prompt.max()) + 1,
            ridge=ridge,
            correlation={name: round(float(r), 3) for name, r in zip(space.names, correlation, strict=True)},
        ),
    )


def regression(answers: Sequence[Sample], space: PreferenceSpace, embedder: Embedder | None) -> Regression:
    """Measure the answers and count their tokens."""
    texts = [answer.text for answer in answers]
    phi = space.phi(texts, embedder.embed(texts) if embedder else None)
    numbers = {prompt: number for number, prompt in enumerate(dict.fromkeys(answer.prompt for answer in answers))}
    prompt = np.array([numbers[answer.prompt] for answer in answers])
    seen = Counter(token for answer in answers for token in answer.ids)
    tokens = np.array(sorted(token for token, times in seen.items() if times >= SEEN), dtype=np.int32)
    column = {int(token): index for index, token in enumerate(tokens)}
    counts = np.zeros((len(answers), len(tokens)))
    for row, answer in enumerate(answers):
        for token, times in Counter(answer.ids).items():
            if token in column:
                counts[row, column[token]] = times
    counts = _within(counts, prompt)
    scale = np.sqrt(counts.std(axis=0).clip(1e-3))
    return Regression(tokens, scale, counts / scale, _within(phi, prompt), prompt)


def contexts(samples: Iterable[Sample]) -> Contexts:
    """At most CONTEXTS of the positions whose likeliest tokens are known, evenly taken."""
    known = [top for sample in samples for top in sample.top or () if len(top) >= LIKELIEST]
    if not known:
        raise DataError(f"no sample tells the {LIKELIEST} likeliest tokens (`top`): the KL could not be capped")
    chosen = [known[at] for at in np.unique(np.linspace(0, len(known) - 1, CONTEXTS).astype(int))]
    pairs = np.array([top[:LIKELIEST] for top in chosen])  # (c, k, 2)
    return Contexts(pairs[..., 0].astype(np.int32), pairs[..., 1])


def _within(values: Array, prompt: NDArray[np.intp]) -> Array:
    """Values (n, m) about the mean of their prompt."""
    sums = np.zeros((prompt.max() + 1, values.shape[1]))
    np.add.at(sums, prompt, values)
    return values - (sums / np.bincount(prompt)[:, None])[prompt]
