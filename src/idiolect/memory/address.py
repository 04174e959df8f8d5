"""Where a store lies: `me.db`, `sqlite:///me.db`, `sqlite://` (memory) or `postgresql://user@host/name`."""

import os
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from idiolect.errors import StoreError

FORMS = "use a file (me.db or sqlite:///me.db) or a server (postgresql://user:password@host/name)"
POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
MEMORY = ("", ":memory:")


def parsed(address: str) -> URL:
    """The address in full, with the driver that we use. Raises StoreError for one that we cannot."""
    if not address.strip():
        raise StoreError(f"the store's address is empty: {FORMS}")
    if "://" not in address:
        return URL.create("sqlite", database=address)
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as unreadable:
        raise StoreError(f"the store's address cannot be read: {FORMS}") from unreadable
    if url.drivername in POSTGRESQL:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite":
        raise StoreError(f"no store of the kind {url.drivername!r}: {FORMS}")
    if url.host or url.query:
        raise StoreError(f"{address}: an SQLite address holds a path and nothing else, after three slashes: {FORMS}")
    return url


def shown(url: URL) -> str:
    """For messages: without the password."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)


def is_memory(url: URL) -> bool:
    """Whether nothing of it outlives the process."""
    return url.get_backend_name() == "sqlite" and (url.database or "") in MEMORY


def prepared_file(url: URL) -> Path:
    """The path of an SQLite file, which exists and may be written when this returns. Raises StoreError."""
    try:
        return _prepared(Path(url.database or "").expanduser())
    except (OSError, RuntimeError) as refused:  # expanduser raises RuntimeError for a home that nobody has
        raise StoreError(
            f"{url.database} cannot be opened ({refused}): make it and its folder writable, or name another file"
        ) from refused


def _prepared(path: Path) -> Path:
    folder = path.absolute().parent
    if path.is_dir():
        raise StoreError(f"{path} is a folder: name a file in it, such as {path / 'idiolect.db'}")
    if not folder.is_dir():
        raise StoreError(f"the folder {folder} does not exist: create it (`mkdir -p {folder}`), or name another file")
    if not path.exists():
        path.touch(mode=0o600)  # what people said is read by its owner only; the write-ahead log inherits this
    for needed in (path, folder):  # SQLite keeps its log beside the file
        if not os.access(needed, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise StoreError(f"{needed} is read-only: make it writable, or name another file")
    return path
