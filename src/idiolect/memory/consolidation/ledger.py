"""All statements of one person, by id and by what they are about."""

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from idiolect.memory.consolidation.entry import Ending, Entry
from idiolect.memory.consolidation.layer import Layer
from idiolect.memory.consolidation.sameness import Thing

Group: TypeAlias = MutableMapping[str, Entry]


@dataclass
class Ledger:
    """Every statement that there was; those that are active stand in `groups` too."""

    entries: Group = field(default_factory=dict)
    groups: MutableMapping[Thing, Group] = field(default_factory=dict)
    frames: MutableMapping[Thing, Group] = field(default_factory=dict)
    aliases: MutableMapping[str, str] = field(default_factory=dict)  # id of what was merged -> of what took it in
    parts: MutableMapping[str, int] = field(default_factory=dict)  # event that said several things -> how many
    touched: set[str] = field(default_factory=set)  # ids that changed since somebody looked

    def put(self, entry: Entry) -> None:
        """Make an entry active."""
        self.entries[entry.id] = entry
        group = self.groups.setdefault(entry.key.thing, {})
        group[entry.id] = entry
        if entry.key.frame is not None:
            self.frames.setdefault(entry.key.frame, {})[entry.id] = entry
        self.touched.update(group)

    def take_out(self, entry: Entry) -> None:
        """Make it inactive; conflicts with it are over."""
        group = self.groups.get(entry.key.thing, {})
        if group.pop(entry.id, None) is None:
            return
        if not group:
            del self.groups[entry.key.thing]
        if entry.key.frame is not None:
            self.frames[entry.key.frame].pop(entry.id)
            if not self.frames[entry.key.frame]:
                del self.frames[entry.key.frame]
        for rival in entry.rivals:
            self.entries[rival].rivals.discard(entry.id)
        entry.rivals.clear()
        self.touched.update(group, (entry.id,))

    def end(self, entry: Entry, ending: Ending, at: datetime) -> None:
        """It stays, with its dates, and holds no more."""
        self.take_out(entry)
        entry.end(ending, at)
        self.entries.setdefault(entry.id, entry)
        self.touched.add(entry.id)

    def merge(self, gone: Entry, into: Entry) -> None:
        """`gone` is known by its id only, which leads to the other."""
        self.entries.pop(gone.id, None)
        self.aliases[gone.id] = into.id
        self.touched.update((gone.id, into.id))

    def near(self, entry: Entry) -> list[Entry]:
        """Active ones of the same thing, and those that differ from it in a quantity."""
        same = self.groups.get(entry.key.thing, {})
        others: Group = self.frames.get(entry.key.frame, {}) if entry.key.frame is not None else {}
        return [each for each in {**same, **others}.values() if each is not entry] if same or others else []

    def active(self) -> Iterator[Entry]:
        """All that nothing has ended, time apart."""
        for group in self.groups.values():
            yield from group.values()

    def found(self, identifier: str) -> list[Entry]:
        """By the id of a statement, of one that was merged into it, or of an event that it was said in."""
        count = self.parts.get(identifier)
        names = [identifier] if count is None else [f"{identifier}.{number}" for number in range(count)]
        ids = dict.fromkeys(self._of(name) for name in names)
        return [self.entries[each] for each in ids if each in self.entries]

    def layer(self) -> "Ledger":
        """One that can change while this one stays, and must stay while the other is used."""
        entries = Layer(self.entries, Entry.copy)

        def own(group: Group) -> Group:
            return {identifier: entries[identifier] for identifier in group}

        groups, frames = Layer(self.groups, own), Layer(self.frames, own)
        aliases, parts = Layer(self.aliases, str), Layer(self.parts, int)
        return Ledger(entries, groups, frames, aliases, parts, set(self.touched))

    def _of(self, identifier: str) -> str:
        while identifier in self.aliases:
            identifier = self.aliases[identifier]
        return identifier
