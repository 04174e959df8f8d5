"""All statements of one person, by id and by what they are about."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from idiolect.memory.consolidation.entry import Ending, Entry
from idiolect.memory.consolidation.sameness import Thing


@dataclass
class Ledger:
    """Every statement that there was; those that are active stand in `groups` too."""

    entries: dict[str, Entry] = field(default_factory=dict)
    groups: dict[Thing, dict[str, Entry]] = field(default_factory=lambda: defaultdict(dict))
    frames: dict[Thing, dict[str, Entry]] = field(default_factory=lambda: defaultdict(dict))
    aliases: dict[str, str] = field(default_factory=dict)  # id of what was merged -> id of what it was merged into
    parts: dict[str, int] = field(default_factory=dict)  # event that said several things -> how many
    touched: set[str] = field(default_factory=set)  # ids that changed since somebody looked

    def put(self, entry: Entry) -> None:
        """Make an entry active."""
        self.entries[entry.id] = entry
        group = self.groups[entry.key.thing]
        group[entry.id] = entry
        if entry.key.frame is not None:
            self.frames[entry.key.frame][entry.id] = entry
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
        others = self.frames.get(entry.key.frame, {}) if entry.key.frame is not None else {}
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

    def copy(self) -> "Ledger":
        """One that can change while this one stays."""
        entries: dict[str, Entry] = {}
        for identifier, entry in self.entries.items():
            entries[identifier] = entry.copy()
        groups, frames = _copied(self.groups, entries), _copied(self.frames, entries)
        return Ledger(entries, groups, frames, dict(self.aliases), dict(self.parts), set(self.touched))

    def _of(self, identifier: str) -> str:
        while identifier in self.aliases:
            identifier = self.aliases[identifier]
        return identifier


def _copied(groups: Mapping[Thing, Mapping[str, Entry]], entries: Mapping[str, Entry]) -> dict[Thing, dict[str, Entry]]:
    copies: dict[Thing, dict[str, Entry]] = defaultdict(dict)
    for thing, group in groups.items():
        if group:
            copies[thing] = {identifier: entries[identifier] for identifier in group}
    return copies
