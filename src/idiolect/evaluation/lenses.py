"""What simulated people look at in an answer: the named attributes, or what the preference space does not hold."""

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Protocol
from zlib import crc32

import numpy as np

from idiolect.features.space import PreferenceSpace
from idiolect.schema import Array

Pool = Sequence[Sequence[str]]  # answers by prompt
BUCKETS = 4096  # of hashed character n-grams
FITTED_ON = 800  # answers; more change the embedding little
FREQUENCY = 0.1  # of a wave along one direction, in radians per standard deviation: gently curved, not linear
TYPICAL_WORDS = 30  # a short answer's word-list densities are drawn towards 0 by this many words


class Lens(Protocol):
    """A view of answers; many people may share it."""

    @property
    def names(self) -> Sequence[str]:
        """Of the k columns."""

    def look(self, answers: Sequence[str]) -> Array:
        """(n, k), each column of about unit sd within a prompt."""


@dataclass(frozen=True)
class AttributeLens:
    """The named attributes of the preference space, standardised as there: what can be learnt exactly."""

    space: PreferenceSpace
    seen: dict[str, Array] = field(default_factory=dict, compare=False)

    @property
    def names(self) -> Sequence[str]:
        """The named attributes."""
        return self.space.names[: self.space.attributes]

    def look(self, answers: Sequence[str]) -> Array:
        """(n, a)"""
        for answer in answers:
            if answer not in self.seen:
                self.seen[answer] = self.space.phi([answer], None)[0, : self.space.attributes]
        return np.stack([self.seen[answer] for answer in answers])


class ForeignLens:
    """Densities of word lists that no attribute reads, and waves over an embedding that the preference space lacks.

    The embedding is a truncated SVD of hashed character 3- to 5-grams (term frequencies under a root, rows of unit
    length), fitted on a pool's differences within prompts. The waves are random Fourier features cos(omega . z + b) of
    it, long enough to be partly linear: a taste made of them is learnt in part by a linear head, and never wholly.
    """

    def __init__(self, pool: Pool, *, directions: int = 8, waves: int = 64, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        grams = [np.stack([_grams(answer) for answer in answers]) for answers in pool]
        centred = np.concatenate([rows - rows.mean(axis=0) for rows in grams])
        basis = _principal(centred[rng.permutation(len(centred))[:FITTED_ON]], directions)  # (BUCKETS, directions)
        self._basis = basis / (centred @ basis).std(axis=0)
        self._omega = rng.normal(scale=FREQUENCY, size=(directions, waves))
        self._phase = rng.uniform(0, 2 * np.pi, size=waves)
        self._seen: dict[str, Array] = {}
        self.lists = len(lexicons())
        self.names = (*lexicons(), *(f"wave {number + 1}" for number in range(waves)))
        raw = [self._raw(answers) for answers in pool]
        self._mean = np.concatenate(raw).mean(axis=0)
        self._sd = np.concatenate([rows - rows.mean(axis=0) for rows in raw]).std(axis=0).clip(1e-6)

    def look(self, answers: Sequence[str]) -> Array:
        """(n, lists + waves)"""
        scaled: Array = np.clip((self._raw(answers) - self._mean) / self._sd, -4, 4)
        return scaled

    def _raw(self, answers: Sequence[str]) -> Array:
        for answer in answers:
            if answer not in self._seen:
                waves = np.cos(_grams(answer) @ self._basis @ self._omega + self._phase)
                self._seen[answer] = np.concatenate([_densities(answer), waves])
        return np.stack([self._seen[answer] for answer in answers])


@lru_cache(maxsize=1)
def lexicons() -> dict[str, re.Pattern[str]]:
    """Word lists by name."""
    lists = tomllib.loads(files("idiolect").joinpath("resources/lexicons.toml").read_text(encoding="utf-8"))
    return {
        name: re.compile(rf"\b(?:{'|'.join(_pattern(word) for word in words.split())})\b")
        for name, words in lists.items()
    }


def _principal(rows: Array, count: int) -> Array:
    """(columns, count): unit directions of most variance, by the small side's eigenvectors."""
    values, vectors = np.linalg.eigh(rows @ rows.T)
    found: Array = rows.T @ vectors[:, -count:] / np.sqrt(values[-count:])
    return found


def _pattern(word: str) -> str:
    return re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "")


def _densities(answer: str) -> Array:
    """Square roots of how many words in a hundred are in each list."""
    text = answer.lower()
    words = len(re.findall(r"\w+", text)) + TYPICAL_WORDS
    return np.sqrt([100 * len(pattern.findall(text)) / words for pattern in lexicons().values()])


def _grams(answer: str) -> Array:
    """(BUCKETS,): hashed character 3- to 5-grams, of unit length."""
    text = re.sub(r"\s+", " ", answer.lower())
    counts = Counter(crc32(text[i : i + n].encode()) % BUCKETS for n in (3, 4, 5) for i in range(len(text) - n + 1))
    row = np.zeros(BUCKETS)
    row[list(counts)] = np.sqrt(list(counts.values()))
    return row / max(float(np.linalg.norm(row)), 1e-12)
