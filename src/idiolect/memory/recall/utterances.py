"""What was said in past conversations, ranked for a prompt by words and by meaning, each with what stands beside it.

    score = z(B_1) + z(B_2) + 9/4 z(c) + 1/2 z(c_1) + 5/4 named - 5/2 asks + 5/4 z(ln(1 + words))

B_1: BM25 of the utterance (three times), its speaker (twice) and those beside it; B_2: BM25 of the utterance with two
to either side; c: the cosine of "speaker: text"; c_1: of the mean with those beside it; named: the prompt names this
speaker and no other; asks: it ends in a question, which seldom holds an answer. z: less the mean over all, over their
standard deviation. The weights are round numbers; the bench `locomo-recall` says how good they are. BM25 is that of
Robertson and Zaragoza, 2009, The Probabilistic Relevance Framework, 3.2.

No text is held: stems as 32-bit hashes with how often each comes, vectors as int8. What stands beside an utterance is
added up when a prompt comes, so that a new one costs nothing but itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from idiolect.memory.recall.dense import Floats, Rows, Vector
from idiolect.memory.recall.recalled import Episode
from idiolect.memory.recall.words import stems, words

K1, B = 0.9, 0.4  # of BM25: how soon a repeated term stops to add, how much long ones are held back
WEIGHTS: Final = {
    "close": 1.0,
    "wide": 1.0,
    "cosine": 2.25,
    "around": 0.5,
    "named": 1.25,
    "asks": -2.5,
    "length": 1.25,
}
NOBODY: Final = frozenset({"user", "assistant", "system", "tool", "you"})  # speakers that a prompt does not name

Numbers = NDArray[np.int32]
N = TypeVar("N", np.int32, np.uint8)


def spoken(episode: Episode) -> str:
    """What is embedded of an utterance: its speaker is part of what it means."""
    return f"{episode.speaker}: {episode.text}"


def hashed(terms: Sequence[str]) -> Numbers:
    """(terms,)"""
    return np.array([crc32(term.encode()) & 0x7FFFFFFF for term in terms], np.int32)


class Held(NamedTuple):
    """Facts of all utterances, (n,) each."""

    talk: Numbers
    speaker: Numbers
    length: Floats  # stems
    asks: Floats


@dataclass
class Postings:
    """Which utterance holds which term how often, one entry a term of an utterance."""

    terms: Numbers = field(default_factory=lambda: np.zeros(1024, np.int32))
    rows: Numbers = field(default_factory=lambda: np.zeros(1024, np.int32))
    counts: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(1024, np.uint8))
    length: int = 0

    def add(self, row: int, terms: Sequence[str]) -> None:
        """Of one utterance, with repeats."""
        counts = Counter(terms)
        end = self.length + len(counts)
        while end > len(self.terms):
            self.terms, self.rows, self.counts = _doubled(self.terms), _doubled(self.rows), _doubled(self.counts)
        self.terms[self.length : end], self.rows[self.length : end] = hashed(list(counts)), row
        self.counts[self.length : end] = np.minimum(list(counts.values()), 255)
        self.length = end

    def of(self, term: np.int32) -> tuple[Numbers, NDArray[np.uint8]]:
        """The utterances that hold a term, and how often."""
        found = np.flatnonzero(self.terms[: self.length] == term)
        return self.rows[found], self.counts[found]


class Utterances:
    """One person's, by row, in the order in which they were said; those of a talk without others between them."""

    def __init__(self, dim: int) -> None:
        """`dim` of an embedding."""
        self.postings = Postings()
        self._vectors = Rows(dim)
        self._norms = np.zeros(0, np.float32)  # of the sum of a vector and those beside it
        self._dirty = set[int]()  # rows whose norm is to be computed anew
        self._facts: list[tuple[int, int, int, bool]] = []
        self._speakers: dict[str, int] = {}
        self._held: Held | None = None

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, talk: int, speaker: str, text: str) -> int:
        """Hold an utterance; returns its row."""
        terms, row = stems(text), self._vectors.add(None)
        number = self._speakers.setdefault(speaker, len(self._speakers))
        self._facts.append((talk, number, len(terms), text.rstrip().endswith("?")))
        self.postings.add(row, terms)
        self._held = None
        return row

    def put(self, row: int, vector: Vector) -> None:
        """Hold the embedding (dim,) of its `spoken`, of unit length."""
        self._vectors.put(row, vector)
        self._dirty.update(range(max(row - 1, 0), row + 2))

    def cosines(self, vector: Vector) -> Floats:
        """(n,); 0 where it is not embedded."""
        return self._vectors.products(vector)

    def scores(self, query: str, cosine: Floats | None) -> dict[str, Floats]:
        """(n,) parts of every score, weighted. Without the cosines with a prompt, words alone."""
        held = self._all()
        parts = self._words(held, query)
        if cosine is not None:
            around = (cosine + _beside(cosine, held.talk, 1)) / np.maximum(self._around(held), np.float32(1e-6))
            parts |= {"cosine": _standard(cosine), "around": _standard(np.asarray(around, np.float32))}
        parts |= {"named": self._named(held, query), "asks": held.asks, "length": _standard(np.log1p(held.length))}
        return {name: np.float32(WEIGHTS[name]) * part for name, part in parts.items()}

    def _words(self, held: Held, query: str) -> dict[str, Floats]:
        repeats = Counter(stems(query))
        own = np.zeros((len(repeats), len(self)), np.float32)
        for counts, term in zip(own, hashed(list(repeats)), strict=True):
            rows, often = self.postings.of(term)
            counts[rows] = often
        names = [stems(name) if name not in NOBODY else [] for name in self._speakers]
        naming = np.array([[name.count(term) for name in names] for term in repeats], np.float32)
        lengths = np.array([len(name) for name in names], np.float32)[held.speaker]
        beside, further = _beside(own, held.talk, 1), _beside(own, held.talk, 2)
        near, far = _beside(held.length, held.talk, 1), _beside(held.length, held.talk, 2)
        of_names = naming.reshape(len(repeats), len(names))[:, held.speaker]
        weights = np.array(list(repeats.values()), np.float32)
        return {
            "close": _standard(_bm25(3 * own + 2 * of_names + beside, 3 * held.length + 2 * lengths + near, weights)),
            "wide": _standard(_bm25(own + beside + further, held.length + near + far, weights)),
        }

    def _named(self, held: Held, query: str) -> Floats:
        """1 for what the one speaker said whom the prompt names."""
        said = set(words(query))
        named = [n for name, n in self._speakers.items() if name not in NOBODY and not said.isdisjoint(words(name))]
        if len(named) != 1:
            return np.zeros(len(self), np.float32)
        return np.asarray(held.speaker == named[0], np.float32)

    def _all(self) -> Held:
        if self._held is None:
            talk, speaker, length, asks = np.array(self._facts, np.int32).reshape(-1, 4).T
            self._held = Held(talk, speaker, length.astype(np.float32), asks.astype(np.float32))
        return self._held

    def _around(self, held: Held) -> Floats:
        self._norms = np.concatenate([self._norms, np.zeros(len(self) - len(self._norms), np.float32)])
        for row in sorted(each for each in self._dirty if each < len(self)):
            beside = [each for each in (row - 1, row, row + 1) if 0 <= each < len(self)]
            together = [self._vectors.at(each) for each in beside if held.talk[each] == held.talk[row]]
            self._norms[row] = np.linalg.norm(np.sum(together, axis=0))
        self._dirty.clear()
        return self._norms


def _bm25(counts: Floats, lengths: Floats, repeats: Floats) -> Floats:
    """(n,) from how often each of the prompt's terms comes (terms, n)."""
    total, among = float(lengths.sum()), counts.shape[1]
    if not total:
        return np.zeros(among, np.float32)
    norms = np.float32(K1) * (np.float32(1 - B) + np.float32(B * among / total) * lengths)
    having = np.count_nonzero(counts, axis=1)
    idf = np.log1p((among - having + 0.5) / (having + 0.5)).astype(np.float32)
    return np.asarray(np.einsum("t,tn->n", repeats * idf * np.float32(K1 + 1), counts / (counts + norms)), np.float32)


def _beside(values: Floats, talk: Numbers, away: int) -> Floats:
    """(..., n) the sum of the two so far away in the same talk."""
    found = np.zeros_like(values)
    if values.shape[-1] > away:
        same = talk[away:] == talk[:-away]
        found[..., away:] += values[..., :-away] * same
        found[..., :-away] += values[..., away:] * same
    return found


def _standard(values: Floats) -> Floats:
    return np.asarray((values - values.mean()) / (values.std() + 1e-9), np.float32)


def _doubled(array: NDArray[N]) -> NDArray[N]:
    return np.concatenate([array, np.zeros_like(array)])
