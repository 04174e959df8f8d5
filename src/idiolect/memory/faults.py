"""What a database driver says when it fails, as one sentence with the next step."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from idiolect.errors import BadInput, StoreError

# The longest name that begins the driver's wins: SQLITE_READONLY_DIRECTORY is read as SQLITE_READONLY.
SQLITE = {
    "SQLITE_FULL": "the disk is full: make room; what was acknowledged before is kept",
    "SQLITE_READONLY": "it is read-only: make the file and its folder writable, or name another file",
    "SQLITE_CANTOPEN": "it cannot be opened: check that the folder exists and may be written to",
    "SQLITE_NOTADB": "the file is not a database: name another file",
    "SQLITE_CORRUPT": "the file is damaged: restore a backup, or try `sqlite3 FILE .recover`",
    "SQLITE_BUSY": "another process is writing and did not finish in time: try again, or stop the other process",
    "SQLITE_LOCKED": "another process is writing and did not finish in time: try again, or stop the other process",
    "SQLITE_IOERR": "the disk failed to read or write: check it, and its free space",
    "SQLITE_PERM": "this process may not use it: check the permissions of the file and its folder",
}
# SQLSTATE codes, by the same rule: https://www.postgresql.org/docs/current/errcodes-appendix.html
POSTGRESQL = {
    "28": "the name or password is wrong: check them in the address",
    "3D000": "there is no such database: create it with `createdb`, or check its name in the address",
    "42501": "this role may not do that: grant it the right to create and write tables",
    "25006": "it is read-only: name the primary server, not a standby",
    "53100": "its disk is full: make room; what was acknowledged before is kept",
    "53300": "it has too many connections: raise max_connections, or run fewer servers",
    "55P03": "another process is writing for this person and did not finish in time: try again",
    "40P01": "two writers waited for each other: try again",
    "57P": "it is stopping or starting: try again when it is up",
}
UNREACHABLE = "no server answers there: start PostgreSQL, or check host, port and name in the address"


@contextmanager
def as_store_errors(database: str) -> Iterator[None]:
    """Driver errors inside become StoreError; `database` is its address without a password."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(f"{database}: {explained(error)}") from error


@contextmanager
def as_bad_input(sentence: str) -> Iterator[None]:
    """A broken constraint inside means that the caller sent something wrong, which `sentence` says."""
    try:
        yield
    except StoreError as error:
        if isinstance(error.__cause__, IntegrityError):
            raise BadInput(sentence) from error.__cause__
        raise


@contextmanager
def naming(database: str) -> Iterator[None]:
    """A StoreError inside that says "it" gains the name of the database."""
    try:
        yield
    except StoreError as error:
        error.args = (f"{database}: {error}",)
        raise


def explained(error: SQLAlchemyError) -> str:
    """What is wrong and the next step."""
    original = error.orig if isinstance(error, DBAPIError) else None
    if original is None:
        return f"{error}: run `idiolect doctor`"
    sqlite_name = getattr(original, "sqlite_errorname", None)
    sqlstate = getattr(original, "sqlstate", None)
    known = _longest(SQLITE, sqlite_name) or _longest(POSTGRESQL, sqlstate)
    if known:
        return known
    words = " ".join(str(original).split())
    if sqlite_name is None and sqlstate is None:
        return f"{_said_at_connect(words) or UNREACHABLE} ({words})"
    return f"{words}: run `idiolect doctor`"


def _longest(sentences: dict[str, str], code: str | None) -> str | None:
    """Sentence of the longest key that begins the code."""
    keys = [key for key in sentences if code and code.startswith(key)]
    return sentences[max(keys, key=len)] if keys else None


def _said_at_connect(words: str) -> str | None:
    """libpq gives no SQLSTATE when a connection fails, only the server's sentence."""
    if "password" in words or ("role" in words and "does not exist" in words):
        return POSTGRESQL["28"]
    if "database" in words and "does not exist" in words:
        return POSTGRESQL["3D000"]
    if "too many" in words:
        return POSTGRESQL["53300"]
    return None
