"""Brings a database to the tables of this version, from any earlier one, in one transaction."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from idiolect.errors import StoreError, StoreTooNew
from idiolect.memory.engine import Database
from idiolect.memory.faults import naming

VERSION_TABLE = "idiolect_version"
LOCK = 4_946_517  # any number, the same in every process: two of them never migrate one database at once


def revisions() -> list[str]:
    """Every revision there is, oldest first. Read off the file names: Alembic takes half a second to import."""
    return sorted(path.name.split("_")[0] for path in (Path(__file__).parent / "versions").glob("[0-9]*.py"))


def migrate(database: Database) -> None:
    """Upgrade, if needed. Raises StoreTooNew, and StoreError for a database of another program."""
    with database.read() as connection, naming(database.name):
        if revision_of(connection) == revisions()[-1]:
            return  # no lock is taken, so a busy writer delays nobody who opens
    with database.write() as connection, naming(database.name):
        _migrate(connection)


def revision_of(connection: Connection) -> str | None:
    """The revision of a database; None for an empty one. Raises StoreError for one of another program."""
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE in tables:
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
        return None if found is None else str(found)
    if tables:
        raise StoreError(
            f"it holds tables of another program ({', '.join(tables[:3])}) and none of Idiolect: "
            "name a new file or an empty database"
        )
    return None


def _migrate(connection: Connection) -> None:
    known = revisions()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    found = revision_of(connection)
    if found is not None and found not in known:
        raise StoreTooNew(
            f"it has revision {found}, written by a newer Idiolect than this one, which knows up to "
            f"{known[-1]}: upgrade with `pip install --upgrade idiolect`, or name another database"
        )
    if found != known[-1]:
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - half a second, needed once in a database's life
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
