"""Recall of a person's past turns: one prompt with its answer each, and only those that clearly bear on what is asked.

    evidence = max(c_asked, c_answered) + 3/10 o;   o: the shared words' share of the sum of idf over the prompt's

c: cosines with the prompt. A prompt that refers back ("the book you recommended") needs less of it than any other.
No text is held: stems as 32-bit hashes, vectors as int8. A prompt costs a scan of both.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from idiolect.memory.recall.dense import Floats, Rows, Vector
from idiolect.memory.recall.words import stems

ASKED, ANSWERED = 0, 1  # sides of a turn, and the parts under which their embeddings are kept
LEXICAL: Final = 0.3  # weight of shared words beside the cosine
REFERRING: Final = 0.45  # least evidence where the prompt refers back
UNBIDDEN: Final = 0.95  # where it does not
WORDS_ALONE: Final = 0.6  # least share of words without an embedding, where the prompt refers back
BEHIND: Final = 0.15  # a turn with so much less evidence than the best is not what is meant

REFERS_BACK: Final = re.compile(
    r"""\b(?:
        (?:you|we)(?:['\u2019](?:d|ve)|\ had|\ have)?\ (?:just\ |already\ |once\ |also\ )?
            (?:recommended|suggested|mentioned|told|said|gave|proposed
            |wrote|explained|described|advised|discussed|talked|spoke|chatted|listed|named|came\ up|planned
            |worked|decided|agreed|picked|settled)
      | did\ (?:you|we)\ (?:\w+\ )?(?:recommend|suggest|mention|tell|say|give|propose|write|explain|advise|discuss|talk
            |list|name|come\ up|plan|decide|agree|pick|settle)
      | (?:as|like|what|which|that|the\ \w+|already)\ i(?:['\u2019](?:d|ve)|\ had|\ have)?\ (?:just\ |already\ |once\ )?
            (?:told|said|mentioned|asked|wrote|described)
      | (?:do|can|did)\ you\ (?:still\ )?(?:remember|recall) | remember\ (?:when|the|that|my|what|how)
      | i\ (?:told|asked|mentioned\ to)\ you | did\ i\ (?:\w+\ )?(?:tell|say|ask|mention)
      | (?:our|your|my)\ (?:last|previous|earlier|other)\ (?:\w+\ )?
            (?:chat|conversation|talk|discussion|answer|question|message|suggestion|recommendation|advice|tip|list|plan)
      | last\ time | the\ other\ day | back\ to\ (?:the|my|our|that|what) | follow(?:ing)?\ up\ on
      | from\ (?:before|earlier) | (?:remind\ me)\ (?:of|what|which|who|where|when|how|about)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
OF_TALK: Final = frozenset(
    stems(
        "recommended recommendation suggested suggestion mentioned told tell said say gave give proposed wrote "
        "explained described advised advice discussed discussion talked talk spoke chatted chat conversation listed "
        "named name remember recall remind asked ask question answer earlier before last time previous day back "
        "following follow came come picked decided agreed settled tip thing something know"
    )
)  # of a prompt that refers back: what the talk was, not what it was about

Numbers = NDArray[np.int32]


class Found(NamedTuple):
    """A past turn that passed, and what spoke for it."""

    place: int
    score: float
    parts: dict[str, float]
    why: str


class PastTurns:
    """One person's turns by place, in their order."""

    def __init__(self, dim: int) -> None:
        """`dim` of an embedding."""
        self.ids: list[str] = []  # of the answers
        self.times: list[datetime] = []
        self.said: list[tuple[int, int]] = []  # hashes of the prompt and of the answer, to know them again
        self._vectors = Rows(dim)  # row 2i + side
        self._terms, self._owners, self._length = np.zeros(1024, np.int32), np.zeros(1024, np.int32), 0

    def __len__(self) -> int:
        """How many turns are held."""
        return len(self.ids)

    def add(self, answer: str, at: datetime, asked: str, answered: str) -> int:
        """Hold a turn; returns its place."""
        place = len(self.ids)
        self.ids.append(answer)
        self.times.append(at)
        self.said.append((known_by(asked), known_by(answered)))
        self._vectors.add(None)
        self._vectors.add(None)
        terms = _hashes(stems(f"{asked} {answered}"))
        while self._length + len(terms) > len(self._terms):
            self._terms = np.concatenate([self._terms, np.zeros_like(self._terms)])
            self._owners = np.concatenate([self._owners, np.zeros_like(self._owners)])
        end = self._length + len(terms)
        self._terms[self._length : end], self._owners[self._length : end], self._length = terms, place, end
        return place

    def put(self, place: int, side: int, vector: Vector) -> None:
        """Hold the embedding (dim,) of one side of a turn."""
        self._vectors.put(2 * place + side, vector)

    def cosines(self, vector: Vector) -> Floats:
        """(n,) of the nearer side; 0 where none is embedded."""
        return np.asarray(self._vectors.products(vector).reshape(-1, 2).max(axis=1), np.float32)

    def overlaps(self, terms: Sequence[str]) -> Floats:
        """(n,) share of these words that a turn holds, rare ones counting for more."""
        count, shared, total = len(self), np.zeros(len(self), np.float32), 0.0
        every, owners = self._terms[: self._length], self._owners[: self._length]
        for term in _hashes(terms):
            having = owners[every == term]
            weight = float(np.log1p(count / max(len(having), 0.5)))
            shared[having] += np.float32(weight)
            total += weight
        return np.asarray(shared / np.float32(total or 1.0), np.float32)


def bearing(turns: PastTurns, query: str, vector: Vector | None, said: frozenset[int], most: int) -> list[Found]:
    """The turns that clearly bear on a prompt, best first. What the request itself says (hashes) is left out."""
    refers = REFERS_BACK.search(query) is not None
    if not len(turns) or (vector is None and not refers):
        return []
    terms = stems(query)
    overlap = turns.overlaps([term for term in terms if term not in OF_TALK] if refers else terms)
    if vector is None:
        cosine, score, least = None, overlap, WORDS_ALONE
    else:
        cosine = turns.cosines(vector)
        score, least = cosine + np.float32(LEXICAL) * overlap, REFERRING if refers else UNBIDDEN
    places = np.flatnonzero(score >= max(least, float(score.max()) - BEHIND))
    found = []
    for place in places[np.argsort(-score[places], kind="stable")]:
        if said.isdisjoint(turns.said[place]):
            parts = {"overlap": float(overlap[place])} | ({} if cosine is None else {"cosine": float(cosine[place])})
            why = "the prompt refers back to it" if refers else "it is about the same as the prompt"
            found.append(Found(int(place), float(score[place]), parts, why))
        if len(found) == most:
            break
    return found


def known_by(text: str) -> int:
    """A hash by which a text is known again."""
    return crc32(text.strip().encode("utf-8", "surrogatepass"))


def _hashes(terms: Sequence[str]) -> Numbers:
    """(distinct terms,)"""
    return np.array([crc32(term.encode()) & 0x7FFFFFFF for term in dict.fromkeys(terms)], np.int32)
