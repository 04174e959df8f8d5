"""What can go wrong with a database: one sentence each, with the next step, and nothing acknowledged is lost."""

import os
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text

from idiolect.errors import MissingExtra, StoreError
from idiolect.memory.store import open_store
from idiolect.schema import Edit, Rating, Statement
from postgres import address as postgres_address
from postgres import server

NOBODY = 65534


def refusal(address: str, patience_s: float = 1.0) -> str:
    """What is said when it cannot be opened."""
    with pytest.raises(StoreError) as refused:
        open_store(address, patience_s)
    return str(refused.value)


@pytest.mark.parametrize(
    ("address", "next_step"),
    [
        ("", "me.db"),
        ("mysql://root:secret@localhost/x", "postgresql://user:password@host/name"),
        ("postgresql+asyncpg://ana@localhost/x", "postgresql://user:password@host/name"),
        ("sqlite://me.db", "three slashes"),
        ("sqlite:///me.db?mode=ro", "a path and nothing else"),
        ("postgresql://ana@[::1", "use a file"),
    ],
)
def test_an_address_that_cannot_be_one_is_answered_with_what_can(address: str, next_step: str) -> None:
    said = refusal(address)
    assert next_step in said
    assert "secret" not in said


def test_a_missing_folder_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    assert f"mkdir -p {tmp_path / 'no'}" in refusal(f"sqlite:///{tmp_path / 'no' / 'me.db'}")


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    assert "name a file in it" in refusal(str(tmp_path))


@pytest.mark.parametrize("content", [b"%PDF-1.7 " * 1000, b"SQLite format 3\x00" + b"\xff" * 8000])
def test_a_file_that_is_not_a_database_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "me.db"
    file.write_bytes(content)
    said = refusal(str(file))
    assert "name another file" in said or "restore a backup" in said
    assert file.read_bytes() == content


def test_a_path_without_a_scheme_is_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "100% me?.db")) as store, store.user("ana").transaction() as transaction:
        transaction.append(Statement(text="no emoji"))
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert modes == {f"100% me?.db{suffix}": 0o600 for suffix in ("", "-wal", "-shm")}


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("read_only", ["me.db", "."])
def test_a_read_only_database_is_refused_when_it_is_opened(read_only: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file, target = Path(folder) / "me.db", Path(folder) / read_only
        open_store(str(file)).close()
        if os.geteuid() == 0:
            os.chown(file, NOBODY, NOBODY)
            os.chown(folder, NOBODY, NOBODY)
        target.chmod(target.stat().st_mode & 0o555)
        with as_nobody():
            said = refusal(str(file))
        target.chmod(0o700)
    assert "writable, or name another" in said


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Every SQLite database has room for 60 pages."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 60")

    event.listen(Engine, "connect", limit)
    yield
    event.remove(Engine, "connect", limit)


@pytest.mark.usefixtures("small_disk")
@pytest.mark.parametrize("address", ["file", "sqlite://"])
def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path, address: str) -> None:
    with open_store(address if address == "sqlite://" else str(tmp_path / "me.db")) as store:
        ana, acknowledged = store.user("ana"), list[int]()

        def write_on() -> None:
            for _ in range(100):
                with ana.transaction() as transaction:
                    seq = transaction.append(Edit(candidate="a-0", text="soup " * 1000))
                acknowledged.append(seq)

        with pytest.raises(StoreError, match="the disk is full: make room"):
            write_on()
        assert 5 < len(acknowledged) < 100
        assert [each.seq for each in ana.events()] == acknowledged
        with ana.transaction() as transaction:  # what is small still fits
            transaction.append(Rating(candidate="a-0", value=3))


def test_a_database_that_another_process_keeps_locked_can_be_read_and_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "me.db"
    with open_store(str(file), patience_s=0.05) as store:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process is writing"), store.user("ana").transaction():
            pass
        assert store.user("ana").events() == []
        assert [check.name for check in store.check() if not check.ok] == ["write"]
        open_store(str(file), patience_s=0.05).close()
        other.execute("ROLLBACK")
        other.close()
        with store.user("ana").transaction() as transaction:
            transaction.append(Statement(text="no emoji"))


@pytest.mark.parametrize("address", ["file", "sqlite://"])
def test_a_thread_that_waits_too_long_for_another_says_so(tmp_path: Path, address: str) -> None:
    store = open_store(address if address == "sqlite://" else str(tmp_path / "me.db"), patience_s=0.05)
    said: list[str] = []

    def write() -> None:
        try:
            with store.user("ben").transaction():
                pass
        except StoreError as error:
            said.append(str(error))

    with store, store.user("ana").transaction():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(said) == 1
    assert "another thread is writing" in said[0]


def test_an_erasure_that_a_reader_holds_up_says_that_the_log_still_has_the_words(tmp_path: Path) -> None:
    file = tmp_path / "me.db"
    with open_store(str(file), patience_s=0.05) as store:
        ana = store.user("ana")
        with ana.transaction() as transaction:
            transaction.append(Statement(text="no emoji"))
        reader = sqlite3.connect(file, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM event").fetchall()
        with pytest.raises(StoreError, match="stop it and erase again"):
            ana.erase()
        reader.close()
        ana.erase()
        assert (tmp_path / "me.db-wal").stat().st_size == 0


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE event SET payload = replace(payload, '\"text\"', '\"telepathy\"')", "event 1 cannot be read"),
        ("UPDATE state SET data = x'00'", "a stored belief cannot be read"),
        ("UPDATE state SET layout = '[]'", "a stored belief cannot be read"),
    ],
)
def test_a_row_that_cannot_be_read_is_not_taken_for_an_empty_memory(tmp_path: Path, damage: str, said: str) -> None:
    import numpy as np

    from idiolect.memory.store import State

    file = tmp_path / "me.db"
    with open_store(str(file)) as store:
        with store.user("ana").transaction() as transaction:
            transaction.append(Statement(text="no emoji"))
            transaction.save_state(State("belief", "v1", 1, {"mean": np.ones(2)}, 1))
        with sqlite3.connect(file) as other:
            other.execute(damage)
        with pytest.raises(StoreError, match=said):
            (store.user("ana").events(), store.user("ana").state("belief"))


def test_postgresql_without_its_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'idiolect\[postgres\]'"):
        open_store("postgresql://ana@localhost/me")


def test_a_postgresql_that_is_down_is_named_without_its_password(tmp_path: Path) -> None:
    said = refusal(f"postgresql://ana:secret@/me?host={tmp_path}")
    assert "start PostgreSQL" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("role", "database", "next_step"), [("ana", "nowhere", "createdb"), ("ben", "postgres", "name or password")]
)
def test_a_database_or_role_that_postgresql_does_not_know_is_named(role: str, database: str, next_step: str) -> None:
    assert next_step in refusal(postgres_address(server(), role=role, database=database))


def test_a_store_goes_on_after_postgresql_dropped_its_connections() -> None:
    url = postgres_address(server(), schema="restarts")
    admin = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection, connection.begin():
        connection.execute(text("CREATE SCHEMA restarts"))
    with open_store(url) as store:
        with admin.connect() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            )
        with store.user("ana").transaction() as transaction:
            transaction.append(Statement(text="no emoji"))
        assert len(store.user("ana").events()) == 1
    admin.dispose()
