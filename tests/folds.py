"""Statements in slots, days, and the fold of events."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from idiolect.memory.consolidation import Consolidated
from idiolect.memory.records import Recorded
from idiolect.schema import AnyEvent, Preference, Slots

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def day(number: float) -> datetime:
    """So many days after the first."""
    return START + number * DAY


def slots(thing: str, polarity: int = 1, **others: object) -> Slots:
    """Of a thing."""
    return Slots.model_validate({"kind": "topic", "object": thing, "polarity": polarity, "span": thing, **others})


def folded(*events: AnyEvent) -> Consolidated:
    """All of these events, in order."""
    consolidated = Consolidated()
    for seq, event in enumerate(events, start=1):
        consolidated.take(Recorded(seq, event))
    return consolidated


def ids(preferences: Iterable[Preference]) -> list[str]:
    """Of preferences."""
    return [preference.id for preference in preferences]
