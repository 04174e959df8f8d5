"""After a forgetting or an erasure no byte of the words is in any file, and no backup brings them back."""

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from erased import files_with, fill
from failing import failing
from idiolect.errors import StoreError
from idiolect.features.minilm import MiniLM
from idiolect.memory.importers import import_file
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
from idiolect.memory.store import UserStore, open_store
from lives import MONDAY, ids, life, record, statement
from postgres import empty_database, files_of_tables

REMOVALS: dict[str, Callable[[UserStore], list[Receipt]]] = {
    "erase": lambda person: [erase(person)],
    "statement": lambda person: [
        forget(person, "evt-said", later=True), forget(person, "imp-plums"), forget(person, "imp-figs"),
    ],
    "topic": lambda person: [forget_topic(person, "food", later=True)],
    "source": lambda person: [forget_source(person, "import"), forget(person, "evt-said", later=True)],
    "period": lambda person: [forget_period(person, MONDAY, MONDAY + timedelta(days=1))],
}  # fmt: skip


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
            assert files_of_tables(b"pgcanary", address)
            receipts = REMOVALS[removal](ana)
            assert receipts[0].ledger is None
            assert not files_of_tables(b"pgcanary", address)
            assert files_of_tables(b"sparrow", address)


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
