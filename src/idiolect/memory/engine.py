"""Opening a database and running durable transactions in it, SQLite and PostgreSQL by the same code.

SQLite: write-ahead log, every commit synced to the disk, deleted content overwritten with zeros. One writer at a time:
within the process by a lock, which wakes the next at once, across processes by SQLite's own.
PostgreSQL: writers of one person wait for each other at that person's row (see store.py).
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, ExceptionContext, StaticPool, create_engine, event, text
from sqlalchemy.exc import OperationalError

from idiolect.errors import MissingExtra, StoreError
from idiolect.memory.address import is_memory, parsed, prepared_file, shown
from idiolect.memory.faults import as_store_errors
from idiolect.memory.tables import METADATA

PRAGMAS = {
    "synchronous": "FULL",  # a commit is on the disk when it returns
    "secure_delete": "ON",  # what is deleted is overwritten
    "foreign_keys": "ON",
    "temp_store": "MEMORY",  # no sorting in files that nobody erases
}
BEGIN = "idiolect_begin"  # execution option: how SQLite opens the transaction
CONNECTIONS = 32  # a read takes well under a millisecond, so hundreds of threads share them
CONNECT_S = 5
CHECKPOINT_S = 0.02  # between two tries to empty the log


class Cursor(Protocol):
    """As much of a driver's cursor as is used here."""

    def execute(self, statement: str) -> object:
        """Run it."""

    def close(self) -> None:
        """Free it."""


class DriverConnection(Protocol):
    """As much of a driver's connection as is used here."""

    def cursor(self) -> Cursor:
        """A cursor."""

    def commit(self) -> None:
        """End the transaction that it began by itself."""


class Database:
    """Reads and durable writes. Safe in threads."""

    def __init__(self, engine: Engine, name: str, patience_s: float) -> None:
        """`name` is the address for messages; `patience_s` is how long a writer waits for another."""
        self.name = name
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.file = None if not self.is_sqlite or is_memory(engine.url) else Path(engine.url.database or "")
        self._patience_s = patience_s
        self._engine = engine
        self._writing = engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
        self._one_connection = isinstance(engine.pool, StaticPool)
        self._writers = threading.Lock()
        self._here = threading.local()  # of each thread: its open transaction, and whether a statement in it failed
        event.listen(engine, "handle_error", self._note_failure)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading. A thread that is in `write` reads through its transaction, and so sees it."""
        mine: Connection | None = getattr(self._here, "connection", None)
        if mine is not None:
            yield mine
            return
        with self._turn(self._one_connection), as_store_errors(self.name), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, on the disk when the block ends, or nothing of it."""
        if self.is_writing_here:
            raise StoreError("this thread is already in a transaction of this store: end it before the next")
        with (
            self._turn(self.is_sqlite),
            as_store_errors(self.name),
            self._writing.connect() as connection,
            connection.begin(),
        ):
            self._here.connection, self._here.has_failed = connection, False
            try:
                yield connection
            finally:
                self._here.connection = None
            if self._here.has_failed:  # PostgreSQL would "commit" nothing and call it success
                raise StoreError(f"{self.name}: a write in this transaction failed, so nothing of it was kept")

    @property
    def is_writing_here(self) -> bool:
        """Whether this thread is in a transaction."""
        return getattr(self._here, "connection", None) is not None

    def scrub(self) -> None:
        """After an erasure: leave nothing of it in the log. Raises StoreError where others keep the log in use."""
        with self._turn(self.is_sqlite), as_store_errors(self.name), self._engine.connect() as connection:
            if self.is_sqlite:
                # secure_delete zeroes cells where they lie, but not the copies that splitting a page left in its gaps.
                connection.execute(text("VACUUM"))
                if not self._is_log_emptied(connection):
                    raise StoreError(
                        f"{self.name}: the rows are erased, but another process still reads, so old pages remain in "
                        "the write-ahead log: stop it and erase again"
                    )
            else:
                outside = connection.execution_options(isolation_level="AUTOCOMMIT")
                for table in METADATA.tables:  # plain VACUUM leaves the words in the holes of the pages
                    outside.execute(text(f"VACUUM FULL {table}"))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _is_log_emptied(self, connection: Connection) -> bool:
        """Whether the write-ahead log holds nothing any more, within the patience of a writer.

        SQLite waits for readers by itself, but not for somebody else's checkpoint, which a commit may start.
        """
        until = time.monotonic() + self._patience_s
        while connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one():
            if time.monotonic() > until:
                return False
            time.sleep(CHECKPOINT_S)
        return True

    def _note_failure(self, _context: ExceptionContext) -> None:
        self._here.has_failed = True

    @contextmanager
    def _turn(self, waits: bool) -> Iterator[None]:
        """Wait for the one writer of this process, if `waits`."""
        if not waits:
            yield
            return
        if not self._writers.acquire(timeout=self._patience_s):
            raise StoreError(f"{self.name}: another thread is writing and did not finish in time: try again")
        try:
            yield
        finally:
            self._writers.release()


def open_database(address: str, patience_s: float) -> Database:
    """Raises StoreError, with the next step, for what cannot be opened."""
    url = parsed(address)
    opener = _open_sqlite if url.get_backend_name() == "sqlite" else _open_postgresql
    return Database(opener(url, patience_s), shown(url), patience_s)


def _open_sqlite(url: URL, patience_s: float) -> Engine:
    timing = {"timeout": patience_s, "check_same_thread": False}
    if is_memory(url):
        engine = create_engine(url, poolclass=StaticPool, connect_args=timing)
    else:
        url = url.set(database=str(prepared_file(url)))
        engine = create_engine(url, pool_size=CONNECTIONS, max_overflow=0, connect_args=timing)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    with as_store_errors(shown(url)), engine.connect() as connection:
        _enter_wal(connection, patience_s)
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # Python begins no transactions of its own; `_begin` does
    for pragma, value in PRAGMAS.items():
        connection.execute(f"PRAGMA {pragma} = {value}")


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(BEGIN)
    if statement:
        connection.exec_driver_sql(statement)


def _enter_wal(connection: Connection, patience_s: float) -> None:
    """The mode stays with the file. SQLite's busy timeout does not cover this switch."""
    deadline = time.monotonic() + patience_s
    while connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "delete":
        try:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except OperationalError as error:
            if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _open_postgresql(url: URL, patience_s: float) -> Engine:
    try:
        import psycopg  # noqa: F401 - an extra; the dialect imports it by name
    except ImportError as missing:
        raise MissingExtra(
            "PostgreSQL needs psycopg, which is not installed: pip install 'idiolect[postgres]'"
        ) from missing
    engine = create_engine(
        url, pool_size=10, max_overflow=20, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_S}
    )

    def _set_session(connection: DriverConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("SET timezone TO 'UTC'")  # elsewhere the first and last day that Python knows cannot be read
        cursor.execute(f"SET lock_timeout = '{round(patience_s * 1000)}ms'")
        cursor.close()
        connection.commit()

    event.listen(engine, "connect", _set_session)
    return engine
