"""The ledger of erasures: a small file beside the database, so that a backup cannot bring back what was erased.

An older copy of a database still holds what was erased later. The ledger is no part of the database, so it is not set
back with it: when the copy is opened, everything that the ledger names is erased again. One JSON object a line, only
ever appended to: salted hashes of ids, counts and times, never an id or a text. Whoever holds the file can still test
whether an id that they guess is in it, so only its owner may read it.

An erasure is noted before it is committed, so that no kill can leave one that is done and not noted. One that was noted
and then killed is done when the database is opened next, as it was asked for; one that failed is withdrawn.

An epoch tells one life of a person's memory from another (see tables.py): what was written after an erasure, even if it
was imported and carries old dates, belongs to another epoch and stays.
"""

import errno
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from idiolect.errors import StoreError
from idiolect.memory.records import Removed
from idiolect.memory.writing import Transaction
from idiolect.schema import Noun, now

SUFFIX = ".erasures"
NEEDED = "restore it from a copy of its own, as it tells what a backup must not bring back"
LIVES_APART = 2**32  # epochs of one life differ by the number of its forgettings; those of two lives are random


Line = TypeVar("Line", bound=Noun)


class Head(Noun):
    """The first line."""

    ledger: Literal[1] = 1  # the version of this form
    salt: str = Field(pattern="^[0-9a-f]{32}$")


class Entry(Noun):
    """One erasure: of a person, or of some of their events."""

    at: datetime = Field(default_factory=now)
    person: str  # hashed, as all ids are
    epoch: int  # of a person: the last of that life; of events: the one that began with it
    events: tuple[str, ...] | None = None  # None: all there was
    rows: Mapping[str, int] = Field(default_factory=dict)  # how many went, by table

    def concerns(self, epoch: int) -> bool:
        """Whether a database in which the person has this epoch is from before the erasure."""
        younger = self.epoch - epoch
        return (0 if self.events is None else 1) <= younger < LIVES_APART


class Withdrawal(Noun):
    """An erasure that was noted and came to nothing, as the database told."""

    withdrawn: str  # the mark of its line
    at: datetime = Field(default_factory=now)


class Ledger:
    """Appends are on the disk when they return. Many processes may append to one file."""

    def __init__(self, path: Path) -> None:
        """The file is made at the first erasure."""
        self.path = path
        self._salted = b""

    def note(self, person: str, removed: Iterable[Removed]) -> tuple[Entry, ...]:
        """What is deleted of a person, before it is for good. Raises StoreError where the file cannot be written."""
        entries = tuple(
            Entry(
                person=self.hashed(person),
                epoch=each.epoch,
                events=None if each.events is None else tuple(self.hashed(event) for event in each.events),
                rows=each.rows,
            )
            for each in removed
        )
        self._append(entries)
        return entries

    def withdraw(self, entries: Iterable[Entry]) -> None:
        """These came to nothing, so no backup is held against them. Raises StoreError."""
        self._append([Withdrawal(withdrawn=_mark(each.model_dump_json())) for each in entries])

    def concerning(self, people: Mapping[str, int]) -> dict[str, list[Entry]]:
        """Of people with their epochs in a database: the erasures that it does not know of, oldest first."""
        entries = self.entries()
        hashed = {self.hashed(person): person for person in people} if entries else {}
        found: dict[str, list[Entry]] = {}
        for entry in entries:
            person = hashed.get(entry.person)
            if person is not None and entry.concerns(people[person]):
                found.setdefault(person, []).append(entry)
        return found

    def named(self, entry: Entry, events: Iterable[str]) -> list[str]:
        """Those of the events that an entry names."""
        gone = set(entry.events or ())
        return [each for each in events if self.hashed(each) in gone]

    def entries(self) -> list[Entry]:
        """All erasures, oldest first. Raises StoreError for a line that cannot be read."""
        whole = [(number, line) for number, line in enumerate(self._lines(), start=1) if not _is_cut(line)][1:]
        # Any other line was cut by a kill while it was written, so its erasure was never committed.
        withdrawn, entries = set[str](), list[tuple[str, Entry]]()
        for number, line in whole:
            where = f"line {number} of {self.path}"
            if line.startswith('{"withdrawn"'):
                withdrawn.add(_read(Withdrawal, line, where).withdrawn)
            else:
                entries.append((_mark(line), _read(Entry, line, where)))
        return [entry for mark, entry in entries if mark not in withdrawn]

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as unreadable:
            raise StoreError(f"{self.path} cannot be read ({unreadable}): {NEEDED}") from unreadable

    def _append(self, lines: Sequence[Noun]) -> None:
        """All in one write, so that none stands without the others."""
        if not lines:
            return
        self._salt()
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND)
            try:
                torn = os.pread(handle, 1, os.fstat(handle).st_size - 1) != b"\n"
                data = b"\n" * torn + b"".join(line.model_dump_json().encode() + b"\n" for line in lines)
                if os.write(handle, data) < len(data):
                    raise OSError(errno.ENOSPC, "the disk is full")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as failed:
            raise StoreError(
                f"{self.path} cannot be written ({failed}), and a backup would bring back what is erased without it: "
                "nothing was erased; make the file writable, and room for it"
            ) from failed

    def hashed(self, identifier: str) -> str:
        """An id as the file has it."""
        return hmac.new(self._salt(), identifier.encode(), sha256).hexdigest()[:32]

    def _salt(self) -> bytes:
        if not self._salted:
            lines = self._lines()
            if not lines:
                self._make()
                lines = self._lines()
            self._salted = bytes.fromhex(_read(Head, lines[0], f"line 1 of {self.path}").salt)
        return self._salted

    def _make(self) -> None:
        """With its first line whole, whoever else makes it at the same time."""
        own = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        try:
            handle = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(handle, Head(salt=secrets.token_hex(16)).model_dump_json().encode() + b"\n")
            os.fsync(handle)
            os.close(handle)
            with suppress(FileExistsError):  # another process made it just now
                os.link(own, self.path)
            own.unlink()
        except OSError as failed:
            raise StoreError(f"{self.path} cannot be made ({failed}): make its folder writable") from failed


def _mark(line: str) -> str:
    return sha256(line.encode()).hexdigest()[:32]


def _is_cut(line: str) -> bool:
    return not line.endswith("}") or line.count("{") > line.count("}")


def _read(form: type[Line], line: str, where: str) -> Line:
    try:
        return form.model_validate_json(line)
    except ValidationError as broken:
        raise StoreError(f"{where} cannot be read: {NEEDED}") from broken


def replayed(transaction: Transaction, ledger: Ledger) -> int:
    """Do what a database does not know of, which was restored or whose last erasure was killed; how many erasures.

    Afterwards the person's epoch is what it was after the last of them.
    """
    head = transaction.head()
    entries = [] if head is None else ledger.concerning({transaction.id: head.epoch}).get(transaction.id, [])
    if head is None or not entries:
        return 0
    if any(entry.events is None for entry in entries):
        transaction.erase()
        return len(entries)
    kept = [recorded.event.id for recorded in transaction.events()]
    gone = [ledger.named(entry, kept) for entry in entries]
    transaction.forget({event for events in gone for event in events})
    for events in gone:
        transaction.note("forget", {"events": len(events), "replayed": 1})
    for _ in range(head.epoch + 1, max(entry.epoch for entry in entries)):
        transaction.forget(())  # each begins another epoch
    return len(entries)
