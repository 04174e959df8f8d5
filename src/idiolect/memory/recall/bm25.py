"""BM25 over documents that come and go (Robertson and Zaragoza, 2009, The Probabilistic Relevance Framework, 3.2).

    score(q, d) = sum over t in q:  ln(1 + (N - n_t + 1/2) / (n_t + 1/2)) . f (k1 + 1) / (f + k1 (1 - b + b |d| / L))

N documents, n_t of them with t; f: how often t is in d; L: the mean length. The logarithm's 1 keeps common terms from
counting against a document. Postings are arrays, so that a query costs a few additions of arrays.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import NotFound

Floats = NDArray[np.float32]


@dataclass
class Postings:
    """The documents that hold one term, oldest first, and how often each holds it."""

    places: "array[int]" = field(default_factory=lambda: array("i"))
    counts: "array[float]" = field(default_factory=lambda: array("f"))

    def arrays(self) -> tuple[NDArray[np.int32], Floats]:
        """Copies: an array of Python's that is looked into cannot grow."""
        return np.array(self.places, np.int32), np.array(self.counts, np.float32)

    def drop(self, place: int) -> None:
        """Forget one document."""
        at = self.places.index(place)
        del self.places[at], self.counts[at]


class BM25:
    """An index of documents by their place: 0, 1, 2, ... in the order in which they came."""

    def __init__(self, k1: float = 1.2, b: float = 0.75) -> None:
        """`k1`: how soon a repeated term stops to add; `b`: how much long documents are held back (0: not at all)."""
        self.k1, self.b = k1, b
        self._terms: dict[str, Postings] = {}
        self._documents: list[dict[str, int] | None] = []
        self._lengths = np.zeros(64, np.float32)
        self._held = 0
        self._total = 0

    def __len__(self) -> int:
        """How many documents are held."""
        return self._held

    @property
    def places(self) -> int:
        """One more than the highest place that was ever given."""
        return len(self._documents)

    def add(self, terms: Sequence[str]) -> int:
        """Add a document, given as its terms with repeats; returns its place."""
        place = len(self._documents)
        self._documents.append(None)
        if place == len(self._lengths):
            self._lengths = np.concatenate([self._lengths, np.zeros_like(self._lengths)])
        self._insert(place, terms)
        return place

    def put(self, place: int, terms: Sequence[str]) -> None:
        """Give a document other terms. Raises NotFound where there is none."""
        self.remove(place)
        self._insert(place, terms)

    def remove(self, place: int) -> None:
        """Forget a document with all its terms; its place stays empty. Raises NotFound where there is none."""
        counts = self._documents[place] if place < len(self._documents) else None
        if counts is None:
            raise NotFound(f"the index holds no document at place {place}")
        for term in counts:
            self._terms[term].drop(place)
            if not self._terms[term].places:
                del self._terms[term]
        self._documents[place] = None
        self._held -= 1
        self._total -= sum(counts.values())
        self._lengths[place] = 0

    def _insert(self, place: int, terms: Sequence[str]) -> None:
        counts = Counter(terms)
        self._documents[place] = dict(counts)
        self._lengths[place] = len(terms)
        for term, count in counts.items():
            postings = self._terms.setdefault(term, Postings())
            postings.places.append(place)
            postings.counts.append(count)
        self._held += 1
        self._total += len(terms)

    def idf(self, term: str) -> float:
        """ln(1 + (N - n + 1/2) / (n + 1/2)), in nats; of a term that no document holds too."""
        postings = self._terms.get(term)
        having = len(postings.places) if postings else 0
        return log(1 + (self._held - having + 0.5) / (having + 0.5))

    def scores(self, terms: Sequence[str]) -> Floats:
        """(places,) of every document for a query; 0 where no term is shared. A repeated term counts each time."""
        found = np.zeros(self.places, np.float32)
        if not self._total:
            return found
        share = self._lengths[: self.places] * np.float32(self._held / self._total)
        norms = np.float32(self.k1) * (np.float32(1 - self.b) + np.float32(self.b) * share)
        for term, repeats in Counter(terms).items():
            if term in self._terms:
                places, counts = self._terms[term].arrays()
                gain = np.float32(repeats * self.idf(term) * (self.k1 + 1))
                found[places] += gain * counts / (counts + norms[places])
        return found

    def most(self, terms: Sequence[str]) -> float:
        """What a document would score at the very most that held each term of the query without end."""
        return sum(self.idf(term) * (self.k1 + 1) for term in terms)
