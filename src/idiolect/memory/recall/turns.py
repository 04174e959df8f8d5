"""Recall of a person's past turns: one prompt with its answer each, and only those that clearly bear on what is asked.

    evidence = max(c_asked, c_answered) + 3/10 o;   o: the shared words' share of the sum of idf over the prompt's

c: cosines with the prompt. A prompt that refers back ("the book you recommended") needs less of it than any other. Of
those that pass, the best by the score of utterances come first (see utterances.py), at most so many of one talk, and
the turns beside them in their talks after them, if there is room.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np

from idiolect.memory.recall.dense import Floats, Vector
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.recall.utterances import Numbers, Utterances, hashed
from idiolect.memory.recall.words import stems

ASKED, ANSWERED = 0, 1  # sides of a turn, and the parts under which their embeddings are kept
LEXICAL: Final = 0.3  # weight of shared words beside the cosine
REFERRING: Final = 0.45  # least evidence where the prompt refers back
UNBIDDEN: Final = 0.95  # where it does not
WORDS_ALONE: Final = 0.6  # least share of words without an embedding, where the prompt refers back
LOOKED_AT: Final = 3  # times as many past turns as are wanted: some may be too long, or may not leave this machine
BESIDE: Final = "stands beside a turn that was recalled"
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


class Found(NamedTuple):
    """A past turn that passed, or stands beside one, and what spoke for it."""

    place: int
    score: float
    parts: dict[str, float]
    why: str


@dataclass(frozen=True)
class Turn:
    """A turn, without its words."""

    answer: str  # id of the answer
    at: datetime
    talk: int  # number of the conversation
    first: int  # row of its first utterance
    said: frozenset[int]  # hashes of its texts, to know them again


class PastTurns:
    """One person's turns by place, in their order."""

    def __init__(self, dim: int) -> None:
        """`dim` of an embedding."""
        self.turns: list[Turn] = []
        self.utterances = Utterances(dim)
        self._known: tuple[Numbers, Numbers] | None = None

    def __len__(self) -> int:
        """How many turns are held."""
        return len(self.turns)

    def add(
        self,
        answer: str,
        at: datetime,
        said: Sequence[tuple[str, str]],
        known: frozenset[int] = frozenset(),
        goes_on: bool = False,
    ) -> int:
        """Hold a turn, given as what each speaker said in it; returns its place.

        `known`: hashes by which its texts are known again. `goes_on`: with the conversation of the turn before.
        """
        place, first = len(self.turns), len(self.utterances)
        talk = self.turns[-1].talk + (not goes_on) if self.turns else 0
        for speaker, text in said:
            self.utterances.add(talk, speaker, text)
        self.turns.append(Turn(answer, at, talk, first, known))
        self._known = None
        return place

    def put(self, place: int, side: int, vector: Vector) -> None:
        """Hold the embedding (dim,) of one side of a turn."""
        self.utterances.put(self.turns[place].first + side, vector)

    def best(self, values: Floats) -> Floats:
        """(rows,) of utterances -> (n,) of turns: the greater of each."""
        return np.asarray(np.maximum.reduceat(values, self._places()[0]), np.float32)

    def ranks(self, query: str, cosines: Floats | None) -> Floats:
        """(n,) by which those that bear on a prompt are told apart; `cosines` (rows,) of the utterances with it."""
        return self.best(np.sum(list(self.utterances.scores(query, cosines).values()), axis=0))

    def overlaps(self, terms: Sequence[str]) -> Floats:
        """(n,) share of these words that a turn holds, rare ones counting for more."""
        count, shared, total = len(self), np.zeros(len(self), np.float32), 0.0
        owners = self._places()[1]
        for term in hashed(list(dict.fromkeys(terms))):
            having = np.zeros(count, bool)
            having[owners[self.utterances.postings.of(term)[0]]] = True
            weight = float(np.log1p(count / max(int(having.sum()), 0.5)))
            shared += having * np.float32(weight)
            total += weight
        return np.asarray(shared / np.float32(total or 1.0), np.float32)

    def _places(self) -> tuple[Numbers, Numbers]:
        """(n,) the first row of each turn, and (rows,) the turn of each row."""
        if self._known is None:
            starts = np.array([turn.first for turn in self.turns], np.int32)
            lengths = np.diff(starts, append=len(self.utterances))
            self._known = starts, np.repeat(np.arange(len(starts), dtype=np.int32), lengths)
        return self._known

    def beside(self, place: int, reach: int) -> list[int]:
        """Places up to so many turns away in the same conversation, the nearest first, those after it before others."""
        talk = self.turns[place].talk
        near = [place + away for step in range(1, reach + 1) for away in (step, -step)]
        return [each for each in near if 0 <= each < len(self) and self.turns[each].talk == talk]


def bearing(
    turns: PastTurns, query: str, vector: Vector | None, said: frozenset[int], settings: RecallSettings
) -> list[Found]:
    """The turns that clearly bear on a prompt, best first, then those beside them.

    What the request itself says (hashes) is left out. There are more than `settings.turns` of them: some may turn out
    to be too long, or not to be for everybody.
    """
    refers = REFERS_BACK.search(query) is not None
    if not len(turns) or (vector is None and not refers):
        return []
    terms = stems(query)
    overlap = turns.overlaps([term for term in terms if term not in OF_TALK] if refers else terms)
    parts, score, least, cosines = {"overlap": overlap}, overlap, WORDS_ALONE, None
    if vector is not None:
        cosines = turns.utterances.cosines(vector)
        parts["cosine"] = turns.best(cosines)
        score, least = parts["cosine"] + np.float32(LEXICAL) * overlap, REFERRING if refers else UNBIDDEN
    passing = np.flatnonzero(score >= max(least, float(score.max()) - BEHIND)).tolist()
    places: list[int] = [place for place in passing if said.isdisjoint(turns.turns[place].said)]
    if not places:
        return []
    rank = turns.ranks(query, cosines)
    ranked = sorted(places, key=lambda place: -rank[place])
    why = "the prompt refers back to it" if refers else "it is about the same as the prompt"
    mains = list(_shared_out(turns, ranked, settings))
    near = [other for place in mains for other in turns.beside(place, settings.neighbours)]
    aside = [each for each in dict.fromkeys(near) if each not in mains and said.isdisjoint(turns.turns[each].said)]
    told = [*((place, why) for place in mains), *((place, BESIDE) for place in aside)]
    return [
        Found(place, float(score[place]), {name: float(part[place]) for name, part in parts.items()}, because)
        for place, because in told
    ]


def _shared_out(turns: PastTurns, ranked: Sequence[int], settings: RecallSettings) -> Iterator[int]:
    """The best, of which no conversation fills more than its share."""
    most, taken = max(1, ceil(settings.turns * settings.share_of_one_source)), Counter[int]()
    for place in ranked[: LOOKED_AT * settings.turns]:
        talk = turns.turns[place].talk
        taken[talk] += 1
        if taken[talk] <= most:
            yield place


def known_by(text: str) -> int:
    """A hash by which a text is known again."""
    return crc32(text.strip().encode("utf-8", "surrogatepass"))
