"""What is in force at a time, without looking at every statement again: only those that time can change are."""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from idiolect.memory.consolidation.entry import Entry, Order
from idiolect.memory.consolidation.ledger import Ledger
from idiolect.memory.consolidation.sameness import Thing
from idiolect.memory.consolidation.standing import in_force
from idiolect.schema import Preference

Changes: TypeAlias = Iterator[tuple[str, Preference | None]]


@dataclass
class View:
    """Reads a ledger. `steady` holds what stays in force until something happens."""

    ledger: Ledger
    steady: dict[str, Preference] = field(default_factory=dict)
    volatile: dict[str, Entry] = field(default_factory=dict)
    newest: Order = (0, 0)  # of the steady ones: what comes later is put at the end
    pending: set[str] = field(default_factory=set)  # changed since `changes` was asked
    all_steady: tuple[Preference, ...] | None = None
    styles_steady: dict[str, Preference] = field(default_factory=dict)  # those of the steady ones

    def preferences(self, at: datetime) -> tuple[Preference, ...]:
        """In force at a time that is not before the newest event, oldest first."""
        return self._merged(self._steady(at), self._volatile(at).values())

    def styles(self, at: datetime) -> tuple[Preference, ...]:
        """Those of them that say how every answer should be."""
        self._refresh(at)
        return self._merged(tuple(self.styles_steady.values()), filter(_is_style, self._volatile(at).values()))

    def then(self, at: datetime) -> tuple[Preference, ...]:
        """In force at any time, looking at every statement."""
        held = self._held(list(self.ledger.entries.values()), at)
        return tuple(held[key] for key in sorted(held, key=lambda each: self.ledger.entries[each].order))

    def changes(self, at: datetime) -> Changes:
        """What may have changed since this was asked last: ids, with the preference or None where none is in force."""
        self._refresh(at)
        moving = self._volatile(at)
        for identifier in self.pending | self.volatile.keys():
            yield identifier, moving.get(identifier) or self.steady.get(identifier)
        self.pending = set(self.volatile)  # one that is taken out of them is told once more

    def tell_again(self, identifiers: Iterable[str]) -> None:
        """Whoever asked what changed could not use it."""
        self.pending.update(identifiers)

    def shown(self, entry: Entry, at: datetime) -> Preference:
        """One statement with what stands against it then."""
        if not entry.rivals:
            return entry.preference(at)
        rivals = (each for each in entry.rivals if self.ledger.entries[each].status(at) == "held")
        return entry.preference(at, rivals)

    def layer(self, ledger: Ledger) -> "View":
        """The same of a ledger that is a layer over this one's; `changes` is not asked of it."""
        volatile = {identifier: ledger.entries[identifier] for identifier in self.volatile}
        steady, styles = dict(self.steady), dict(self.styles_steady)
        return View(ledger, steady, volatile, self.newest, set(self.pending), self.all_steady, styles)

    def _steady(self, at: datetime) -> tuple[Preference, ...]:
        self._refresh(at)
        if self.all_steady is None:
            self.all_steady = tuple(self.steady.values())
        return self.all_steady

    def _merged(self, steady: tuple[Preference, ...], moving: Iterable[Preference]) -> tuple[Preference, ...]:
        merged: list[Preference] = []
        for preference in moving:
            merged = merged or list(steady)
            insort(merged, preference, key=lambda each: self.ledger.entries[each.id].order)
        return tuple(merged) or steady

    def _refresh(self, at: datetime) -> None:
        touched, self.ledger.touched = self.ledger.touched, set()
        if not touched:
            return
        self.pending |= touched
        self.all_steady = None
        is_in_place = [self._sort(identifier, at) for identifier in sorted(touched, key=self._order)]
        if not all(is_in_place):
            self.steady = self._in_order(self.steady)
            self.styles_steady = self._in_order(self.styles_steady)

    def _order(self, identifier: str) -> Order:
        entry = self.ledger.entries.get(identifier)
        return entry.order if entry is not None else (0, 0)

    def _in_order(self, some: Mapping[str, Preference]) -> dict[str, Preference]:
        return {each: some[each] for each in sorted(some, key=self._order)}

    def _sort(self, identifier: str, at: datetime) -> bool:
        """Put a statement where it belongs; whether the steady ones are still in order."""
        entry = self.ledger.entries.get(identifier)
        group = self.ledger.groups.get(entry.key.thing, {}) if entry else {}
        self.volatile.pop(identifier, None)
        if entry is None or identifier not in group or not entry.is_steady or _is_contested(group.values()):
            self.steady.pop(identifier, None)
            self.styles_steady.pop(identifier, None)
            if entry is not None and identifier in group:
                self.volatile[identifier] = entry
            return True
        is_in_place = identifier in self.steady or entry.order > self.newest
        preference = self.steady[identifier] = entry.preference(at)
        if not _is_style(preference):
            self.styles_steady.pop(identifier, None)
        else:
            is_in_place &= identifier in self.styles_steady or entry.order >= self.newest
            self.styles_steady[identifier] = preference
        self.newest = max(self.newest, entry.order)
        return is_in_place

    def _volatile(self, at: datetime) -> dict[str, Preference]:
        return self._held(self.volatile.values(), at)

    def _held(self, entries: Iterable[Entry], at: datetime) -> dict[str, Preference]:
        things: dict[Thing, list[Entry]] = {}
        for entry in entries:
            if entry.since <= at and entry.status(at) == "held":
                things.setdefault(entry.key.thing, []).append(entry)
        return {entry.id: self.shown(entry, at) for held in things.values() for entry in in_force(held, at)}


def _is_contested(group: Iterable[Entry]) -> bool:
    return len({entry.key.sign for entry in group}) > 1


def _is_style(preference: Preference) -> bool:
    return preference.attribute is not None and not preference.scope
