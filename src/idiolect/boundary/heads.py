"""Two small heads that were trained: one says how harmful a request is, one how harmful an answer to it is.

    risk = sigmoid(slope (w . f - line)),   f = [ e,  sqrt(2 / m) cos(E' e + b),  H(words),  rules ]

e (dim,) is the embedding of one window of the text; the cosines stand for a Gaussian kernel on it (Rahimi and Recht,
2007). H are hashed words and pairs of words after normalisation, of unit length, so that a disguised word counts as the
word; `rules` is the risk that the rules see. A long text is as harmful as its worst window. The answer's head has two
more features: the request's own logit, and how surely the answer declines. Shared: everything; nothing is per user.
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from idiolect.boundary.normalise import normalise
from idiolect.errors import DataError

WEIGHTS: Final = "harm-heads.safetensors"
HASHED: Final = 2048  # places
EMBEDDING_WEIGHT: Final = 0.7
WORDS_WEIGHT: Final = 0.4
RULES_WEIGHT: Final = 0.5
WORD: Final = re.compile(r"[a-z']+")
MOST_WORDS: Final = 240  # of one window
OPENING: Final = 40  # words in which an answer declines

Floats = NDArray[np.float32]


class AboutHeads(BaseModel):
    """The card: what the heads are made of and how good they are on what they never saw."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedder: str
    categories: tuple[str, ...]
    sources: dict[str, int]  # texts of each source
    licences: dict[str, str]
    lines: dict[str, float]  # logits at which a head acts
    slopes: dict[str, float]
    held_out: dict[str, float]


@dataclass(frozen=True)
class Heads:
    """Both heads with their card."""

    directions: Floats  # (dim, m)
    phases: Floats  # (m,)
    arrays: Mapping[
        str, Floats
    ]  # request (f + 1,), category (dim + 1, k), decline (dim + HASHED + 1,), answer (f + 4,)
    about: AboutHeads

    @property
    def version(self) -> str:
        """A hash over all weights and the card."""
        found = sha256(self.about.model_dump_json().encode())
        for name in sorted(self.arrays):
            found.update(self.arrays[name].astype(np.float16).tobytes())
        return found.hexdigest()[:8]

    def request(self, vectors: Floats, words: Sequence[Sequence[str]], rules: float) -> float:
        """The worst window's logit, from vectors (w, dim)."""
        return float((self.features(vectors, words, np.full(len(vectors), rules)) @ self.arrays["request"]).max())

    def by_words(self, words: Sequence[Sequence[str]]) -> Floats:
        """(n,): what hashed words alone add to a request's logit."""
        weights = self.arrays["request"][-2 - HASHED : -2]
        return np.asarray(WORDS_WEIGHT * hashed(words) @ weights, np.float32)

    def category(self, vectors: Floats) -> str:
        """What kind of harm it is, if it is harm."""
        scores = with_one(vectors.mean(axis=0, keepdims=True)) @ self.arrays["category"]
        return self.about.categories[int(scores.argmax())]

    def declines(self, vectors: Floats, words: Sequence[Sequence[str]]) -> float:
        """The logit that an answer declines, by its first window."""
        return float(declining(vectors[:1], words[:1])[0] @ self.arrays["decline"])

    def answer(self, asked: float, vectors: Floats, words: Sequence[Sequence[str]], rules: float) -> float:
        """The worst window's logit. `asked` is the request's."""
        rows = self.features(vectors, words, np.full(len(vectors), rules))
        declined = np.full(len(rows), self.declines(vectors, words))
        return float((in_light(rows, np.full(len(rows), asked), declined) @ self.arrays["answer"]).max())

    def risk(self, head: str, logit: float) -> float:
        """One half where the head acts."""
        return float(sigmoid(np.array(self.about.slopes[head] * (logit - self.about.lines[head]))))

    def features(self, vectors: Floats, words: Sequence[Sequence[str]], rules: NDArray[np.float64]) -> Floats:
        """(n, f + 1)"""
        kernel = np.sqrt(2 / len(self.phases)) * np.cos(vectors @ self.directions + self.phases)
        beside = [WORDS_WEIGHT * hashed(words), RULES_WEIGHT * rules[:, None], np.ones((len(vectors), 1))]
        return np.concatenate([EMBEDDING_WEIGHT * vectors, kernel, *beside], axis=1).astype(np.float32)

    def save(self, path: Path) -> None:
        """As safetensors in half precision, the card beside the weights."""
        from safetensors.numpy import save_file

        arrays = {"directions": self.directions, "phases": self.phases, **self.arrays}
        packed = {name: np.ascontiguousarray(each.astype(np.float16)) for name, each in arrays.items()}
        save_file(packed, path, {"about": self.about.model_dump_json()})

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Raises DataError for bytes of another form."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            size = int.from_bytes(data[:8], "little")
            about = AboutHeads.model_validate_json(json.loads(data[8 : 8 + size])["__metadata__"]["about"])
            arrays = {name: each.astype(np.float32) for name, each in load(data).items()}
            return cls(arrays.pop("directions"), arrays.pop("phases"), arrays, about)
        except (SafetensorError, ValueError, KeyError) as broken:
            raise DataError(f"these are no harm heads: {broken}; fit them with `idiolect policy fit`") from broken


@cache
def shipped() -> Heads:
    """Those that come with Idiolect."""
    return Heads.read(files("idiolect").joinpath("resources", WEIGHTS).read_bytes())


def words_of(text: str, windows: int) -> list[list[str]]:
    """The normalised words of a text, in as many parts as it has windows."""
    found = WORD.findall(normalise(text))
    bounds = [len(found) * i // windows for i in range(windows + 1)]
    return [found[start:end][:MOST_WORDS] for start, end in pairwise(bounds)]


def hashed(words: Sequence[Sequence[str]]) -> Floats:
    """(n, HASHED): which words and pairs of words occur, of unit length."""
    rows = np.zeros((len(words), HASHED), np.float32)
    for row, found in zip(rows, words, strict=True):
        grams = {*found, *map(" ".join, pairwise(found))}
        places = [zlib.crc32(gram.encode()) % HASHED for gram in grams]
        np.add.at(row, places, 1)
    return np.asarray(rows / np.maximum(1.0, np.linalg.norm(rows, axis=1, keepdims=True)), np.float32)


def declining(vectors: Floats, words: Sequence[Sequence[str]]) -> Floats:
    """(n, dim + HASHED + 1): the embedding, and the words of the opening."""
    return with_one(np.concatenate([vectors, hashed([found[:OPENING] for found in words])], axis=1))


def in_light(rows: Floats, asked: NDArray[np.float64], declined: NDArray[np.float64]) -> Floats:
    """(n, f + 4): the answer's features with what was asked, whether it is given, and both together."""
    gives = sigmoid(-declined)
    harmful = np.tanh(asked / 4)
    beside = np.stack([harmful, gives, gives * harmful], axis=1).astype(np.float32)
    return np.concatenate([rows, beside], axis=1)


def with_one(rows: Floats) -> Floats:
    """A last column of ones, for the bias."""
    return np.concatenate([rows, np.ones((len(rows), 1), np.float32)], axis=1)


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + e^-x), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(x) / 2)))
