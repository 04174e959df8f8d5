"""What `idiolect doctor` asks of a database."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text

from idiolect.errors import StoreError
from idiolect.memory import tables
from idiolect.memory.engine import Database
from idiolect.memory.migrations import revision_of, revisions

ROOM = 100 * 1024 * 1024  # bytes; below this a disk is nearly full


class Check(NamedTuple):
    """One line of `idiolect doctor`."""

    name: str
    ok: bool
    detail: str


def checked(database: Database) -> list[Check]:
    """Every check, also after one that failed."""
    reads = [_answered(name, database, check) for name, check in _READS.items()]
    return [*reads, _write(database)]


def _answered(name: str, database: Database, check: Callable[[Connection], tuple[bool, str]]) -> Check:
    try:
        with database.read() as connection:
            return Check(name, *check(connection))
    except StoreError as error:
        return Check(name, ok=False, detail=str(error))


def _write(database: Database) -> Check:
    try:
        with database.write() as connection:
            connection.execute(text("DELETE FROM person WHERE id = ''"))  # nobody has an empty id
        return Check("write", ok=True, detail=f"{database.name} takes durable writes")
    except StoreError as error:
        return Check("write", ok=False, detail=str(error))


def _read(connection: Connection) -> tuple[bool, str]:
    people = connection.execute(select(func.count()).select_from(tables.person)).scalar_one()
    events = connection.execute(select(func.count()).select_from(tables.event)).scalar_one()
    return True, f"{people} people, {events} events"


def _tables(connection: Connection) -> tuple[bool, str]:
    found, newest = revision_of(connection), revisions()[-1]
    return found == newest, f"revision {found} of {newest}"


def _durability(connection: Connection) -> tuple[bool, str]:
    if connection.dialect.name == "postgresql":
        settings = ("fsync", "synchronous_commit", "full_page_writes")
        found = {name: str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in settings}
        is_safe = "off" not in found.values()
    else:
        pragmas = ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        found = {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in pragmas}
        is_safe = found["journal_mode"] in ("wal", "memory") and found["synchronous"] == "2"
    return is_safe, ", ".join(f"{name} {value}" for name, value in found.items())


def _soundness(connection: Connection) -> tuple[bool, str]:
    if connection.dialect.name == "postgresql":
        return True, "checked by PostgreSQL itself (`pg_amcheck`)"
    said = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    return said == "ok", said if said == "ok" else f"{said}: restore a backup, or try `sqlite3 FILE .recover`"


def _room(connection: Connection) -> tuple[bool, str]:
    file = connection.engine.url.database
    if connection.dialect.name == "postgresql" or not file or not Path(file).exists():
        return True, "no file of this machine"
    free = shutil.disk_usage(file).free
    return free > ROOM, f"{free / 1e9:.1f} GB free" + ("" if free > ROOM else ": make room, or answers cannot be kept")


def _recall(_connection: Connection) -> tuple[bool, str]:
    return True, "recall scans every embedding of a person, exactly, in this process: no vector extension is needed"


_READS: dict[str, Callable[[Connection], tuple[bool, str]]] = {
    "read": _read,
    "tables": _tables,
    "durability": _durability,
    "soundness": _soundness,
    "room": _room,
    "recall": _recall,
}
