"""Recall of episodes: past turns that help to answer, found by words and by meaning, each with its neighbours.

    score = z(B_1) + z(B_2) + 9/4 z(c) + 1/2 z(c_1) + 5/4 named - 5/2 asks + 5/4 z(ln(1 + words))

B_1: BM25 of the turn (three times), its speaker (twice) and the turns beside it; B_2: BM25 of the turn with two turns
to either side; c: the cosine of "speaker: text"; c_1: of the mean with the turns beside it; named: the prompt names
this speaker and no other; asks: the turn ends in a question, which seldom holds an answer. z: less the mean over all
turns, over their standard deviation. The weights are round numbers; the bench `locomo-recall` says how good they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import NotFound
from idiolect.memory.recall.bm25 import BM25
from idiolect.memory.recall.dense import Floats, Rows, Vector
from idiolect.memory.recall.ranking import CHARACTERS
from idiolect.memory.recall.recalled import Episode, RecalledEpisode
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.recall.words import stems, words

CLOSE, WIDE = 1, 2  # turns to either side
WEIGHTS = {"close": 1.0, "wide": 1.0, "cosine": 2.25, "around": 0.5, "named": 1.25, "asks": -2.5, "length": 1.25}
NOBODY = frozenset({"user", "assistant", "system", "tool"})  # speakers that a prompt does not name

Numbers = NDArray[np.int64]


def spoken(episode: Episode) -> str:
    """What is embedded of a turn: its speaker is part of what it means."""
    return f"{episode.speaker}: {episode.text}"


@dataclass
class Turn:
    """A turn and the places beside it in the same conversation."""

    episode: Episode
    before: int | None
    after: int | None = None


class Episodes:
    """One person's past turns by id, added in the order of each conversation. Safe to call from many threads."""

    def __init__(self, dim: int = 384) -> None:
        """`dim` of an embedding."""
        self.lock = RLock()
        self._close, self._wide = BM25(k1=0.9, b=0.4), BM25(k1=0.9, b=0.4)
        self._vectors, self._facts = Rows(dim), Grown(len(Facts.__dataclass_fields__))
        self._turns: list[Turn | None] = []
        self._places: dict[str, int] = {}
        self._last: dict[str, int] = {}  # place of each conversation's newest turn

    def __len__(self) -> int:
        """How many turns are held."""
        return len(self._places)

    def __contains__(self, identifier: object) -> bool:
        """Whether a turn of this id is held here."""
        return identifier in self._places

    def add(self, episode: Episode, vector: Vector | None = None) -> None:
        """Hold a turn; one of the same id stays as it was. `vector` (dim,) is of `spoken(episode)`, of unit length."""
        with self.lock:
            if episode.id in self._places:
                return
            place = self._close.add([])
            self._wide.add([])
            self._vectors.add(vector)
            self._facts.add(Facts.of(episode).row())
            before = self._last.get(episode.talk)
            self._turns.append(Turn(episode, before))
            self._places[episode.id] = self._last[episode.talk] = place
            if before is not None:
                self._turn(before).after = place
            self._renew(self._around(place, WIDE))

    def remove(self, identifier: str) -> None:
        """Drop a turn from its own documents and from its neighbours'. Raises NotFound for an id that is not held."""
        with self.lock:
            place = self._places.pop(identifier, None)
            if place is None:
                raise NotFound(f"no past turn {identifier!r} is held here")
            turn, beside = self._turn(place), [each for each in self._around(place, WIDE) if each != place]
            self._unlink(turn)
            self._turns[place] = None
            self._close.remove(place)
            self._wide.remove(place)
            self._vectors.clear(place)
            self._facts.clear(place)
            self._renew(beside)

    def scores(self, query: str, query_vector: Vector | None) -> dict[str, Floats]:
        """(n,) parts of every place's score, weighted. Without an embedding of the prompt, words alone."""
        terms = stems(query)
        facts = Facts(*self._facts.matrix.T)
        parts = {"close": _standard(self._close.scores(terms)), "wide": _standard(self._wide.scores(terms))}
        if query_vector is not None:
            cosine = self._vectors.products(query_vector)
            around: Floats = cosine + _beside(cosine, facts.before) + _beside(cosine, facts.after)
            parts |= {
                "cosine": _standard(cosine),
                "around": _standard(np.asarray(around / np.maximum(facts.norm, 1e-6), np.float32)),
            }
        parts |= {"named": self._named(query), "asks": facts.asks, "length": _standard(facts.length)}
        return {name: np.float32(WEIGHTS[name]) * part for name, part in parts.items()}

    def held(self, before: datetime | None = None) -> NDArray[np.bool_]:
        """(n,) which places hold a turn, of a time before that."""
        limit = before.timestamp() if before else np.inf
        return np.array([turn is not None and turn.episode.at.timestamp() <= limit for turn in self._turns], bool)

    def at(self, place: int) -> Episode:
        """The turn at a place."""
        return self._turn(place).episode

    def beside(self, place: int, reach: int) -> tuple[tuple[Episode, ...], tuple[Episode, ...]]:
        """So many turns before and after, in order."""
        around = self._around(place, reach)
        own = around.index(place)
        return tuple(map(self.at, around[:own])), tuple(map(self.at, around[own + 1 :]))

    def _turn(self, place: int) -> Turn:
        found = self._turns[place]
        if found is None:
            raise NotFound(f"no past turn is held at place {place}")
        return found

    def _around(self, place: int, reach: int) -> list[int]:
        """Places of the conversation's turns up to so many away, in order."""
        found, left, right = [place], self._turn(place).before, self._turn(place).after
        for _ in range(reach):
            if left is not None:
                found.insert(0, left)
                left = self._turn(left).before
            if right is not None:
                found.append(right)
                right = self._turn(right).after
        return found

    def _unlink(self, turn: Turn) -> None:
        if turn.before is not None:
            self._turn(turn.before).after = turn.after
        if turn.after is not None:
            self._turn(turn.after).before = turn.before
        elif turn.before is not None:
            self._last[turn.episode.talk] = turn.before
        else:
            del self._last[turn.episode.talk]

    def _renew(self, places: Iterable[int]) -> None:
        """Write anew what depends on a turn's neighbours."""
        for place in places:
            turn, close = self._turn(place), self._around(place, CLOSE)
            own = stems(turn.episode.text)
            beside = [term for other in close if other != place for term in stems(self.at(other).text)]
            self._close.put(place, 3 * own + 2 * stems(turn.episode.speaker) + beside)
            self._wide.put(place, [term for other in self._around(place, WIDE) for term in stems(self.at(other).text)])
            facts = Facts.of(
                turn.episode, turn, float(np.linalg.norm(np.sum([self._vectors.at(each) for each in close], axis=0)))
            )
            self._facts.matrix[place] = facts.row()

    def _named(self, query: str) -> Floats:
        """1 for turns of the one speaker whom the prompt names."""
        said = set(words(query))
        names = {turn.episode.speaker for turn in self._turns if turn} - NOBODY
        named = [name for name in names if set(words(name)) & said]
        if len(named) != 1:
            return np.zeros(len(self._turns), np.float32)
        return np.array([turn is not None and turn.episode.speaker == named[0] for turn in self._turns], np.float32)


class Grown:
    """Floats by place."""

    def __init__(self, width: int) -> None:
        self.matrix = np.zeros((0, width), np.float32)

    def add(self, row: Floats) -> None:
        """Append."""
        self.matrix = np.concatenate([self.matrix, row[None]])

    def clear(self, place: int) -> None:
        """Noughts."""
        self.matrix[place] = 0


@dataclass
class Facts:
    """What is known of a turn before any prompt; of all turns at once, arrays."""

    asks: Floats
    length: Floats  # ln(1 + words that are not stop words)
    before: Floats  # place of the turn before; -1 without one
    after: Floats
    norm: Floats  # of the sum of its vector and its neighbours'

    @classmethod
    def of(cls, episode: Episode, turn: Turn | None = None, norm: float = 0.0) -> "Facts":
        """Of one turn."""
        before, after = (None, None) if turn is None else (turn.before, turn.after)
        return cls(
            np.asarray(episode.text.rstrip().endswith("?"), np.float32),
            np.asarray(np.log1p(len(stems(episode.text))), np.float32),
            np.asarray(-1 if before is None else before, np.float32),
            np.asarray(-1 if after is None else after, np.float32),
            np.asarray(norm, np.float32),
        )

    def row(self) -> Floats:
        """(5,)"""
        return np.array([self.asks, self.length, self.before, self.after, self.norm], np.float32)


def recall_episodes(
    query: str,
    query_vector: Vector | None,
    episodes: Episodes,
    at: datetime | None = None,
    settings: RecallSettings | None = None,
) -> tuple[RecalledEpisode, ...]:
    """The past turns that bear most on a prompt, best first; what stands beside one found is not found anew."""
    chosen = settings or RecallSettings()
    with episodes.lock:
        if not len(episodes):
            return ()
        parts = episodes.scores(query, query_vector)
        total = np.where(episodes.held(at), np.sum(list(parts.values()), axis=0), -np.inf)
        best = np.argsort(-total, kind="stable")[: 4 * chosen.most_episodes + 20]
        return tuple(_fitting(episodes, [int(place) for place in best if total[place] > -np.inf], parts, chosen))


def _fitting(
    episodes: Episodes, places: Sequence[int], parts: dict[str, Floats], settings: RecallSettings
) -> Iterable[RecalledEpisode]:
    shown: set[str] = set()
    left, count = settings.episode_tokens, 0
    for place in places:
        episode = episodes.at(place)
        before, after = episodes.beside(place, settings.neighbours)
        before, after = (tuple(each for each in side if each.id not in shown) for side in (before, after))
        cost = sum(ceil(len(each.text) / CHARACTERS) for each in (*before, episode, *after))
        if count == settings.most_episodes or episode.id in shown or cost > left:
            continue
        count, left = count + 1, left - cost
        shown |= {each.id for each in (*before, episode, *after)}
        scores = {name: float(part[place]) for name, part in parts.items()}
        main = max(scores, key=lambda name: scores[name])
        yield RecalledEpisode(
            episode=episode, before=before, after=after, score=sum(scores.values()), parts=scores, why=WHY[main]
        )


WHY = {
    "close": "shares words with the prompt",
    "wide": "its part of the conversation shares words with the prompt",
    "cosine": "close to the prompt in meaning",
    "around": "its part of the conversation is close to the prompt in meaning",
    "named": "said by whom the prompt names",
    "asks": "ends in a question",
    "length": "says much",
}


def _standard(values: Floats) -> Floats:
    return np.asarray((values - values.mean()) / (values.std() + 1e-9), np.float32)


def _beside(values: Floats, places: Floats) -> Floats:
    index = places.astype(np.int64)
    return np.where(index >= 0, values[index], np.float32(0))
