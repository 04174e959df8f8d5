"""What was inferred of a person's tastes and counts now: while they allow it, and less as it ages.

Its likelihood is raised to the power weight . 2^(-age / 90 days) (the power prior; Ibrahim and Chen, 2000), so that
after a year without news nothing is left of it. Every message of a person counts once in how they write, and all of
them together weigh half of what one statement in words does.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final, NamedTuple

from idiolect.memory.consolidation.consents import Consents
from idiolect.memory.inference.reader import left_of
from idiolect.memory.inference.writing import MOST
from idiolect.memory.keeping import Kept
from idiolect.memory.reading import Reading
from idiolect.memory.records import Recorded
from idiolect.memory.store import UserStore
from idiolect.schema import Hint, Signal, SignalKind

DRAWER: Final = "counting"
KINDS: Final = ("hint", "signal")
NEWEST: Final = 200  # of pairs, and of signals, that count
LEAST: Final = 1 / 16  # of a weight: what has faded so far counts no more


class Pair(NamedTuple):
    """One candidate was kept where another was not."""

    chosen: str
    over: str
    weight: float


class Seen(NamedTuple):
    """What a client saw done with a candidate."""

    candidate: str
    what: SignalKind
    share: float  # that is left of it


class Leaning(NamedTuple):
    """An attribute as the person's own writing shows it."""

    attribute: str
    target: float
    precision: float


@dataclass(frozen=True)
class Counting:
    """All of it."""

    pairs: tuple[Pair, ...] = ()
    seen: tuple[Seen, ...] = ()
    leanings: tuple[Leaning, ...] = ()

    def __len__(self) -> int:
        return len(self.pairs) + len(self.seen) + len(self.leanings)

    @cached_property
    def stamp(self) -> str:
        """Changes with any of it, and with the day; empty where nothing counts."""
        return repr((self.pairs, self.seen, self.leanings)) if len(self) else ""


@dataclass
class Tally:
    """The events of one person that may count, as the process keeps them, and what counted when last asked."""

    through: int = 0  # seq of the newest event that was looked at
    events: list[Recorded] = field(default_factory=list)
    asked: object = None  # all that `counted` depends on
    counted: Counting = field(default_factory=Counting)


def counting(reader: Reading, at: datetime) -> Counting:
    """What counts at a time; of a person who allows nothing no event is read."""
    kept = reader.settled() if isinstance(reader, UserStore) else None
    if kept is None:
        consents = reader.ask(lambda statements: statements.consents.copy())
    else:
        with kept.lock:
            consents = kept.statements.consents.copy()
    if not consents.allowed.keys() & {"reactions", "style"}:
        return Counting()
    if kept is None:
        return _counted(reader.events(*KINDS), consents, at)
    tally = _tallied(reader, kept)
    with kept.lock:  # what is left of a piece changes once a day, so a turn that asks twice counts once
        asked = (len(tally.events), at.astimezone(UTC).date(), consents.allowed)
        if tally.asked != asked:
            tally.asked, tally.counted = asked, _counted(tally.events, consents, at)
        return tally.counted


def _counted(found: Iterable[Recorded], consents: Consents, at: datetime) -> Counting:
    fresh = [(each, left) for each in found if (left := left_of(each.event.at, at)) >= LEAST]
    hints = [(each.event, left) for each, left in fresh if isinstance(each.event, Hint)]
    held = [(hint, left) for hint, left in hints if consents.covers(hint.inferred)]
    return Counting(
        pairs=tuple(
            Pair(hint.chosen, hint.over, round(hint.weight * left, 6))
            for hint, left in held
            if hint.chosen is not None and hint.over is not None
        )[-NEWEST:],
        seen=tuple(_seen(fresh, consents))[-NEWEST:],
        leanings=tuple(_leanings(held)),
    )


def _tallied(reader: Reading, kept: Kept) -> Tally:
    """With all of these events, of which only those that came since are read."""
    with kept.lock:
        tally = kept.drawers.setdefault(DRAWER, Tally())
        assert isinstance(tally, Tally)
        through, newest = tally.through, kept.through
    news = reader.events(*KINDS, after=through) if newest > through else []
    with kept.lock:  # where another thread was quicker, there is less to take
        last = tally.events[-1].seq if tally.events else 0
        tally.events += [each for each in news if each.seq > last]
        tally.through = max(tally.through, newest, *(each.seq for each in news))
        return tally


def _seen(fresh: Iterable[tuple[Recorded, float]], consents: Consents) -> Iterable[Seen]:
    allowed = consents.allowed.get("reactions")
    for recorded, left in fresh:
        if isinstance(recorded.event, Signal) and allowed is not None and allowed.seq < recorded.seq:
            yield Seen(recorded.event.candidate, recorded.event.what, round(left, 6))


def _leanings(held: Iterable[tuple[Hint, float]]) -> Iterable[Leaning]:
    """The readings of each attribute as one, their mean weighed by what is left of each."""
    readings: dict[str, list[tuple[float, float]]] = defaultdict(list)
    read: dict[str, set[str]] = defaultdict(set)
    for hint, left in held:
        attribute, target = hint.attribute, hint.target
        if attribute is None or target is None or not read[attribute].isdisjoint(hint.inferred.turns):
            continue  # after a forgetting messages are grouped anew: those of an earlier group have counted
        read[attribute].update(hint.inferred.turns)
        readings[attribute].append((target, hint.weight * left))
    for attribute, pairs in readings.items():
        precision = sum(weight for _, weight in pairs)
        target = sum(target * weight for target, weight in pairs) / precision
        yield Leaning(attribute, round(target, 6), round(min(precision, MOST), 6))
