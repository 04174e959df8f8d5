"""Copies of an SQLite store, whole or not at all, while it is in use; and the way back.

A copy still holds what is erased later. The ledger of erasures is no part of it, so what was erased since is erased
again when the copy is put back. Adapters are derived and stay behind: they are trained again.
"""

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from idiolect.errors import StoreError
from idiolect.memory.address import is_memory, parsed, shown
from idiolect.memory.store import open_store

ASIDE = ".before-restore"
WAIT_S = 5.0
SERVER = (
    "use the server's own tool, `pg_dump --format=custom` and `pg_restore`; the ledger of erasures is a file beside"
)


def back_up(store: str, to: Path) -> int:
    """Copy the store into a new file while others read and write it; its bytes. Raises StoreError."""
    source = _file(store)
    if to.exists():
        raise StoreError(f"{to} exists: name another file, so that no backup is lost")
    part = to.with_name(f"{to.name}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(part)) as here:
            there.backup(here)
            here.execute("PRAGMA journal_mode = DELETE")  # one file, and none beside it
        _sound(part)
        part.rename(to)
    except (OSError, sqlite3.Error) as failed:
        raise StoreError(f"the backup {to} cannot be written ({failed}): make room, or name another folder") from failed
    finally:
        part.unlink(missing_ok=True)
    return to.stat().st_size


def restore(store: str, source: Path, erasures: Path | None = None) -> Path | None:
    """Put a copy in the store's place, with what was erased since erased again; where the old one lies now, if any.

    Nothing may have the store open. Raises StoreError, and then the old one is as it was.
    """
    place = _file(store, is_needed=False)
    if not source.is_file():
        raise StoreError(f"there is no backup {source}: name the file that `idiolect backup` wrote")
    _sound(source)
    part = place.with_name(f"{place.name}.{secrets.token_hex(4)}.part")
    aside = place.with_name(place.name + ASIDE) if place.exists() else None
    try:
        with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(part)) as here:
            there.backup(here)
        part.chmod(0o600)
        if aside is not None:
            _alone(place)
            place.rename(aside)
        part.rename(place)
        open_store(store, erasures=erasures).close()  # too new a copy is refused, and erasures are done again
    except (OSError, sqlite3.Error, StoreError) as failed:
        if aside is None:
            place.unlink(missing_ok=True)
        elif aside.exists():
            aside.replace(place)
        raise StoreError(f"{source} was not restored, the store is as it was: {failed}") from failed
    finally:
        part.unlink(missing_ok=True)
    return aside


def _file(store: str, *, is_needed: bool = True) -> Path:
    url = parsed(store)
    if url.get_backend_name() != "sqlite":
        raise StoreError(f"{shown(url)} is a server: {SERVER}")
    if is_memory(url):
        raise StoreError("the store is kept in memory alone: name one on disk, such as sqlite:///me.db")
    path = Path(url.database or "").expanduser()
    if is_needed and not path.is_file():
        raise StoreError(f"there is no store {path}: nothing was ever kept there")
    return path


def _sound(file: Path) -> None:
    """Raises StoreError for a file that is no whole store."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as opened:
            said = str(opened.execute("PRAGMA quick_check(1)").fetchone()[0])
            tables = {str(name) for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as failed:
        raise StoreError(f"{file} is no store of Idiolect, or is damaged ({failed}): name another backup") from failed
    if said != "ok" or "event" not in tables:
        told = said if said != "ok" else "its tables are missing"
        raise StoreError(f"{file} is no store of Idiolect, or is damaged ({told}): name another backup")


def _alone(file: Path) -> None:
    """Take the write-ahead log in, and make sure that nobody else has the file open. Raises StoreError."""
    try:
        with closing(sqlite3.connect(file, timeout=WAIT_S)) as opened:
            opened.execute("PRAGMA locking_mode = EXCLUSIVE")
            opened.execute("PRAGMA journal_mode = DELETE")
            opened.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as busy:
        raise StoreError(f"{file} is in use ({busy}): stop the server and whatever else has it open") from busy
    for beside in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            file.with_name(file.name + beside).unlink()
