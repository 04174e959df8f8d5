"""Which of a person's past texts stand nearest to a question: by BM25, by embeddings, or the newest.

Among those that score alike the newer comes first, and of equal times the one that is later in its list.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np

from idiolect.memory.recall.bm25 import BM25
from idiolect.memory.recall.words import stems
from idiolect.schema import Array, EarlierTurn

Embed: TypeAlias = Callable[[Sequence[str]], Array]


class Past(Protocol):
    """Something a person once asked, with what came of it."""

    @property
    def asked(self) -> str:
        """The question."""

    @property
    def words(self) -> str:
        """By which it is found in words."""

    @property
    def turn(self) -> EarlierTurn | None:
        """When it was, where it is kept."""

    @property
    def vector(self) -> Array | None:
        """(dim,) of the question, where it is known."""


def nearest(by: str, query: str, past: Sequence[Past], embed: Embed | None) -> list[int]:
    """The places of all of them, nearest first; `by` names one of RANKERS. Without `embed`, words stand in for it."""
    scores = RANKERS[by if embed is not None else LACKING.get(by, by)](query, past, embed)
    newest = sorted(range(len(past)), key=lambda i: (_at(past[i]), i), reverse=True)
    return sorted(newest, key=lambda i: -scores[i])


def _bm25(query: str, past: Sequence[Past], embed: Embed | None) -> Array:
    index = BM25()
    for each in past:
        index.add(stems(each.words))
    return index.scores(stems(query)).astype(float)


def _dense(query: str, past: Sequence[Past], embed: Embed | None) -> Array:
    """Cosines of the questions: what is not embedded yet is embedded here."""
    assert embed is not None
    missing = [each.asked for each in past if each.vector is None]
    fresh = iter(embed([query, *missing]))
    asked = next(fresh)
    rows = np.array([next(fresh) if each.vector is None else each.vector for each in past])
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(asked)
    return np.asarray(rows @ asked / np.maximum(norms, 1e-12))


def _recency(query: str, past: Sequence[Past], embed: Embed | None) -> Array:
    return np.zeros(len(past))


def _at(each: Past) -> float:
    return each.turn.at.timestamp() if each.turn else 0.0


Ranker: TypeAlias = Callable[[str, Sequence[Past], Embed | None], Array]
RANKERS: Mapping[str, Ranker] = {"bm25": _bm25, "dense": _dense, "recency": _recency}
LACKING: Mapping[str, str] = {"dense": "bm25"}  # what stands in where there is no embedder
