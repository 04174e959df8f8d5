"""Fitting steering vectors to one open model: CAA with named attributes (Panickssery et al., 2023, arXiv 2312.06681).

    v_j,l = mean over pairs of answers to one prompt of (phi_j(y) - phi_j(y')) (h_l(y) - h_l(y'))

Contrast pairs are all pairs of the model's own answers to a prompt, each weighted by how far it differs in the
attribute; h_l is what layer l says, the mean over the answer's tokens. A vector flips with the labels.

Layer and strength are chosen on prompts that were left out. With g_l the gradient of an answer's log-likelihood by a
vector at layer l (`traces`), a coefficient c moves the attribute by c Cov(phi_j, g_l . v) and the model by
c^2 E (g_l . v)^2 / 2 nats of KL: the layer is the one that moves most for its KL, the correlation of the two. Vectors
that are to be optimised (`bipo`) are so there. Those of one layer are made orthogonal. One unit is such that
coefficient 2 costs `KL_AT_TWO` nats a token, as it is measured; and where answers that are generated so are less
fluent than `MOST_RISE` allows, the unit is made smaller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import BadInput, DataError
from idiolect.features.space import PreferenceSpace
from idiolect.generation.encoding.bipo import Layer, Training, optimised, pairs_of
from idiolect.generation.encoding.traces import Answers, Traces, divergence, traces
from idiolect.generation.encoding.trials import Design, Tell, tried
from idiolect.generation.encoding.vectors import About, By, Measured, SteeringVectors, orthogonal
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


@dataclass(frozen=True)
class Directions:
    """Of each attribute one direction, at its best layer."""

    unit: Array  # (a, width) of unit length
    at: NDArray[np.intp]  # (a,) which of the layers that were read
    by: By = "caa"


@dataclass(frozen=True)
class Wanted:
    """How vectors are made, and of what. `tries`: answers generated at either end of each; 0 for none."""

    by: By = "caa"
    attributes: Sequence[str] = ()  # all that can be moved, where none is named
    tries: int = 16
    training: Training = field(default_factory=Training)


def fit(
    model: WhiteBox,
    answers: Mapping[str, Sequence[str]],
    space: PreferenceSpace,
    *,
    tell: Tell,
    wanted: Wanted = Wanted(),
) -> SteeringVectors:
    """Vectors from a model's own answers by prompt.

    Raises DataError for too few prompts, or where no attribute could be moved, and BadInput for an unknown one.
    """
    several = {prompt: texts for prompt, texts in answers.items() if len(texts) > 1}
    if len(several) < PROMPTS:
        raise DataError(f"steering vectors need answers to at least {PROMPTS} prompts, several each: {len(several)} do")
    columns = _columns(wanted.attributes, space)
    material = read(model, several, space, tell)
    directions = contrasted(material)
    if wanted.by == "bipo":
        directions = preferred(model, several, material, directions, columns, wanted, tell)
    prompts = list(several)[::HELD_OUT]
    made = chosen(material, directions, columns, model.fingerprint, space)
    found = calibrated(model, made, {each: several[each] for each in prompts}, tell)
    if not wanted.tries:
        return found
    return checked(model, found, Design(prompts, wanted.tries, TOKENS), space, tell)


def read(model: WhiteBox, answers: Mapping[str, Sequence[str]], space: PreferenceSpace, tell: Tell) -> Material:
    """Measure the answers' beginnings, and read what they leave in the layers; every fifth prompt is held out."""
    first, last = (round(share * model.layers) for share in INNER)
    layers = tuple(range(first, max(last, first + 1), EVERY if model.layers > 2 * EVERY else 1))
    every: list[Traces] = []
    phi, prompt, held_out = list[Array](), list[int](), list[bool]()
    for number, (asked, texts) in enumerate(answers.items()):
        tell("reading answers", number / len(answers))
        ids = _beginnings(model, texts)
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


def contrasted(material: Material) -> Directions:
    """The mean of contrasts, where it moves most for its KL."""
    unit = material.contrasts()  # (L, a, width)
    fits = correlation(material.wanted[:, None], material.pushed(unit))  # (L, a)
    layer = (fits + fits.mean(axis=1, keepdims=True)).argmax(axis=0)  # drawn to what is good for all: answers are few
    return Directions(unit[layer, range(len(layer))], layer)


def preferred(
    model: WhiteBox,
    answers: Mapping[str, Sequence[str]],
    material: Material,
    contrasts: Directions,
    columns: Sequence[int],
    wanted: Wanted,
    tell: Tell,
) -> Directions:
    """Those of these attributes optimised, each at its layer, on the prompts that are not held out."""
    unit = contrasts.unit.copy()
    asked = [
        (number, model.prompt_ids(as_messages(prompt)), _beginnings(model, texts))
        for number, (prompt, texts) in enumerate(answers.items())
        if number % HELD_OUT
    ]
    for done, column in enumerate(columns):
        pairs = [
            Answers(prompt, [ids[more], ids[less]])
            for number, prompt, ids in asked
            for more, less in pairs_of(material.phi[material.prompt == number, column], wanted.training.pairs)
        ]
        if not pairs:
            continue
        at = contrasts.at[column]
        states = Layer(material.layers[at], float(np.sqrt((material.hidden[:, at] ** 2).mean())))
        told = partial(_told, tell, done / len(columns), 1 / len(columns))
        vector = optimised(model, states, pairs, wanted.training, told)
        unit[column] = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return Directions(unit, contrasts.at, "bipo")


def _told(tell: Tell, begun: float, share: float, done: float) -> None:
    tell("optimising", begun + share * done)


def chosen(
    material: Material, directions: Directions, columns: Sequence[int], fingerprint: str, space: PreferenceSpace
) -> SteeringVectors:
    """Of each of these attributes that can be moved its vector, in units of its KL."""
    layer, wanted = directions.at, material.wanted
    fits = correlation(wanted, centred(_along(material, directions.unit, layer), material.prompt[material.held_out]))
    kept = np.array([column for column in columns if fits[column] >= LEAST], dtype=np.intp)
    while len(kept):
        vectors, along = _turned(material, directions, kept)
        found = correlation(wanted[:, kept], along)
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
        by=directions.by,
    )
    return SteeringVectors(vectors * unit[:, None], fisher, about)


def _turned(material: Material, directions: Directions, kept: NDArray[np.intp]) -> tuple[Array, Array]:
    """Vectors (k, width), orthogonal within a layer, and what they add to the answers' log-likelihood (held out, k)."""
    at = directions.at[kept]
    vectors = orthogonal(directions.unit[kept], at.tolist())
    return vectors, centred(_along(material, vectors, at), material.prompt[material.held_out])


def _along(material: Material, vectors: Array, at: NDArray[np.intp]) -> Array:
    """(held out, k): vectors (k, width) at these layers."""
    return np.asarray(np.einsum("nkw,kw->nk", material.push[:, at], vectors))


def _beginnings(model: WhiteBox, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of answers that are read."""
    return [tokens for text in texts if (tokens := model.tokenize(text)[:TOKENS])]


def _columns(names: Sequence[str], space: PreferenceSpace) -> list[int]:
    """Of these attributes; of all where none is named. Raises BadInput for one that there is not."""
    known = list(space.names[: space.attributes])
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(f"no attribute named {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    return [known.index(name) for name in names] or list(range(len(known)))


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
