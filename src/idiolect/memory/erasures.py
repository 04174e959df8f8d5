"""The ledger of erasures: a small file beside the database, so that a backup cannot bring back what was erased.

An older copy of a database still holds what was erased later. The ledger is no part of the database, so it is not set
back with it: when the copy is opened, everything that the ledger names is erased again. One JSON object a line, only
ever appended to: salted hashes of ids, counts and times, never an id or a text. Whoever holds the file can still test
whether an id that they guess is in it, so only its owner may read it.

An epoch tells one life of a person's memory from another (see tables.py): what was written after an erasure, even if it
was imported and carries old dates, belongs to another epoch and stays.
"""

import errno
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
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


class Ledger:
    """Appends are on the disk when they return. Many processes may append to one file."""

    def __init__(self, path: Path) -> None:
        """The file is made at the first erasure."""
        self.path = path
        self._salted = b""

    def prepare(self) -> None:
        """Make sure that it can be written, while what is to be noted can still be taken back. Raises StoreError."""
        self._salt()
        if not os.access(self.path, os.W_OK):
            raise StoreError(f"{self.path} is read-only, so a backup would bring back what is erased: make it writable")

    def note(self, person: str, removed: Iterable[Removed]) -> None:
        """What was deleted of a person. Raises StoreError, with the next step, where the file cannot be written."""
        for each in removed:
            events = None if each.events is None else tuple(self._hash(event) for event in each.events)
            self._append(Entry(person=self._hash(person), epoch=each.epoch, events=events, rows=each.rows))

    def concerning(self, people: Mapping[str, int]) -> dict[str, list[Entry]]:
        """Of people with their epochs in a database: the erasures that it does not know of, oldest first."""
        entries = self.entries()
        hashed = {self._hash(person): person for person in people} if entries else {}
        found: dict[str, list[Entry]] = {}
        for entry in entries:
            person = hashed.get(entry.person)
            if person is not None and entry.concerns(people[person]):
                found.setdefault(person, []).append(entry)
        return found

    def named(self, entry: Entry, events: Iterable[str]) -> list[str]:
        """Those of the events that an entry names."""
        gone = set(entry.events or ())
        return [each for each in events if self._hash(each) in gone]

    def entries(self) -> list[Entry]:
        """All erasures, oldest first. Raises StoreError for a line that cannot be read."""
        whole = [(number, line) for number, line in enumerate(self._lines(), start=1) if line.endswith("}")]
        # Any other line was cut by a kill while it was written, so its erasure was never acknowledged.
        return [_read(Entry, line, f"line {number} of {self.path}") for number, line in whole[1:]]

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as unreadable:
            raise StoreError(f"{self.path} cannot be read ({unreadable}): {NEEDED}") from unreadable

    def _append(self, entry: Entry) -> None:
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND)
            try:
                torn = os.pread(handle, 1, os.fstat(handle).st_size - 1) != b"\n"
                line = b"\n" * torn + entry.model_dump_json().encode() + b"\n"
                if os.write(handle, line) < len(line):
                    raise OSError(errno.ENOSPC, "the disk is full")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as failed:
            raise StoreError(
                f"{self.path} cannot be written ({failed}): the rows are erased, but a backup from before would bring "
                "them back, so make a new one, and room for this file"
            ) from failed

    def _hash(self, identifier: str) -> str:
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


def _read(form: type[Line], line: str, where: str) -> Line:
    try:
        return form.model_validate_json(line)
    except ValidationError as broken:
        raise StoreError(f"{where} cannot be read: {NEEDED}") from broken


def replayed(transaction: Transaction, ledger: Ledger, entries: Iterable[Entry]) -> None:
    """Do again what a restored database does not know of; afterwards its epoch is what it was after the last of it."""
    for entry in entries:
        head = transaction.head()
        if head is None or not entry.concerns(head.epoch):
            continue  # an earlier entry erased this life
        if entry.events is None:
            transaction.erase()
            continue
        gone = ledger.named(entry, (recorded.event.id for recorded in transaction.events()))
        transaction.forget(gone)
        transaction.note("forget", {"events": len(gone), "replayed": 1})
        for _ in range(head.epoch + 1, entry.epoch):
            transaction.forget(())  # each begins another epoch
