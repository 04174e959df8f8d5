"""Fitting steering vectors to one open model: CAA with named attributes (Panickssery et al., 2023, arXiv 2312.06681).

    v_j,l = mean over pairs of answers to one prompt of (phi_j(y) - phi_j(y')) (h_l(y) - h_l(y'))

Contrast pairs are all pairs of the model's own answers to a prompt, each weighted by how far it differs in the
attribute; h_l is what layer l says, the mean over the answer's tokens. A vector flips with the labels.

Layer and strength are chosen on prompts that were left out. With g_l the gradient of an answer's log-likelihood by a
vector at layer l (`traces`), a coefficient c moves the attribute by c Cov(phi_j, g_l . v) and the model by
c^2 E (g_l . v)^2 / 2 nats of KL: the layer is the one that moves most for its KL, the correlation of the two. Vectors
of one layer are made orthogonal. One unit is such that coefficient 2 costs `KL_AT_TWO` nats a token, as it is measured;
and where answers that are generated so are less fluent than `MOST_RISE` allows, the unit is made smaller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import DataError
from idiolect.features.space import PreferenceSpace
from idiolect.generation.encoding.traces import Answers, Traces, divergence, traces
from idiolect.generation.encoding.trials import Design, Tell, tried
from idiolect.generation.encoding.vectors import About, Measured, SteeringVectors, orthogonal
from idiolect.models import WhiteBox
from idiolect.schema import Array, as_messages

TOP = 2.0  # the coefficient that units are measured at
KL_AT_TWO = 0.1  # nats a token
MOST_RISE = 0.15  # of the negative log-likelihood a token, as a share of the plain model's
LEAST = 0.2  # correlation from which an attribute gets a vector
TOKENS = 40  # of an answer, from its beginning: later ones tell much the same
HELD_OUT = 5  # every so many prompts
PROMPTS = 8  # at least
CALIBRATING = 4  # answers that a vector's KL is measured on
ROUNDS = 2
FARTHEST = 4.0  # times, that one round may go
EVERY = 2  # layers: neighbours say much the same
INNER = (0.1, 0.9)  # of the depth: the first layers read words, the last ones spell them


@dataclass(frozen=True)
class Material:
    """Answers to several prompts: phi (n, a) and what they left at the layers; gradients of those held out alone."""

    phi: Array
    prompt: NDArray[np.intp]  # (n,) number of each answer's prompt
    held_out: NDArray[np.bool_]  # (n,)
    hidden: Array  # (n, L, width)
    push: Array  # (held out, L, width)
    tokens: Array  # (n,)
    layers: tuple[int, ...]

    def contrasts(self) -> Array:
        """v (L, a, width) of unit length, from the prompts that are not held out; nought where nothing differs."""
        rows = ~self.held_out
        phi = centred(self.phi[rows], self.prompt[rows])
        hidden = centred(self.hidden[rows], self.prompt[rows])
        made = np.einsum("na,nlw->law", phi, hidden)
        return np.asarray(made / np.linalg.norm(made, axis=-1, keepdims=True).clip(1e-12))

    def pushed(self, vectors: Array) -> Array:
        """(held out, ...): what vectors (L, ..., width) add to the answers' log-likelihood, within prompts."""
        along = np.einsum("nlw,l...w->nl...", self.push, vectors)
        return centred(along, self.prompt[self.held_out])

    @property
    def wanted(self) -> Array:
        """(held out, a): phi within prompts."""
        return centred(self.phi[self.held_out], self.prompt[self.held_out])


def fit(
    model: WhiteBox, answers: Mapping[str, Sequence[str]], space: PreferenceSpace, *, tell: Tell, tries: int = 16
) -> SteeringVectors:
    """Vectors from a model's own answers by prompt. `tries`: answers generated at either end of each; 0 for none.

    Raises DataError for too few prompts, or where no attribute could be moved.
    """
    several = {prompt: texts for prompt, texts in answers.items() if len(texts) > 1}
    if len(several) < PROMPTS:
        raise DataError(f"steering vectors need answers to at least {PROMPTS} prompts, several each: {len(several)} do")
    material = read(model, several, space, tell)
    prompts = list(several)[::HELD_OUT]
    found = calibrated(
        model, chosen(material, model.fingerprint, space), {each: several[each] for each in prompts}, tell
    )
    if not tries:
        return found
    return checked(model, found, Design(prompts, tries, TOKENS), space, tell)


def read(model: WhiteBox, answers: Mapping[str, Sequence[str]], space: PreferenceSpace, tell: Tell) -> Material:
    """Measure the answers' beginnings, and read what they leave in the layers; every fifth prompt is held out."""
    first, last = (round(share * model.layers) for share in INNER)
    layers = tuple(range(first, max(last, first + 1), EVERY if model.layers > 2 * EVERY else 1))
    every: list[Traces] = []
    phi, prompt, held_out = list[Array](), list[int](), list[bool]()
    for number, (asked, texts) in enumerate(answers.items()):
        tell("reading answers", number / len(answers))
        ids = [tokens for text in texts if (tokens := model.tokenize(text)[:TOKENS])]
        is_out = number % HELD_OUT == 0
        with model.alone() as network:
            every.append(traces(network, Answers(model.prompt_ids(as_messages(asked)), ids), layers, with_push=is_out))
            beginnings = [str(network.loaded.tokenizer.decode(tokens)) for tokens in ids]
        phi.append(space.phi(beginnings, None)[:, : space.attributes])
        prompt += [number] * len(ids)
        held_out += [is_out] * len(ids)
    left = Traces.of(every)
    return Material(
        np.concatenate(phi), np.array(prompt), np.array(held_out), left.hidden, left.push, left.tokens, layers
    )


def chosen(material: Material, fingerprint: str, space: PreferenceSpace) -> SteeringVectors:
    """Of each attribute that can be moved the vector of its best layer, in units of its KL."""
    directions = material.contrasts()  # (L, a, width)
    fits = correlation(material.wanted[:, None], material.pushed(directions))  # (L, a)
    layer = (fits + fits.mean(axis=1, keepdims=True)).argmax(axis=0)  # drawn to what is good for all: answers are few
    kept = np.flatnonzero(fits[layer, range(len(layer))] >= LEAST)
    while len(kept):
        vectors, along = _turned(material, directions, layer[kept], kept)
        found = correlation(material.wanted[:, kept], along)
        if (found >= LEAST).all():
            break
        kept = kept[found >= LEAST]  # the others need not keep clear of one that is left out
    else:
        raise DataError("no attribute could be moved by steering on the prompts left out: give more answers")
    at = [int(each) for each in layer[kept]]
    tokens = float(material.tokens[material.held_out].mean())
    unit = np.sqrt(2 * KL_AT_TWO * tokens / (along**2).mean(axis=0).clip(1e-12)) / TOP
    fisher = (along * unit).T @ (along * unit) / len(along) / tokens
    size = np.linalg.norm(material.hidden, axis=-1).mean(axis=0)  # (L,)
    names = [space.names[j] for j in kept]
    attributes = {
        name: Measured(
            layer=material.layers[at[row]],
            strength=round(float(unit[row] / size[at[row]]), 4),
            correlation=round(float(found[row]), 3),
        )
        for row, name in enumerate(names)
    }
    about = About(
        fingerprint=fingerprint,
        space=space.version,
        answers=len(material.phi),
        prompts=int(material.prompt.max()) + 1,
        attributes=attributes,
    )
    return SteeringVectors(vectors * unit[:, None], fisher, about)


def _turned(material: Material, directions: Array, at: NDArray[np.intp], kept: NDArray[np.intp]) -> tuple[Array, Array]:
    """Vectors (k, width), orthogonal within a layer, and what they add to the answers' log-likelihood (held out, k)."""
    vectors = orthogonal(directions[at, kept], at.tolist())
    along = np.einsum("nkw,kw->nk", material.push[:, at], vectors)
    return vectors, centred(along, material.prompt[material.held_out])


def calibrated(
    model: WhiteBox, found: SteeringVectors, answers: Mapping[str, Sequence[str]], tell: Tell
) -> SteeringVectors:
    """In units that cost what F says: gradients tell only what a small step costs."""
    scale = np.ones(len(found.vectors))
    asked = [
        (prompt, [model.tokenize(text)[:TOKENS] for text in texts[:CALIBRATING]]) for prompt, texts in answers.items()
    ]
    for row in range(len(scale)):
        tell("measuring KL", row / len(scale))
        prompt, ids = asked[row % len(asked)]
        texts = Answers(model.prompt_ids(as_messages(prompt)), [each for each in ids if each])
        end = np.zeros(len(scale))
        end[row] = TOP
        for _ in range(ROUNDS):
            with model.alone() as network:
                cost = divergence(network, texts, found.at(end * scale))
            scale[row] *= float(np.clip(np.sqrt(found.kl(end) / max(cost, 1e-9)), 1 / FARTHEST, FARTHEST))
    attributes = {
        name: each.model_copy(update={"strength": round(each.strength * float(by), 4)})
        for (name, each), by in zip(found.about.attributes.items(), scale, strict=True)
    }
    about = found.about.model_copy(update={"attributes": attributes})
    return SteeringVectors(found.vectors * scale[:, None], found.fisher, about)


def checked(
    model: WhiteBox, found: SteeringVectors, design: Design, space: PreferenceSpace, tell: Tell
) -> SteeringVectors:
    """With what answers did that were generated; units that cost more fluency than is allowed are made smaller."""
    attributes, shrunk, eye = dict[str, Measured](), np.ones(len(found.vectors)), TOP * np.eye(len(found.vectors))
    usual = float(np.mean([each.nll for each in tried(model, {}, design)]))
    for row, (name, measured) in enumerate(found.about.attributes.items()):
        tell("trying vectors out", row / len(eye))
        ends = [tried(model, found.at(sign * eye[row]), design) for sign in (-1, 1)]
        low, high = (space.phi([each.text for each in end], None)[:, space.names.index(name)] for end in ends)
        rise = float(np.mean([each.nll for end in ends for each in end])) / usual - 1
        shrunk[row], update = within(rise, float(high.mean() - low.mean()))
        strength = round(measured.strength * float(shrunk[row]), 4)
        attributes[name] = measured.model_copy(update={"strength": strength, **update})
    about = found.about.model_copy(update={"attributes": attributes})
    return SteeringVectors(found.vectors * shrunk[:, None], found.fisher * np.outer(shrunk, shrunk), about)


def within(rise: float, moved: float) -> tuple[float, dict[str, float]]:
    """The share of a unit whose rise is allowed, and what is then to be expected: the rise goes with its square."""
    share = min(1.0, float(np.sqrt(MOST_RISE / rise))) if rise > 0 else 1.0
    return share, {"moved": round(moved * share, 3), "rise": round(rise * share**2, 3)}


def centred(values: Array, groups: NDArray[np.intp]) -> Array:
    """Values (n, ...) about the mean of their group."""
    made = np.array(values, dtype=np.float64)
    for group in np.unique(groups):
        made[groups == group] -= made[groups == group].mean(axis=0)
    return made


def correlation(a: Array, b: Array) -> Array:
    """Of centred values (n, ...), over the first axis; nought where one of them never differs."""
    lengths = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.asarray((a * b).sum(axis=0) / np.where(lengths > 0, lengths, np.inf))
