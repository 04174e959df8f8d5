"""What was inferred of a person's tastes and counts now: while they allow it, and less as it ages.

Its likelihood is raised to the power weight . 2^(-age / 90 days) (the power prior; Ibrahim and Chen, 2000), so that
after a year without news nothing is left of it. Every message of a person counts once in how they write, and all of
them together weigh half of what one statement in words does.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol, TypeVar

from idiolect.memory.consolidation import Consolidated
from idiolect.memory.consolidation.consents import Consents
from idiolect.memory.consolidation.lasting import HALF_LIFE
from idiolect.memory.records import Recorded
from idiolect.schema import Hint, Signal, SignalKind

KINDS: Final = ("hint", "signal")
LEAST: Final = 1 / 16  # of a weight: what has faded so far counts no more
MOST: Final = 2.0  # precision of all that an attribute was read from in a person's writing; a statement's is 4

T = TypeVar("T")


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

    @property
    def stamp(self) -> str:
        """Changes with any of it, and with the day; empty where nothing counts."""
        return repr((self.pairs, self.seen, self.leanings)) if len(self) else ""


class Reader(Protocol):
    """What is needed of a person's store, or of a transaction in it."""

    def events(self, *kinds: str, after: int = 0) -> list[Recorded]:
        """Events of these kinds, in order."""

    def ask(self, question: Callable[[Consolidated], T]) -> T:
        """The answer of this person's statements."""


def counting(reader: Reader, at: datetime) -> Counting:
    """What counts at a time; of a person who allows nothing no event is read."""
    consents = reader.ask(lambda statements: statements.consents.copy())
    if not consents.allowed.keys() & {"reactions", "style"}:
        return Counting()
    begun = min(each.seq for each in consents.allowed.values())
    found = [(each, _left(each.event.at, at)) for each in reader.events(*KINDS, after=begun)]
    fresh = [(each, left) for each, left in found if left >= LEAST]
    hints = [(each.event, left) for each, left in fresh if isinstance(each.event, Hint)]
    held = [(hint, left) for hint, left in hints if consents.covers(hint.inferred)]
    return Counting(
        pairs=tuple(
            Pair(hint.chosen, hint.over, round(hint.weight * left, 6))
            for hint, left in held
            if hint.chosen is not None and hint.over is not None
        ),
        seen=tuple(_seen(fresh, consents)),
        leanings=tuple(_leanings(held)),
    )


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


def _left(since: datetime, at: datetime) -> float:
    """Of what was seen then, in whole days, so that it changes once a day."""
    days = (at.astimezone(UTC).date() - since.astimezone(UTC).date()).days
    return float(2 ** (-max(days, 0) / HALF_LIFE.days))
