"""The store: evidence is appended, beliefs are kept beside it, and `store.user(id)` is the only thing that can read."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import func, select

from idiolect.errors import InvalidUser, StoreError
from idiolect.memory import recipients, tables
from idiolect.memory.checks import Check, checked
from idiolect.memory.consolidation import Consolidated
from idiolect.memory.engine import Database, open_database
from idiolect.memory.erasures import SUFFIX, Entry, Ledger, replayed
from idiolect.memory.keeping import Keeping, Kept
from idiolect.memory.keys import Keys
from idiolect.memory.migrations import migrate
from idiolect.memory.reading import Query, Reading, Rows
from idiolect.memory.recipients import Recipient
from idiolect.memory.records import Audited, Head, Recorded, State
from idiolect.memory.tenants import Tenant
from idiolect.memory.writing import Forgotten, Transaction
from idiolect.schema import USER_ID

__all__ = [
    "Audited",
    "Check",
    "Forgotten",
    "Head",
    "Recorded",
    "State",
    "Store",
    "Transaction",
    "UserStore",
    "open_store",
]

T = TypeVar("T")

PATIENCE_S = 10.0  # how long a writer waits for another before it gives up


class UserStore(Reading):
    """All that is kept of one person. Another person's ids look like ids of nobody's."""

    def __init__(self, user_id: str, database: Database, keeping: Keeping, ledger: Ledger | None = None) -> None:
        super().__init__(user_id)
        self._database = database
        self._keeping = keeping
        self.ledger = ledger  # of erasures, which a restored backup is held against

    @contextmanager
    def transaction(self, epoch: int | None = None) -> Iterator[Transaction]:
        """One durable write. Other writers of this person wait, so what is read in it is still true when it ends.

        `epoch` is that of what will be kept: raises Forgotten where something was forgotten since.
        What was deleted in it is noted in the ledger of erasures, and is in no file of the database when this returns.
        """
        noted: tuple[Entry, ...] = ()
        try:
            with self._database.write() as connection:
                transaction = Transaction(self.id, connection, self._database.name, self._keeping)
                if epoch is not None:
                    transaction.goes_on(epoch)
                yield transaction
                transaction.leave()
                if transaction.removed and self.ledger is not None:
                    noted = self.ledger.note(self.id, transaction.removed)  # what is noted and killed, replay completes
        except BaseException:
            self._take_back(noted)
            raise
        if transaction.has_deleted:
            self._keeping.drop(self.id)
            self._database.scrub()

    def erase(self) -> dict[str, int]:
        """Delete everything of this person, in the write-ahead log too; how many rows went, by table."""
        with self.transaction() as transaction:
            return transaction.erase()

    def forget(self, event_ids: Iterable[str]) -> dict[str, int]:
        """Delete events with all that hangs on them, in the write-ahead log too; how many rows went, by table."""
        with self.transaction() as transaction:
            return transaction.forget(event_ids)

    def ask(self, question: Callable[[Consolidated], T]) -> T:
        """The answer of this person's statements, which the process keeps while they are in use."""
        if self._database.is_writing_here:  # the thread's own transaction, which may still come to nothing
            return self._keeping.ask_within(self, question)
        return self._keeping.ask(self, question)

    def kept(self) -> Kept:
        """What the process keeps of this person, for what other rooms derive from statements. Not in a transaction."""
        return self._keeping.kept(self)

    def recipients(self) -> list[Recipient]:
        """Which models were shown what of this person."""
        with self._database.read() as connection:
            return recipients.counted(connection, self.id)

    def _take_back(self, noted: Sequence[Entry]) -> None:
        """Withdraw erasures that were noted and then failed, as far as the database can tell that they did."""
        if self.ledger is None or not noted:
            return
        with suppress(StoreError):  # of a ledger or a database that fails now, the next opening completes what is noted
            head = self.head()
            self.ledger.withdraw(each for each in noted if head is not None and each.concerns(head.epoch))

    def settled(self) -> Kept | None:
        """The same; None in a transaction of this thread, whose writes may still come to nothing."""
        return None if self._database.is_writing_here else self.kept()

    def _rows(self, statement: Query, values: Mapping[str, object]) -> Rows:
        with self._database.read() as connection:
            return connection.execute(statement, {**values, "of": self.id}).all()


class Store:
    """A database of many people. Safe in threads; many processes may open the same."""

    def __init__(self, database: Database, ledger: Ledger | None = None) -> None:
        """Use `open_store`."""
        self.keys = Keys(database)
        self._database = database
        self._keeping = Keeping()
        self._ledger = ledger
        self._tenant: Tenant | None = None  # None: all people of all tenants, by their full ids

    def of(self, tenant: Tenant) -> Self:
        """The same store, in which there is nobody but the people of one tenant, under the ids that it gave them."""
        scoped = copy(self)
        scoped._tenant = tenant
        return scoped

    def user(self, user_id: str) -> UserStore:
        """One person's store; nobody needs to be created first. Raises InvalidUser, PersonNotFound."""
        if self._tenant is not None:
            user_id = self._tenant.full(user_id)
        if not re.fullmatch(USER_ID, user_id):
            raise InvalidUser(
                f"{user_id[:140]!r} cannot be a user id: use 1 to 128 letters, digits and . _ @ : + -, "
                "beginning with a letter or digit"
            )
        return UserStore(user_id, self._database, self._keeping, self._ledger)

    def users(self) -> int:
        """How many people have something kept."""
        if self._tenant is not None:
            return len(self.people())
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(tables.person)).scalar_one()

    def people(self) -> list[str]:
        """Their ids, for what is done for everybody alike: retention, and a report of counts."""
        with self._database.read() as connection:
            people = list(connection.execute(select(tables.person.c.id).order_by(tables.person.c.id)).scalars())
        return people if self._tenant is None else [each for each in people if self._tenant.has(each)]

    def recipients(self) -> list[Recipient]:
        """What models were shown of people who were erased since, by month."""
        with self._database.read() as connection:
            return recipients.counted(connection, recipients.NOBODY)

    def erasures(self) -> list[Entry]:
        """What the ledger tells of erasures; nothing where there is none."""
        return [] if self._ledger is None else self._ledger.entries()

    def pseudonym(self, user_id: str) -> str | None:
        """A person's hash as the ledger of erasures has it; None where nothing was ever erased."""
        return None if self._ledger is None or not self._ledger.path.exists() else self._ledger.hashed(user_id)

    def replay_erasures(self) -> int:
        """Erase what the ledger names and this database, restored or killed, still holds; how many erasures.

        `open_store` does it. Those of one person are done in one transaction, and none is done twice.
        """
        if self._ledger is None:
            return 0
        with self._database.read() as connection:
            people = {
                row.id: row.epoch for row in connection.execute(select(tables.person.c.id, tables.person.c.epoch))
            }
        done = 0
        for person in self._ledger.concerning(people):
            with self._database.write() as connection:
                transaction = Transaction(person, connection, self._database.name)
                done += replayed(transaction, self._ledger)
                transaction.leave()
        if done:
            self._database.scrub()
        return done

    def check(self) -> list[Check]:
        """Whether the database can be read, written and trusted."""
        return checked(self._database)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_store(url: str, patience_s: float = PATIENCE_S, erasures: Path | None = None) -> Store:
    """A store by its address: `me.db`, `sqlite:///me.db`, `sqlite://` (kept in memory) or `postgresql://...`.

    `erasures` is the ledger of erasures (see erasures.py). Unsaid, it is the file beside an SQLite file,
    `me.db.erasures`; a store in memory needs none, and one in PostgreSQL has none unless it is named, so that a backup
    of it that is restored holds again what was erased since.

    Its tables are made, or brought up to date. Raises StoreError, StoreTooNew or MissingExtra, with the next step.
    """
    database = open_database(url, patience_s)
    try:
        migrate(database)
        beside = None if database.file is None else database.file.with_name(database.file.name + SUFFIX)
        path = erasures or beside
        store = Store(database, None if path is None else Ledger(path))
        store.replay_erasures()
    except BaseException:
        database.close()
        raise
    return store
