"""Recall of preferences: those that bear on the prompt, best first, within a number, a budget and a share a source.

    score = p(bears) . p(in scope) . confidence . (1 - rho (1 - 2^(-age / half-life)))

Style bears on every prompt within its scope. What does not reach the threshold is left out, however few remain.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import ceil

import numpy as np

from idiolect.memory.recall.dense import Floats, Vector
from idiolect.memory.recall.memories import Bools, Columns, Memories
from idiolect.memory.recall.recalled import Parts, Recalled, RecalledPreference
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.recall.words import stems
from idiolect.schema import Preference

DAY = 86_400.0  # seconds
CHARACTERS = 4  # of a token
FIRST = 64  # places that are sorted before the rest
OWN = ("said", "chosen")  # origins that are the person's own doing: no cap


@dataclass(frozen=True)
class Judged:
    """What the gate says of every place."""

    bears: Floats
    overlap: Floats
    scope: Floats  # 1 where there is none
    score: Floats
    passes: Bools


def recall(
    query: str,
    query_vector: Vector | None,
    memories: Memories,
    at: datetime,
    settings: RecallSettings | None = None,
) -> Recalled:
    """The preferences that bear on a prompt. `query_vector` (dim,) is its embedding; None: words decide."""
    chosen = settings or RecallSettings()
    with memories.lock:
        if not len(memories):
            return Recalled()
        judged = judge(query, query_vector, memories, at, chosen)
        picked = _picked(judged, memories, chosen)
        found = tuple(_recalled(place, judged, query_vector, memories) for place in picked)
    return Recalled(preferences=found, notes=_notes(query_vector, memories))


def judge(
    query: str, query_vector: Vector | None, memories: Memories, at: datetime, settings: RecallSettings
) -> Judged:
    """Probabilities and scores of every place: a few operations on arrays, whatever the number of preferences."""
    columns, gate = memories.columns, memories.gate
    asked = None if query_vector is None else gate.of_query(query_vector)
    terms = stems(query)
    bears, overlap = memories.statements.probabilities(terms, asked)
    bears = np.where(columns.style, np.float32(1), bears)
    scope = np.ones_like(bears)
    scoped = columns.scope >= 0
    if scoped.any():
        scope[scoped] = memories.scopes.probabilities(terms, asked)[0][columns.scope[scoped]]
    score = bears * scope * columns.confidence * _recency(columns, at, settings)
    passes = _allowed(columns, at, settings)
    if settings.gated:
        threshold = gate.about.threshold if settings.threshold is None else settings.threshold
        passes &= (bears >= threshold) & (scope >= threshold)
    return Judged(bears, overlap, scope, score, passes)


def _recency(columns: Columns, at: datetime, settings: RecallSettings) -> Floats:
    lives = ((columns.since - at.timestamp()) / (DAY * settings.half_life_days)).astype(np.float32)
    kept = np.exp2(np.minimum(lives, 0, out=lives), out=lives)
    return np.where(columns.pinned, np.float32(1), 1 - np.float32(settings.recency) * (1 - kept))


def _allowed(columns: Columns, at: datetime, settings: RecallSettings) -> Bools:
    now = at.timestamp()
    allowed = columns.held & (columns.until > now)
    if settings.remote_model:
        allowed &= ~columns.local
        if not settings.sensitive_to_remote:
            allowed &= ~columns.sensitive
    return np.asarray(allowed)


def _picked(judged: Judged, memories: Memories, settings: RecallSettings) -> list[int]:
    """Places, best first: style and the others, each within its number, all within the budget."""
    style = memories.columns.style
    capped = Capped(settings)
    topics = capped.within(_best_first(judged, judged.passes & ~style), memories, settings.most)
    styles = capped.within(_best_first(judged, judged.passes & style), memories, settings.most_styles)
    return [*topics, *styles]


def _best_first(judged: Judged, among: Bools) -> Iterator[int]:
    """One by one: few are taken of the thousands that may bear on a prompt, so that the best are sorted alone first."""
    places = np.flatnonzero(among)
    scores = -judged.score[places]
    if len(places) > FIRST:
        near = scores < np.partition(scores, FIRST)[FIRST]
        yield from map(int, places[near][np.argsort(scores[near], kind="stable")])
        places, scores = places[~near], scores[~near]
    yield from map(int, places[np.argsort(scores, kind="stable")])


class Capped:
    """What has been taken so far: tokens, and how many of each source."""

    def __init__(self, settings: RecallSettings) -> None:
        self._settings = settings
        self._left = settings.tokens
        self._of_source: Counter[str] = Counter()

    def within(self, places: Iterable[int], memories: Memories, most: int) -> Iterator[int]:
        """The first places that fit, at most so many."""
        taken = 0
        for place in places:
            if taken >= most:
                return
            if self._takes(memories.at(place)):
                taken += 1
                yield place

    def _takes(self, preference: Preference) -> bool:
        cost, source = ceil(len(preference.text) / CHARACTERS), preference.source or preference.origin
        cap = self._settings.most * self._settings.share_of_one_source
        full = preference.origin not in OWN and self._of_source[source] + 1 > cap
        if full or cost > self._left:
            return False
        self._left -= cost
        self._of_source[source] += 1
        return True


def _recalled(place: int, judged: Judged, query_vector: Vector | None, memories: Memories) -> RecalledPreference:
    preference, columns = memories.at(place), memories.columns
    known = query_vector is not None and columns.embedded[place]
    row = memories.statements.vectors.at(place)
    parts = Parts(
        bears=float(judged.bears[place]),
        cosine=float(row @ query_vector) if known and query_vector is not None else None,
        overlap=float(judged.overlap[place]),
        scope=float(judged.scope[place]) if preference.scope else None,
        confidence=preference.confidence,
        recency=_share(judged, place, preference),
    )
    return RecalledPreference(
        preference=preference, score=float(judged.score[place]), parts=parts, why=_why(preference, parts)
    )


def _share(judged: Judged, place: int, preference: Preference) -> float:
    rest = float(judged.bears[place] * judged.scope[place]) * preference.confidence
    return float(judged.score[place]) / rest if rest else 1.0


def _why(preference: Preference, parts: Parts) -> str:
    if preference.kind == "style":
        reason = "style holds for every answer"
    elif parts.cosine is None:
        reason = "shares words with the prompt"
    else:
        reason = "bears on the prompt"
    within = f", which is within {preference.scope!r}" if parts.scope is not None else ""
    return reason + within


def _notes(query_vector: Vector | None, memories: Memories) -> tuple[str, ...]:
    columns = memories.columns
    if query_vector is None:
        return ("the prompt has no embedding: shared words alone decided what bears on it",)
    waiting = int((columns.held & ~columns.embedded & ~columns.style).sum())
    return (f"{waiting} preferences have no embedding yet: shared words decided",) if waiting else ()
