"""The preference space: an answer y becomes a vector phi (d,), on whose directions a person's weights w are learnt.

First the named attributes, then a few directions of the sentence embedding: those in which answers to one prompt differ
most. Choices compare answers to one prompt, so one unit of each direction is the standard deviation within a prompt,
pooled over the starter model's answers to this project's prompts. Where that material hardly varies, an attribute's
`step` stands in, so that answers of another model, with its lists and emoji, don't lie at the clip.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import DataError, FeatureMismatch
from idiolect.features.attributes import ATTRIBUTES, measure
from idiolect.features.embedder import Embedder
from idiolect.schema import Array

CLIP = 4.0
DIRECTIONS = 12
DIGITS = 6  # of the figures in the statistics file
RESOURCE = "space.json"
LEAST_PROMPTS = 10


class Statistics(BaseModel):
    """What standardises the space, as it lies in the file: figures by attribute, and the embedding's directions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompts: int
    answers: int
    mean: dict[str, float]
    sd: dict[str, float]
    embedder: str
    directions: tuple[tuple[float, ...], ...]  # (k, dim), unit rows
    direction_mean: tuple[float, ...]  # (k,)
    direction_sd: tuple[float, ...]

    @classmethod
    def load(cls, text: str) -> "Statistics":
        """Read the text of a statistics file."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as bad:
            raise DataError(
                f"this is no statistics file of the preference space ({bad.error_count()} errors, the first: "
                f"{bad.errors()[0]['msg']}); write one with `idiolect features fit`"
            ) from bad

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @property
    def version(self) -> str:
        """A short hash of all of it, names included: arrays made in another version don't fit."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Fields:
    """The statistics as arrays, in the order of the names."""

    mean: Array  # (a,)
    sd: Array  # (a,)
    directions: Array  # (k, dim)
    direction_mean: Array  # (k,)
    direction_sd: Array  # (k,)


class PreferenceSpace:
    """Turns answers into phi (n, d): d named directions, standardised and clipped at +-4."""

    def __init__(self, statistics: Statistics) -> None:
        """Raises FeatureMismatch when the statistics are of other attributes than this version measures."""
        if set(statistics.mean) != set(ATTRIBUTES) or set(statistics.sd) != set(ATTRIBUTES):
            odd = sorted((set(statistics.mean) ^ set(ATTRIBUTES)) | (set(statistics.sd) ^ set(ATTRIBUTES)))
            raise FeatureMismatch(
                f"the statistics were fitted for other attributes (they differ in {', '.join(odd)}); "
                "fit them again with `idiolect features fit`"
            )
        self.version = statistics.version
        self.attributes = len(ATTRIBUTES)
        self.names = (*ATTRIBUTES, *(f"embedding {i + 1}" for i in range(len(statistics.directions))))
        self.dim = len(self.names)
        self._of = Fields(
            mean=np.array([statistics.mean[name] for name in ATTRIBUTES]),
            sd=np.array([statistics.sd[name] for name in ATTRIBUTES]),
            directions=np.array(statistics.directions),
            direction_mean=np.array(statistics.direction_mean),
            direction_sd=np.array(statistics.direction_sd),
        )

    @classmethod
    def shipped(cls) -> "PreferenceSpace":
        """The space of the package's own statistics."""
        return _shipped()

    def phi(self, answers: Sequence[str], embeddings: Array | None) -> Array:
        """(n, d): where each answer lies. `embeddings` (n, dim) are unit rows; without them that part is 0."""
        phi = np.zeros((len(answers), self.dim))
        if not answers:
            return phi
        phi[:, : self.attributes] = (np.array([measure(answer) for answer in answers]) - self._of.mean) / self._of.sd
        if embeddings is not None and len(self._of.directions):
            expected = (len(answers), self._of.directions.shape[1])
            if embeddings.shape != expected:
                raise FeatureMismatch(
                    f"embeddings of shape {embeddings.shape} met a space that expects {expected}; "
                    "use the embedder that the statistics were fitted with"
                )
            along = embeddings @ self._of.directions.T
            phi[:, self.attributes :] = (along - self._of.direction_mean) / self._of.direction_sd
        return np.clip(phi, -CLIP, CLIP)

    def describe(self, name: str) -> str:
        """One line on a direction, for a person."""
        if name in ATTRIBUTES:
            attribute = ATTRIBUTES[name]
            return f"{attribute.definition} From {attribute.low} to {attribute.high}."
        if name in self.names:
            return "A learnt direction of meaning and tone, which has no name."
        raise FeatureMismatch(f"no direction named {name!r}; there are: {', '.join(self.names)}")


@cache
def _shipped() -> PreferenceSpace:
    return PreferenceSpace(Statistics.load(files("idiolect").joinpath("resources", RESOURCE).read_text("utf-8")))


def read_answers(path: Path) -> dict[str, list[str]]:
    """Answers by prompt, from JSON lines with `prompt` and `text`."""
    answers: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            answers.setdefault(str(row["prompt"]), []).append(str(row["text"]))
        except (ValueError, KeyError, TypeError) as bad:
            raise DataError(f'line {number} of {path} is not {{"prompt": ..., "text": ...}}: {bad}') from bad
    return answers


def fit_space(
    answers: Mapping[str, Sequence[str]], embedder: Embedder | None, directions: int = DIRECTIONS
) -> Statistics:
    """The statistics of a population of answers, several to each prompt."""
    several = {prompt: texts for prompt, texts in answers.items() if len(texts) > 1}
    if len(several) < LEAST_PROMPTS:
        raise DataError(f"{len(several)} prompts have two answers or more, too few to fit on: at least {LEAST_PROMPTS}")
    texts = [text for of_one in several.values() for text in of_one]
    groups = np.repeat(np.arange(len(several)), [len(of_one) for of_one in several.values()])
    raw = np.array([measure(text) for text in texts])
    steps = np.array([attribute.step for attribute in ATTRIBUTES.values()])
    sd = np.maximum(_within_sd(raw, groups), steps)
    axes, axis_mean, axis_sd = _directions(texts, groups, embedder, directions)
    return Statistics(
        prompts=len(several),
        answers=len(texts),
        mean=dict(zip(ATTRIBUTES, _rounded(raw.mean(axis=0)), strict=True)),
        sd=dict(zip(ATTRIBUTES, _rounded(sd), strict=True)),
        embedder=embedder.name if embedder is not None else "none",
        directions=tuple(map(_rounded, axes)),
        direction_mean=_rounded(axis_mean),
        direction_sd=_rounded(axis_sd),
    )


def _directions(
    texts: Sequence[str], groups: NDArray[np.intp], embedder: Embedder | None, most: int
) -> tuple[Array, Array, Array]:
    """The principal directions (k, dim) of embeddings centred within their prompt; along each, mean and sd within."""
    if embedder is None:
        return np.empty((0, 0)), np.empty(0), np.empty(0)
    vectors = embedder.embed(texts)
    axes = np.linalg.svd(_centred(vectors, groups), full_matrices=False)[2][:most]
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[
        :, None
    ]  # a direction has no sign of its own
    along = vectors @ axes.T
    return axes, along.mean(axis=0), _within_sd(along, groups)


def _centred(values: Array, groups: NDArray[np.intp]) -> Array:
    sums = np.zeros((groups.max() + 1, values.shape[1]))
    np.add.at(sums, groups, values)
    return values - (sums / np.bincount(groups)[:, None])[groups]


def _within_sd(values: Array, groups: NDArray[np.intp]) -> Array:
    """The standard deviation within a group, pooled over the groups."""
    freedom = len(values) - (groups.max() + 1)
    return np.asarray(np.sqrt((_centred(values, groups) ** 2).sum(axis=0) / freedom))


def _rounded(values: Array) -> tuple[float, ...]:
    return tuple(round(float(value), DIGITS) for value in values)
