"""What was acknowledged survives a killed process; what was erased is in no file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from idiolect.memory.store import State, UserStore, open_store
from idiolect.schema import Edit, Statement
from postgres import empty_database, files_of_tables

WRITER = """
import sys
import numpy as np
from idiolect.memory.store import State, open_store
from idiolect.schema import Edit

ana = open_store(sys.argv[1]).user("ana")
while True:
    with ana.transaction() as transaction:
        seq = transaction.append(Edit(candidate="a-0", text="soup " * 200))
        transaction.save_state(State("count", "v1", seq, {"seq": np.full(500, float(seq))}, seq))
    print(seq, flush=True)
"""


def test_a_writer_killed_in_the_middle_loses_no_acknowledged_write_and_leaves_no_half_of_one(tmp_path: Path) -> None:
    file, acknowledged = tmp_path / "me.db", list[int]()
    open_store(str(file)).close()
    for round_ in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(3 + 4 * round_):
                acknowledged.append(int(writer.stdout.readline()))
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
        with open_store(str(file)) as store:
            ana = store.user("ana")
            found, state = [each.seq for each in ana.events()], ana.state("count")
        assert set(acknowledged) <= set(found)
        assert len(found) <= len(acknowledged) + round_ + 1  # one that was written, and killed before it was told
        assert state is not None
        assert state.seen == state.through == found[-1]
        assert (state.arrays["seq"] == found[-1]).all()


def fill(person: UserStore, word: str) -> None:
    """Rows of every size, some of them replaced, so that pages split and overflow."""
    for index in range(60):
        with person.transaction() as transaction:
            seq = transaction.append(Statement(text=f"I like {word} {index}"))
            transaction.append(Edit(candidate="a-0", text=f"{word} " * (index * 17 % 900)))
            transaction.save_state(State(f"{word}-{index % 7}", f"{word}-v", seq, {word: np.ones(index * 5)}, index))


@pytest.mark.parametrize("checkpointed", [True, False])
def test_after_an_erasure_no_file_holds_a_word_of_the_person(tmp_path: Path, checkpointed: bool) -> None:
    store = open_store(str(tmp_path / "me.db"))
    ana, ben = store.user("ana-canary"), store.user("ben")
    fill(ana, "canary")
    fill(ben, "sparrow")
    fill(store.user("carol"), "wren")
    if checkpointed:
        store.close()
        store = open_store(str(tmp_path / "me.db"))
        ana, ben = store.user("ana-canary"), store.user("ben")
    assert any(b"canary" in file.read_bytes() for file in tmp_path.iterdir())
    ana.erase()
    found = {file.name: file.read_bytes().count(b"canary") for file in tmp_path.iterdir()}
    assert found == dict.fromkeys(("me.db", "me.db-wal", "me.db-shm", "me.db.erasures"), 0)
    assert len(ben.events()) == 120
    store.close()
    assert b"canary" not in (tmp_path / "me.db").read_bytes()


def test_after_an_erasure_no_table_of_postgresql_holds_a_word_of_the_person() -> None:
    """Its write-ahead log does, until the server reuses it."""
    for address in empty_database():
        with open_store(address) as store:
            fill(store.user("ana-canary"), "canary")
            fill(store.user("ben"), "sparrow")
            assert files_of_tables(b"canary", address)
            store.user("ana-canary").erase()
            assert not files_of_tables(b"canary", address)
            assert files_of_tables(b"sparrow", address)


def test_a_store_in_memory_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("sqlite://") as store:
        fill(store.user("ana"), "canary")
        assert len(store.user("ana").events()) == 120
    assert list(tmp_path.iterdir()) == []
