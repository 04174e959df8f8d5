"""One statement with its history, from which the preference at any time is read."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final, Literal, TypeAlias

from idiolect.memory.consolidation.lasting import FADED, Evidence, lasts, sureness_of
from idiolect.memory.consolidation.sameness import Key, key_of
from idiolect.memory.door import broken
from idiolect.memory.records import Part
from idiolect.schema import Inferred, Origin, Preference, Slots, Status

Ending: TypeAlias = Literal["superseded", "ended", "expired", "refused"]
Order: TypeAlias = tuple[int, int]  # seq of the event that brought it into force, and its number there


@dataclass(slots=True, eq=False)
class Entry:
    """A statement. `key` follows from its slots; `worded` names where its words stand."""

    id: str
    slots: Slots
    text: str
    origin: Origin
    order: Order
    worded: Part
    since: datetime
    evidence: list[Evidence]
    is_explicit: bool = True  # said in words; what is not decays
    source: str = ""
    until: datetime | None = None
    ending: Ending | None = None
    is_proposed: bool = False  # waits for the person
    inferred: Inferred | None = None
    pinned: bool = False
    local_only: bool = False
    consented: bool = False
    rivals: set[str] = field(default_factory=set)  # of equal standing, which say the opposite
    key: Key = field(init=False)
    withheld: str | None = field(init=False)  # the rule of the door as it is now that it breaks, if it does
    _made: Preference | None = None

    def __post_init__(self) -> None:
        self.key, self.withheld = key_of(self.slots), broken(self.text, self.slots)

    @property
    def last(self) -> datetime:
        """When it was said last."""
        return max(each.at for each in self.evidence)

    @property
    def is_active(self) -> bool:
        """Whether it was accepted and nothing has ended it, time apart."""
        return self.ending is None and not self.is_proposed

    @property
    def expires(self) -> datetime | None:
        """When a temporary one ends by itself."""
        return self.last + lasts(self.text) if self.slots.temporary and not self.pinned else None

    @property
    def is_steady(self) -> bool:
        """Whether it stays as it is while nothing happens."""
        return self.is_explicit and not self.slots.temporary and self._waiting is None and not self.rivals

    def copy(self) -> "Entry":
        """One that can change while this one stays."""
        other: Entry = object.__new__(Entry)
        for name in NAMES:
            setattr(other, name, getattr(self, name))
        other.evidence, other.rivals = list(self.evidence), set(self.rivals)
        return other

    def reword(self, slots: Slots, text: str, worded: Part) -> None:
        """Its words, and so what it is about."""
        self.slots, self.text, self.worded, self._made = slots, text, worded, None
        self.key, self.withheld = key_of(slots), broken(text, slots)

    def end(self, ending: Ending, at: datetime) -> None:
        """It does not hold from then on."""
        self.ending, self.until = ending, max(at, self.since)

    def status(self, at: datetime) -> Status:
        """What became of it by then."""
        if self.is_proposed:
            return "proposed"
        if self.ending is not None and (self.until is None or self.until <= at):
            return self.ending
        expires = self.expires
        if expires is not None and expires <= at:
            return "expired"
        return self._waiting or ("faded" if self._has_faded(at) else "held")

    @property
    def _waiting(self) -> Status | None:
        """What keeps it from being used, until the person does something about it."""
        if self.withheld is not None:
            return "withheld"
        return "unconsented" if self.slots.sensitive is not None and not self.consented else None

    def _has_faded(self, at: datetime) -> bool:
        return not self.is_explicit and not self.pinned and self.confidence(at) < FADED

    def confidence(self, at: datetime) -> float:
        """From 0 to 1; what was not said in words decays, unless it is pinned."""
        return sureness_of(self.evidence, at, decays=not self.is_explicit and not self.pinned)

    def preference(self, at: datetime, rivals: Iterable[str] = ()) -> Preference:
        """As it stands at a time; `rivals` are those of equal standing that still stand against it."""
        status, confidence = self.status(at), self.confidence(at)
        evidence = tuple(dict.fromkeys(each.event for each in self.evidence if each.at <= at or self.is_proposed))
        told = (status, confidence, evidence, self.until or self.expires, tuple(sorted(rivals)))
        flags = (self.pinned, self.local_only, self.since, self.origin)
        if self._made is None or told != _told(self._made) or flags != _flags(self._made):
            self._made = self._preference(*told)
        return self._made

    def _preference(
        self,
        status: Status,
        confidence: float,
        evidence: tuple[str, ...],
        until: datetime | None,
        conflicts: tuple[str, ...],
    ) -> Preference:
        slots = self.slots
        return Preference.model_construct(  # of checked parts: thousands are made at a person's first recall
            _fields_set=SHOWN,
            id=self.id,
            kind=slots.kind,
            text=self.text,
            attribute=slots.attribute,
            polarity=slots.polarity,
            at=self.since,
            object=slots.object,
            topic=slots.topic,
            strength=slots.strength,
            scope=slots.scope,
            over=slots.over,
            temporary=slots.temporary,
            sensitive=slots.sensitive,
            origin=self.origin,
            status=status,
            confidence=confidence,
            until=until,
            evidence=evidence,
            source=self.source,
            pinned=self.pinned,
            local_only=self.local_only,
            conflicts=conflicts,
        )


NAMES: Final = tuple(each.name for each in fields(Entry))
SHOWN: Final = set(Preference.model_fields)  # one for all: of each its own it would be half of what a person takes


def _told(made: Preference) -> tuple[object, ...]:
    return made.status, made.confidence, made.evidence, made.until, made.conflicts


def _flags(made: Preference) -> tuple[object, ...]:
    return made.pinned, made.local_only, made.at, made.origin
