"""Fitting values of the next token to one open model, from its own answers.

    phi_j(y) - E[phi_j | x] = sum_t A_j(s_t, y_t),   A_j(s, v) = theta_j . (psi(s, v) - E_(v' ~ pi(s)) psi(s, v'))

An attribute of an answer is what the prompt promised, and what each of its tokens then added: the advantages of a
policy sum to the return less its value at the start, exactly. So the whole answer is one row of a ridge regression on
the sum of its tokens' centred features, where a value head would have to tell each prefix's promise by itself; with
features of the token alone it is what token values are (`generation/fit_token_values.py`).

psi(s, v) = e_v (x) [1, z].  e_v: what the token does to the attributes of a text it is put into, the main directions of
its embedding, and whether it ends the answer.  z: the main directions of the model's last hidden state. Ridge and how
easily the state is believed (`ease`, 0: not at all) are chosen on prompts left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from idiolect.alignment.decoding.value_table import About, Values
from idiolect.errors import DataError
from idiolect.features.space import PreferenceSpace
from idiolect.generation.encoding.trials import Tell
from idiolect.generation.fit_token_values import effects
from idiolect.generation.token_samples import Sample
from idiolect.models import WhiteBox
from idiolect.models.protocol import Request
from idiolect.schema import Array, Sampling, as_messages

TOKENS = 96  # of an answer
EMBEDDED, STATE = 24, 8  # directions of tokens and of states
RIDGES = (10.0, 100.0, 1000.0)  # as answers; features have unit variance
EASES = (0.0, 0.1, 0.3)
FOLDS = 5
LEAST = 20  # answers
PROMPTS = 8
MEASURED = 8  # places of an answer at which the KL is measured
LIKELIEST = 128  # tokens there
CHUNK = 1024  # tokens whose effects are measured at once


@dataclass(frozen=True)
class Read:
    """One answer: what its tokens were, and what could have stood in their places."""

    tokens: Array  # (t, q) e of the tokens
    expected: Array  # (t, q) E e under the model
    state: Array  # (t, width) h
    covariance: Array  # (m, q, q) of e under the model, at some places
    at: NDArray[np.intp]  # (m,) these


@dataclass(frozen=True)
class Problem:
    """A regression: n answers."""

    plain: Array  # (n, q) sums of centred e
    by_state: Array  # (n, q, p) the same times z
    phi: Array  # (n, a), within prompts
    prompt: NDArray[np.intp]  # (n,)

    def features(self, ease: float) -> Array:
        """(n, q + q p), of unit variance, those of the state times `ease`; without them where that is 0."""
        return np.hstack([self.plain, ease * self.by_state.reshape(len(self.plain), -1)]) if ease else self.plain

    def solve(self, ridge: float, ease: float, rows: NDArray[np.bool_] | None = None) -> Array:
        """(q + q p, a), by the dual form: as large as the answers."""
        x, phi = self.features(ease), self.phi
        if rows is not None:
            x, phi = x[rows], phi[rows]
        return np.asarray(x.T @ np.linalg.solve(x @ x.T + ridge * np.eye(len(x)), phi))

    def correlation(self, ridge: float, ease: float) -> Array:
        """(a,) of predicted with true differences between answers to one prompt, on prompts left out."""
        predicted, x = np.zeros_like(self.phi), self.features(ease)
        for fold in range(FOLDS):
            out = self.prompt % FOLDS == fold
            if out.any() and not out.all():
                predicted[out] = x[out] @ self.solve(ridge, ease, ~out)
        predicted = within(predicted, self.prompt)
        lengths = np.sqrt((predicted**2).sum(axis=0) * (self.phi**2).sum(axis=0))
        return np.asarray((predicted * self.phi).sum(axis=0) / np.where(lengths > 0, lengths, 1.0))


def own_samples(model: WhiteBox, prompts: Sequence[str], answers: int, tell: Tell) -> list[Sample]:
    """The plain model's answers, as they are drawn at temperature 1."""
    found = []
    for number, prompt in enumerate(prompts):
        tell("sampling", number / len(prompts))
        sampling = Sampling(max_tokens=TOKENS, seed=number * answers, temperature=1.0, top_p=1.0)
        for each in model.complete(Request(as_messages(prompt), sampling), answers):
            end = (model.end,) if each.finish_reason == "stop" else ()
            found.append(Sample(prompt=prompt, text=each.text, ids=(*model.tokenize(each.text), *end)))
    return found


def fit(model: WhiteBox, samples: Sequence[Sample], space: PreferenceSpace, tell: Tell) -> Values:
    """Values from a model's own answers; several to each of some prompts. Raises DataError for too few."""
    answers = [each.model_copy(update={"ids": each.ids[:TOKENS]}) for each in samples if each.top is None and each.ids]
    prompts = {prompt: number for number, prompt in enumerate(dict.fromkeys(each.prompt for each in answers))}
    if len(answers) < LEAST or len(prompts) < PROMPTS:
        raise DataError(
            f"values need {LEAST} answers to {PROMPTS} prompts at least: there are {len(answers)} to {len(prompts)}"
        )
    embedded = described(model, sorted({token for each in answers for token in each.ids}), answers, space, tell)
    read = read_answers(model, answers, embedded, tell)
    tell("fitting", 1.0)
    number = np.array([prompts[each.prompt] for each in answers])
    texts = [model.texts([each.ids])[0] for each in answers]  # cut as they were read
    phi = within(space.phi(texts, None)[:, : space.attributes], number)
    centre, projection = main_directions(np.concatenate([each.state for each in read]), STATE)
    problem, scale = summed(read, centre, projection, phi, number)
    ridge, ease, correlation = best(problem)
    theta = unscaled(problem.solve(ridge, ease), scale, ease, projection.shape[1])
    made = Values(
        tokens=embedded,
        centre=centre,
        projection=projection,
        theta=theta,
        fisher=np.eye(len(theta)),
        about=About(
            fingerprint=model.fingerprint,
            space=space.version,
            names=space.names[: space.attributes],
            answers=len(answers),
            prompts=len(prompts),
            ridge=ridge,
            ease=ease,
            correlation=_named(space, correlation),
            of_tokens=_named(space, max((problem.correlation(each, 0.0) for each in RIDGES), key=np.mean)),
        ),
    )
    return replace(made, fisher=fisher(made, read))


def described(
    model: WhiteBox, used: Sequence[int], answers: Sequence[Sample], space: PreferenceSpace, tell: Tell
) -> Array:
    """e (V, q), of unit variance over the tokens that were used: effects on attributes, embedding, whether it ends."""
    with model.alone() as network:
        table = network.embedding_table()
    centre, projection = main_directions(table[list(used)], EMBEDDED)
    size = np.zeros((len(table), space.attributes))
    texts, pieces = [each.text for each in answers], model.texts([[token] for token in used])
    for start in range(0, len(used), CHUNK):
        tell("measuring tokens", start / len(used))
        size[list(used[start : start + CHUNK])] = effects(pieces[start : start + CHUNK], texts, space)
    ends = (np.arange(len(table)) == model.end).astype(float)[:, None]
    every = np.hstack([size, (table - centre) @ projection, ends])
    spread = np.sqrt((every[list(used)] ** 2).mean(axis=0))
    return np.asarray(every / np.where(spread > 1e-9, spread, np.inf), dtype=np.float32)


def read_answers(model: WhiteBox, answers: Sequence[Sample], embedded: Array, tell: Tell) -> list[Read]:
    """What the model says along each of them."""
    found = []
    for number, each in enumerate(answers):
        tell("reading answers", number / len(answers))
        with model.alone() as network:
            hidden, probabilities = network.along(model.prompt_ids(as_messages(each.prompt)), each.ids)
        at = np.unique(np.linspace(0, len(each.ids) - 1, MEASURED).astype(int))
        covariance = np.array([covariance_of(embedded, probabilities[place]) for place in at])
        found.append(Read(embedded[list(each.ids)], probabilities @ embedded, hidden, covariance, at))
    return found


def covariance_of(embedded: Array, probabilities: Array) -> Array:
    """(q, q): of e under p (V,), over its likeliest tokens."""
    likeliest = np.argpartition(-probabilities, min(LIKELIEST, len(probabilities) - 1))[:LIKELIEST]
    p, e = probabilities[likeliest] / probabilities[likeliest].sum(), embedded[likeliest]
    about = e - p @ e
    return np.asarray(about.T @ (p[:, None] * about))


def summed(
    read: Sequence[Read], centre: Array, projection: Array, phi: Array, prompt: NDArray[np.intp]
) -> tuple[Problem, tuple[Array, Array]]:
    """The regression, and by what its features (q,) and (q, p) were divided."""
    plain, by_state = list[Array](), list[Array]()
    for each in read:
        about, z = each.tokens - each.expected, (each.state - centre) @ projection
        plain.append(about.sum(axis=0))
        by_state.append(about.T @ z)
    first, second = within(np.array(plain), prompt), within(np.array(by_state), prompt)
    scale = tuple(np.maximum(part.std(axis=0), 1e-6) for part in (first, second))
    return Problem(first / scale[0], second / scale[1], phi, prompt), (scale[0], scale[1])


def best(problem: Problem) -> tuple[float, float, Array]:
    """Ridge, ease and the correlation (a,) that they have."""
    tried = [(ridge, ease, problem.correlation(ridge, ease)) for ridge, ease in product(RIDGES, EASES)]
    return max(tried, key=lambda each: float(each[2].mean()))


def unscaled(solved: Array, scale: tuple[Array, Array], ease: float, p: int) -> Array:
    """(q + q p, a) in units of the regression -> theta (a, q, 1 + p)."""
    q = len(scale[0])
    own = solved[:q] / scale[0][:, None]
    by_state = ease * solved[q:].reshape(q, p, -1) / scale[1][..., None] if ease else np.zeros((q, p, solved.shape[1]))
    return np.asarray(np.concatenate([own[:, None], by_state], axis=1).transpose(2, 0, 1))


def fisher(values: Values, read: Sequence[Read]) -> Array:
    """(a, a): the covariance of the attributes' values under the model, over the places that were measured."""
    total, places = np.zeros((len(values.theta),) * 2), 0
    for each in read:
        z = (each.state[each.at] - values.centre) @ values.projection
        lifted = np.hstack([np.ones((len(z), 1)), z])
        by_token = np.einsum("aqp,mp->maq", values.theta, lifted)
        total += np.einsum("maq,mqr,mbr->ab", by_token, each.covariance, by_token, optimize=True)
        places += len(z)
    return total / places


def main_directions(rows: Array, most: int) -> tuple[Array, Array]:
    """The mean (width,) and the first directions (width, most), along which rows have unit variance."""
    centre = rows.mean(axis=0)
    about = rows - centre
    values, vectors = np.linalg.eigh(about.T @ about / len(rows))
    order = np.argsort(-values)[:most]
    return centre, np.asarray(vectors[:, order] / np.sqrt(values[order].clip(1e-9)))


def within(values: Array, prompt: NDArray[np.intp]) -> Array:
    """Values (n, ...) about the mean of their prompt."""
    sums = np.zeros((prompt.max() + 1, *values.shape[1:]))
    np.add.at(sums, prompt, values)
    counts = np.bincount(prompt).clip(1).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(values - (sums / counts)[prompt])


def _named(space: PreferenceSpace, figures: Array) -> dict[str, float]:
    names = space.names[: space.attributes]
    return {name: round(float(each), 3) for name, each in zip(names, figures, strict=True)}
