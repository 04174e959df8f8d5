"""From every earlier version to this one; a database of a later version or of another program is left alone."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from idiolect.errors import StoreError, StoreTooNew
from idiolect.memory import migrations
from idiolect.memory.migrations import VERSION_TABLE, revisions
from idiolect.memory.store import open_store
from idiolect.memory.tables import METADATA
from idiolect.schema import EVENT
from postgres import empty_database


@pytest.fixture(params=["file", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of an empty database."""
    if request.param == "postgresql":
        yield from empty_database()
    else:
        yield f"sqlite:///{tmp_path / 'me.db'}"


def execute(address: str, statement: str) -> None:
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_the_files_are_numbered_in_the_order_in_which_alembic_runs_them() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    walked = ScriptDirectory.from_config(config).walk_revisions()
    assert revisions() == [script.revision for script in walked][::-1]


def test_an_empty_database_gets_exactly_the_tables_that_the_code_uses(address: str) -> None:
    open_store(address).close()
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused_with_its_revision_and_left_alone(address: str) -> None:
    open_store(address).close()
    execute(address, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(StoreTooNew, match=r"revision 9999, .* `pip install --upgrade idiolect`"):
        open_store(address)
    execute(address, f"UPDATE {VERSION_TABLE} SET version_num = '{revisions()[-1]}'")
    open_store(address).close()


def test_a_database_of_another_program_is_refused_and_left_alone(address: str) -> None:
    execute(address, "CREATE TABLE invoice (id INTEGER)")
    with pytest.raises(StoreError, match="tables of another program"):
        open_store(address)
    execute(address, "DROP TABLE invoice")
    open_store(address).close()


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "me.db"
    with sqlite3.connect(file) as connection:  # a view whose name a table will want
        connection.execute("CREATE VIEW vector AS SELECT 1")
    with pytest.raises(StoreError, match="vector"):
        open_store(str(file))
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("vector",)]


PAYLOAD = '{"id":"evt-1","at":"2026-03-02T10:00:00+02:00","kind":"statement","text":"no emoji"}'
AT = "2026-03-02 08:00:00"
OLD_ROWS = {  # by the revision that they were written in
    "0001": [
        "INSERT INTO person (id) VALUES ('ana')",
        f"INSERT INTO event (person, id, kind, at, payload) VALUES ('ana', 'evt-1', 'statement', '{AT}', '{PAYLOAD}')",
        "INSERT INTO answer (person, id, event) VALUES ('ana', 'a', 1)",
        "INSERT INTO vector (person, candidate, version, data) VALUES ('ana', 'a', 'v1', 'four')",
    ]
}
OLD_ROWS["0002"] = OLD_ROWS["0001"]
OLD_ROWS["0003"] = OLD_ROWS["0002"]


def upgraded(address: str, revision: str) -> None:
    """Make the tables as they were in an earlier revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_every_released_revision_has_rows_to_upgrade() -> None:
    assert list(OLD_ROWS) == revisions()[:-1]


@pytest.mark.parametrize("revision", OLD_ROWS)
def test_a_database_of_an_earlier_revision_is_upgraded_with_its_rows(address: str, revision: str) -> None:
    upgraded(address, revision)
    for row in OLD_ROWS[revision]:
        execute(address, row.replace("'four'", "'four'::bytea" if address.startswith("postgresql") else "x'0000803f'"))
    with open_store(address) as store:
        ana = store.user("ana")
        assert [each.text for each in ana.preferences()] == ["no emoji"]
        assert [each.event.model_dump_json() for each in ana.events()] == [
            EVENT.validate_json(PAYLOAD).model_dump_json()
        ]
        assert list(ana.vectors(["a"], "v1")) == ["a"]
        assert ana.head() == (0, 1)
        with ana.transaction() as transaction:
            transaction.sent("a model", ["words"])
            transaction.save_embeddings("m1", {("evt-1", 0): np.ones(2, np.float32)})
            transaction.note("upgrade", {"events": 1})
        assert ana.forget(["evt-1"])["event"] == 1
        assert ana.head() == (1, 0)
