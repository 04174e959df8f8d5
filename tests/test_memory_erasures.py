"""What was erased is noted, so that neither a restored backup nor a kill brings it back."""

import json
import multiprocessing
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from erased import files_with, fill, restored
from idiolect.errors import StoreError
from idiolect.memory.erasures import LIVES_APART, Ledger
from idiolect.memory.records import Removed
from idiolect.memory.rights import erase, export, forget, forget_source, import_again
from idiolect.memory.store import open_store
from lives import ids, life, record, statement
from postgres import empty_database


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[Path]:
    """A copy of a database with two people in it, beside the database itself, `me.db`."""
    with open_store(str(tmp_path / "me.db")) as store:
        fill(store, "canary")
    copy = tmp_path / "copy"
    shutil.copy(tmp_path / "me.db", copy)
    yield copy


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
    ledger.note("ben", [Removed(9, ("evt-1",), {"event": 1})])
    line = ledger.path.read_text().removeprefix(whole).strip()
    assert line.endswith('"rows":{"event":1}}')
    for cut in ('{"at":"2026-03-02T09:30:00Z","person":"ab', line[:-1]):
        ledger.path.write_text(whole + cut)
        ledger.note("ben", [Removed(9, ("evt-1",), {"event": 1})])
        found = Ledger(ledger.path).entries()
        assert [(entry.epoch, entry.events is None) for entry in found] == [(5, True), (9, False)]
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


KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from idiolect.memory.rights import erase, forget
from idiolect.memory.store import open_store

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def at_opening(name, arguments):
    if name == "open" and str(arguments[0]).endswith(".erasures") and arguments[2] & os.O_APPEND:
        kill()

def at_vacuum(connection, cursor, statement, *_):
    if statement == "VACUUM":
        kill()

ana = open_store(sys.argv[1]).user("ana")
where, what = sys.argv[2:]
if where == "noting":
    sys.addaudithook(at_opening)
elif where == "commit":
    event.listen(Engine, "commit", kill)
else:
    event.listen(Engine, "before_cursor_execute", at_vacuum)
erase(ana) if what == "erase" else forget(ana, "evt-said", later=True)
"""


@pytest.mark.parametrize("what", ["erase", "forget"])
@pytest.mark.parametrize(("where", "is_done"), [("noting", False), ("commit", True), ("cleaning", True)])
def test_an_erasure_whose_process_is_killed_is_done_or_not_and_no_backup_brings_back_one_that_is(
    tmp_path: Path, backup: Path, where: str, is_done: bool, what: str
) -> None:
    arguments = [sys.executable, "-c", KILLED, str(tmp_path / "me.db"), where, what]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    with open_store(str(tmp_path / "me.db")) as store:
        left = ids(store.user("ana"))
        assert ("evt-said" not in left) is is_done
        assert store.replay_erasures() == 0
    with restored(backup) as store:
        assert ids(store.user("ana")) == left
        backup.unlink()
        if is_done and what == "erase":
            assert files_with(tmp_path) == []


def test_an_erasure_that_was_killed_before_another_of_the_same_epoch_hides_neither(
    tmp_path: Path, backup: Path
) -> None:
    with open_store(str(tmp_path / "me.db")) as other:  # it is open all the time, so it does not complete the first
        arguments = [sys.executable, "-c", KILLED, str(tmp_path / "me.db"), "commit", "forget"]
        assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
        forget_source(other.user("ana"), "Mem0 export")
    with restored(backup) as store:
        assert not {"evt-said", "imp-figs"} & set(ids(store.user("ana")))


def test_an_erasure_that_failed_is_not_done_when_the_store_is_opened_anew(tmp_path: Path) -> None:
    def fail(_connection: Connection) -> None:
        raise OperationalError("COMMIT", None, OSError("the disk is full"))

    with open_store(str(tmp_path / "me.db")) as store:
        record(store.user("ana"), *life())
        before = ids(store.user("ana"))
        event.listen(Engine, "commit", fail)
        try:
            with pytest.raises(StoreError):
                forget(store.user("ana"), "evt-said")
        finally:
            event.remove(Engine, "commit", fail)
        assert '"withdrawn"' in (tmp_path / "me.db.erasures").read_text()
    with open_store(str(tmp_path / "me.db")) as store:
        assert ids(store.user("ana")) == before
