"""After a forgetting or an erasure no byte of the words is in any file, and no backup brings them back."""

import io
import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from failing import failing
from idiolect.errors import StoreError
from idiolect.features.minilm import MiniLM
from idiolect.memory.erasures import LIVES_APART, Ledger
from idiolect.memory.importers import import_file
from idiolect.memory.records import Removed
from idiolect.memory.rights import (
    Caches,
    Receipt,
    erase,
    export,
    forget,
    forget_period,
    forget_source,
    forget_topic,
    import_again,
)
from idiolect.memory.store import Store, UserStore, open_store
from lives import MONDAY, ids, life, record, statement, turn
from postgres import empty_database, server

CANARY = b"canary"

REMOVALS: dict[str, Callable[[UserStore], list[Receipt]]] = {
    "erase": lambda person: [erase(person)],
    "statement": lambda person: [
        forget(person, "evt-said", later=True), forget(person, "imp-plums"), forget(person, "imp-figs"),
    ],
    "topic": lambda person: [forget_topic(person, "food", later=True)],
    "source": lambda person: [forget_source(person, "import"), forget(person, "evt-said", later=True)],
    "period": lambda person: [forget_period(person, MONDAY, MONDAY + timedelta(days=1))],
}  # fmt: skip


def files_with(folder: Path, word: bytes = CANARY) -> list[str]:
    """Names of the files in which these bytes stand."""
    return [file.name for file in sorted(folder.rglob("*")) if file.is_file() and word in file.read_bytes()]


def fill(store: Store, word: str) -> UserStore:
    """Two people; of ana everything with the word in it, of ben other words."""
    ana, ben = store.user("ana"), store.user("ben")
    record(ana, *life(word))
    record(ben, *life("sparrow"))
    for index in range(40):  # pages split and overflow, rows are replaced
        record(ben, turn(f"more{index}", "seed " * (index * 37 % 400)))
    return ana


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("removal", sorted(REMOVALS))
def test_no_file_holds_a_word_of_what_was_removed(tmp_path: Path, removal: str, reopened: bool) -> None:
    store = open_store(str(tmp_path / "me.db"))
    ana = fill(store, "canary")
    if reopened:  # everything is in the database file itself, not in its log
        store.close()
        store = open_store(str(tmp_path / "me.db"))
        ana = store.user("ana")
    assert files_with(tmp_path)
    receipts = REMOVALS[removal](ana)
    assert sum(receipt.rows["event"] for receipt in receipts) >= 10
    assert files_with(tmp_path) == []
    assert files_with(tmp_path, b"sparrow")
    store.close()
    assert files_with(tmp_path) == []
    with open_store(str(tmp_path / "me.db")) as again:
        assert len(ids(again.user("ben"))) == 51
        assert len(ids(again.user("ana"))) <= 1  # a correction of an attribute has no words


@pytest.mark.parametrize("removal", ["erase", "topic"])
def test_no_table_of_postgresql_holds_a_word_of_what_was_removed(removal: str) -> None:
    """Its write-ahead log does, until the server reuses it."""
    for address in empty_database():
        with open_store(address) as store:
            ana = fill(store, "pgcanary")
            assert in_tables(b"pgcanary", address)
            receipts = REMOVALS[removal](ana)
            assert receipts[0].ledger is None
            assert not in_tables(b"pgcanary", address)
            assert in_tables(b"sparrow", address)


def in_tables(word: bytes, address: str) -> list[Path]:
    """Files of the tables with this word, as they are on the disk."""
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CHECKPOINT"))
    engine.dispose()
    files = [path for path in (server() / "data" / "base").rglob("*") if path.is_file()]
    return [path for path in files if word in path.read_bytes()]


def test_the_embedder_keeps_nothing_of_what_was_forgotten_and_all_else(tmp_path: Path) -> None:
    embedder = MiniLM()
    with open_store(str(tmp_path / "me.db")) as store:
        ana = store.user("ana")
        record(ana, *life(), statement("other", "rain", topic="weather"))
        embedder.embed(["I like canary tea.", "I like rain.", "Have some canary 1"])
        forget(ana, "evt-said", caches=Caches(texts=embedder.forget))
        assert [embedder.keeps(each) for each in ("I like canary tea.", "Have some canary 1", "I like rain.")] == [
            False, False, True,
        ]  # fmt: skip
        erase(ana, caches=Caches(texts=embedder.forget))
        assert not embedder.keeps("I like rain.")


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[Path]:
    """A copy of a database with two people in it, beside the database itself, `me.db`."""
    with open_store(str(tmp_path / "me.db")) as store:
        fill(store, "canary")
    copy = tmp_path / "copy"
    shutil.copy(tmp_path / "me.db", copy)
    yield copy


def restored(backup: Path) -> Store:
    """The database is set back to the copy, and opened."""
    file = backup.with_name("me.db")
    for old in file.parent.glob("me.db-*"):
        old.unlink()
    shutil.copy(backup, file)
    return open_store(str(file))


def test_a_backup_that_is_restored_does_not_bring_back_who_was_erased(tmp_path: Path, backup: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        receipt = erase(store.user("ana"))
        assert receipt.ledger == str(tmp_path / "me.db.erasures")
    with restored(backup) as store:
        assert ids(store.user("ana")) == []
        assert len(ids(store.user("ben"))) == 51
        assert store.replay_erasures() == 0
        backup.unlink()
        assert files_with(tmp_path) == []


def test_a_backup_that_is_restored_does_not_bring_back_what_was_forgotten(tmp_path: Path, backup: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        ana = store.user("ana")
        forget(ana, "evt-said", later=True)
        forget_source(ana, "Mem0 export")
        left, head = ids(ana), ana.head()
    with restored(backup) as store:
        ana = store.user("ana")
        assert ids(ana) == left
        assert ana.state("belief") is None
        after = ana.head()
        assert head is not None
        assert after is not None
        assert after.epoch == head.epoch
        assert [each.what.get("replayed") for each in ana.audit_trail()] == [1, 1]
    with restored(backup) as store:  # and once more
        assert ids(store.user("ana")) == left


def test_what_a_person_says_or_brings_back_after_an_erasure_stays(tmp_path: Path) -> None:
    file = str(tmp_path / "me.db")
    with open_store(file) as store:
        ana = fill(store, "canary")
        saved = export(ana)
        forget_source(ana, "Mem0 export")
        erase(ana)
        import_again(ana, saved)  # with their old times and ids
        erase(ana)
        import_again(ana, saved)
    for _ in range(2):
        with open_store(file) as store:
            assert len(ids(store.user("ana"))) == 11


def test_what_was_forgotten_and_imported_once_more_stays(tmp_path: Path) -> None:
    file = str(tmp_path / "me.db")
    with open_store(file) as store:
        ana = store.user("ana")
        record(ana, statement("one", "jazz"), statement("two", "rain"))
        forget(ana, "evt-one")
        record(ana, statement("one", "jazz"))
    with open_store(file) as store:
        assert ids(store.user("ana")) == ["evt-two", "evt-one"]


def test_who_comes_back_after_a_restored_backup_was_cleared_stays(tmp_path: Path, backup: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        erase(store.user("ana"))
    with restored(backup) as store:
        record(store.user("ana"), statement("new", "rain"))
    with open_store(str(tmp_path / "me.db")) as store:
        assert ids(store.user("ana")) == ["evt-new"]


def test_postgresql_has_a_ledger_where_one_is_named(tmp_path: Path) -> None:
    ledger = tmp_path / "erasures"
    for address in empty_database():
        with open_store(address, erasures=ledger) as store:
            ana = store.user("ana")
            record(ana, *life())
            saved, head = export(ana), ana.head()
            assert erase(ana).ledger == str(ledger)
            import_again(ana, saved)
        engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:  # as a restored dump would have it
            assert head is not None
            connection.execute(text("UPDATE person SET epoch = :epoch"), {"epoch": head.epoch})
        engine.dispose()
        with open_store(address, erasures=ledger) as store:
            assert ids(store.user("ana")) == []


def test_the_ledger_has_hashes_times_and_counts_and_no_id_or_word(tmp_path: Path, backup: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        forget(store.user("ana"), "evt-said")
        erase(store.user("ana"))
    ledger = tmp_path / "me.db.erasures"
    head, *lines = map(json.loads, ledger.read_text().splitlines())
    assert set(head) == {"ledger", "salt"}
    assert [sorted(line) for line in lines] == [["at", "epoch", "events", "person", "rows"]] * 2
    assert lines[0]["person"] == lines[1]["person"]
    assert (len(lines[0]["events"]), lines[1]["events"], lines[1]["rows"]["person"]) == (6, None, 1)
    for word in ("ana", "evt-", "canary"):
        assert word not in ledger.read_text()
    assert ledger.stat().st_mode & 0o077 == 0


def test_a_line_that_was_cut_by_a_kill_is_passed_over_and_one_that_was_changed_is_told(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.note("ana", [Removed(5, None, {})])
    whole = ledger.path.read_text()
    ledger.path.write_text(whole + '{"at":"2026-03-02T09:30:00Z","person":"ab')
    ledger.note("ben", [Removed(9, ("evt-1",), {"event": 1})])
    assert [(entry.epoch, entry.events is None) for entry in Ledger(ledger.path).entries()] == [(5, True), (9, False)]
    ledger.path.write_text(whole.replace('"epoch":5', '"epoch":"five"'))
    with pytest.raises(StoreError, match=r"line 2 of .* cannot be read"):
        Ledger(ledger.path).entries()


def test_a_store_whose_ledger_is_unreadable_is_not_opened(tmp_path: Path, backup: Path) -> None:
    (tmp_path / "me.db.erasures").write_text("nonsense}\n{}\n")
    with pytest.raises(StoreError, match="cannot be read"):
        open_store(str(tmp_path / "me.db"))


def test_an_erasure_that_cannot_be_noted_is_refused_before_anything_is_deleted(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "me.db"), erasures=tmp_path / "none" / "ledger") as store:
        ana = store.user("ana")
        record(ana, *life())
        with pytest.raises(StoreError, match="make its folder writable"):
            erase(ana)
        with pytest.raises(StoreError, match="make its folder writable"):
            forget(ana, "evt-said")
        assert len(ids(ana)) == 11
        (tmp_path / "none").mkdir()
        assert erase(ana).rows["event"] == 11


ACTS: dict[str, Callable[[UserStore], object]] = {
    "erase": erase,
    "forget": lambda person: forget(person, "evt-said", later=True),
    "restore": lambda person: import_again(person, exported("more")),
    "import": lambda person: import_file(person, io.BytesIO(b"User likes plums\nUser likes figs\n")),
}


def exported(word: str) -> bytes:
    """Of another person, whose ids are others."""
    with open_store("sqlite://") as store:
        record(store.user("ben"), *(statement(f"{word}-{index}", f"{word} {index}") for index in range(3)))
        return export(store.user("ben"))


@pytest.mark.parametrize("act", sorted(ACTS))
def test_whichever_call_of_the_database_fails_everything_is_as_before_or_as_after(tmp_path: Path, act: str) -> None:
    met = set[tuple[str, ...]]()
    for at in range(1, 200):
        folder = tmp_path / str(at)
        folder.mkdir()
        with open_store(str(folder / "me.db")) as store:
            ana = store.user("ana")
            record(ana, *life())
            before = tuple(ids(ana))
            with failing(at) as calls, suppress(StoreError):
                ACTS[act](ana)
            assert ana.events() is not None  # the store goes on
        with open_store(str(folder / "me.db")) as store:
            met.add(tuple(ids(store.user("ana"))))
        if calls[0] < at:
            break
    assert calls[0] < at  # the last time nothing failed
    assert len(met) == 2
    assert before in met


def test_lives_of_one_person_are_told_apart_by_their_epochs(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.note("ana", [Removed(LIVES_APART + 100, None, {}), Removed(LIVES_APART + 200, ("evt-1",), {})])
    named = {
        epoch: [entry.epoch for entry in ledger.concerning({"ana": epoch, "ben": epoch}).get("ana", [])]
        for epoch in (50, LIVES_APART + 90, LIVES_APART + 100, LIVES_APART + 199, LIVES_APART + 200)
    }
    person, events = LIVES_APART + 100, LIVES_APART + 200
    assert list(named.values()) == [[], [person, events], [person, events], [events], []]


def note_many(path: str, name: str) -> None:
    ledger = Ledger(Path(path))
    for index in range(50):
        ledger.note(name, [Removed(index, ("evt-1", "evt-2"), {"event": 2})])


def test_two_processes_that_begin_a_ledger_at_once_lose_no_line(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    path = tmp_path / "ledger"
    processes = [spawn.Process(target=note_many, args=(str(path), name)) for name in ("ana", "ben")]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(Ledger(path).entries()) == 100
    assert [file.name for file in tmp_path.iterdir()] == ["ledger"]
    found = Ledger(path).concerning({"ana": 0, "ben": 0})
    assert {name: len(entries) for name, entries in found.items()} == {"ana": 49, "ben": 49}
