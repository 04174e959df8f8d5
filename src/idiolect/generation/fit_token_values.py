"""Fitting token values to one model, from its own answers.

    phi(y) ~ sum_t tau(y_t) + const(x),   tau = M G + D
    minimise over G, D   sum_i |phi_i - c_i tau|^2 + ridge (|G|^2 / EASE^2 + sum_v sd_v (1 + FEW / n_v) |D_v|^2)

c_i: counts of tokens in answer i; phi and c are centred within their prompt. M: what one more use of a token does to
the attributes when it is put into real answers, so that a word's own meaning is known before it is seen often; G says
how far that carries. D: what its company adds, drawn in where few prompts (n_v) had the token; sd_v: the spread of its
counts. The dual form: a solve of the size of the answers.

The end-of-turn token forgoes what would still come: its value is tau less what the tokens of the rest are worth. So it
carries the taste for length.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import DataError
from idiolect.features.embedder import Embedder
from idiolect.features.space import PreferenceSpace
from idiolect.generation.token_samples import LIKELIEST, Sample
from idiolect.generation.token_value_table import About, Contexts, TokenValueTable
from idiolect.schema import Array

RIDGE = 300.0
EASE = 3.0
FEW = 30.0
PROMPTS = 3  # a token that fewer prompts had is known by its meaning alone
FOLDS = 8
CARRIERS = 4  # answers that each token is put into
CARRIER_WORDS = 60
CONTEXTS = 400
LEAST = 20  # answers

Spell = Callable[[Sequence[int]], Sequence[str]]


@dataclass(frozen=True)
class Regression:
    """Counts and attributes of n answers, both centred within their prompt, and what is known of each of r tokens."""

    counts: Array  # (n, r)
    phi: Array  # (n, d)
    prompt: NDArray[np.intp]  # (n,) number of each answer's prompt
    effects: Array  # (r, a) M
    prompts: NDArray[np.intp]  # (r,) how many prompts had the token

    def solve(self, ridge: float, rows: NDArray[np.bool_] | None = None) -> Array:
        """tau (r, d) from all the answers, or some."""
        counts, phi = (self.counts, self.phi) if rows is None else (self.counts[rows], self.phi[rows])
        common = self.prompts >= PROMPTS
        penalty = np.sqrt(counts[:, common].std(axis=0).clip(1e-3) * (1 + FEW / self.prompts[common]))
        meaning = counts @ self.effects
        ease = EASE / meaning.std(axis=0).clip(1e-9) * (meaning.std(axis=0) > 1e-9)
        x = np.hstack([counts[:, common] / penalty, meaning * ease])
        weights = x.T @ np.linalg.solve(x @ x.T + ridge * np.eye(len(x)), phi)
        own = int(common.sum())
        tau = (self.effects * ease) @ weights[own:]
        tau[common] += weights[:own] / penalty[:, None]
        return np.asarray(tau)

    def correlation(self, ridge: float, folds: int = FOLDS) -> Array:
        """(d,) of predicted with true differences between answers to one prompt, on prompts that were left out."""
        predicted = np.zeros_like(self.phi)
        for fold in range(folds):
            out = self.prompt % folds == fold
            if out.any() and not out.all():
                predicted[out] = self.counts[out] @ self.solve(ridge, ~out)
        lengths = np.sqrt((predicted**2).sum(axis=0) * (self.phi**2).sum(axis=0))
        return np.asarray((predicted * self.phi).sum(axis=0) / np.where(lengths > 0, lengths, 1.0))


def fit(
    samples: Iterable[Sample],
    space: PreferenceSpace,
    embedder: Embedder | None,
    fingerprint: str,
    spell: Spell,
    ridge: float = RIDGE,
) -> TokenValueTable:
    """The table for the model with this fingerprint, whose `spell` writes single tokens as text.

    Samples with `top` serve the KL cap, the others the fit.
    """
    every = list(samples)
    answers = [sample for sample in every if sample.top is None]
    if len(answers) < LEAST:
        raise DataError(f"token values need at least {LEAST} answers, and there are {len(answers)}: sample more")
    told = contexts(every)
    used = Counter(token for answer in answers for token in answer.ids)
    tokens = np.array(sorted(used), dtype=np.int32)
    problem = regression(answers, tokens, space, embedder, spell)
    names = space.names if embedder else space.names[: space.attributes]
    correlation = problem.correlation(ridge)
    values = problem.solve(ridge)
    frequency = np.array([used[int(token)] / used.total() for token in tokens])
    if (end := end_of_turn(answers)) is not None:
        values[np.searchsorted(tokens, end)] -= remaining(answers, end) * (frequency @ values)
    return TokenValueTable(
        tokens=tokens,
        values=values,
        frequency=frequency,
        contexts=told,
        about=About(
            fingerprint=fingerprint,
            space=space.version,
            names=names,
            answers=len(answers),
            prompts=int(problem.prompt.max()) + 1,
            ridge=ridge,
            correlation={name: round(float(r), 3) for name, r in zip(names, correlation, strict=True)},
        ),
    )


def regression(
    answers: Sequence[Sample],
    tokens: NDArray[np.int32],
    space: PreferenceSpace,
    embedder: Embedder | None,
    spell: Spell,
) -> Regression:
    """Measure the answers, count their tokens, and put each token into a few answers."""
    texts = [answer.text for answer in answers]
    phi = space.phi(texts, embedder.embed(texts)) if embedder else space.phi(texts, None)[:, : space.attributes]
    numbers = {prompt: number for number, prompt in enumerate(dict.fromkeys(answer.prompt for answer in answers))}
    prompt = np.array([numbers[answer.prompt] for answer in answers])
    column = {int(token): index for index, token in enumerate(tokens)}
    counts = np.zeros((len(answers), len(tokens)))
    seen_in: dict[int, set[str]] = defaultdict(set)
    for row, answer in enumerate(answers):
        for token, times in Counter(answer.ids).items():
            counts[row, column[token]] = times
            seen_in[token].add(answer.prompt)
    return Regression(
        counts=_within(counts, prompt),
        phi=_within(phi, prompt),
        prompt=prompt,
        effects=effects(spell(tokens.tolist()), texts, space),
        prompts=np.array([len(seen_in[int(token)]) for token in tokens]),
    )


def effects(pieces: Sequence[str], texts: Sequence[str], space: PreferenceSpace) -> Array:
    """(r, a): what each piece does to the attributes of an answer when it is put into it; the mean over a few."""
    changes = np.zeros((len(pieces), space.attributes))
    known = sorted(texts)  # so that the answers' order does not matter
    chosen = [known[at] for at in np.linspace(0, len(known) - 1, CARRIERS).astype(int)]
    for text in chosen:
        words = text.split(" ")[:CARRIER_WORDS]
        before, after = " ".join(words[: len(words) // 2]), " ".join(["", *words[len(words) // 2 :]])
        with_each = space.phi([before + piece + after for piece in pieces], None)
        changes += (with_each - space.phi([before + after], None))[:, : space.attributes]
    return changes / len(chosen)


def end_of_turn(answers: Sequence[Sample]) -> int | None:
    """The commonest of the tokens that stand only at the end of answers; None where every answer was cut."""
    within = {token for answer in answers for token in answer.ids[:-1]}
    last = Counter(answer.ids[-1] for answer in answers if answer.ids and answer.ids[-1] not in within)
    token, times = last.most_common(1)[0] if last else (-1, 0)
    return token if times >= PROMPTS else None


def remaining(answers: Sequence[Sample], end: int) -> float:
    """How many tokens more the answers had that went on where another to the same prompt had ended, on average."""
    lengths: dict[str, list[int]] = defaultdict(list)
    for answer in answers:
        lengths[answer.prompt].append(len(answer.ids))
    ended = [answer for answer in answers if answer.ids and answer.ids[-1] == end]
    more = [n - len(answer.ids) for answer in ended for n in lengths[answer.prompt] if n > len(answer.ids)]
    return float(np.mean(more)) if more else 0.0


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
