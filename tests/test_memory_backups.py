"""A store is copied while it is in use, put back, and forgets again what was erased meanwhile."""

import sqlite3
from pathlib import Path

import pytest

from idiolect.cli import main
from idiolect.errors import StoreError
from idiolect.memory.backups import ASIDE, back_up, restore
from idiolect.memory.rights import erase
from idiolect.memory.store import open_store
from lives import record, turn


def kept(store: str) -> dict[str, int]:
    with open_store(store) as opened:
        return {person: len(opened.user(person).events()) for person in opened.people()}


def filled(place: Path, *people: str) -> str:
    address = str(place)
    with open_store(address) as opened:
        for person in people:
            record(opened.user(person), turn(f"{person}-1"))
    return address


def test_a_copy_is_whole_while_the_store_is_in_use(tmp_path: Path) -> None:
    store = filled(tmp_path / "me.db", "ana")
    with open_store(store) as opened:
        record(opened.user("ben"), turn("b"))  # in the write-ahead log
        assert back_up(store, tmp_path / "copy.db") == (tmp_path / "copy.db").stat().st_size
        record(opened.user("cleo"), turn("c"))
    assert kept(str(tmp_path / "copy.db")) == {"ana": 1, "ben": 1}
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0


def test_what_is_put_back_is_as_it_was_but_for_what_was_erased_since(tmp_path: Path) -> None:
    store = filled(tmp_path / "me.db", "ana", "ben")
    back_up(store, tmp_path / "copy.db")
    with open_store(store) as opened:
        erase(opened.user("ana"))
        record(opened.user("cleo"), turn("c"))
    aside = restore(store, tmp_path / "copy.db")
    assert kept(store) == {"ben": 1}
    assert aside == tmp_path / f"me.db{ASIDE}"
    assert sorted(kept(str(aside))) == ["ben", "cleo"]


def test_a_backup_can_be_put_where_nothing_is(tmp_path: Path) -> None:
    back_up(filled(tmp_path / "me.db", "ana"), tmp_path / "copy.db")
    assert restore(str(tmp_path / "new.db"), tmp_path / "copy.db") is None
    assert kept(str(tmp_path / "new.db")) == {"ana": 1}


def test_a_store_in_use_is_not_replaced(tmp_path: Path) -> None:
    store = filled(tmp_path / "me.db", "ana")
    back_up(store, tmp_path / "copy.db")
    with open_store(store) as opened:
        record(opened.user("ben"), turn("b"))
        with pytest.raises(StoreError, match="is in use"):
            restore(store, tmp_path / "copy.db")
        record(opened.user("ben"), turn("b2"))
    assert kept(store) == {"ana": 1, "ben": 2}


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "other"])
def test_what_is_no_whole_store_is_refused_and_nothing_is_lost(tmp_path: Path, damage: str) -> None:
    store = filled(tmp_path / "me.db", "ana")
    copy = tmp_path / "copy.db"
    back_up(store, copy)
    if damage == "other":
        copy.unlink()
        sqlite3.connect(copy).execute("CREATE TABLE t (x)").connection.close()
    else:
        whole = copy.read_bytes()
        copy.write_bytes({"empty": b"", "text": b"hello" * 1000, "cut": whole[: len(whole) // 2]}[damage])
    with pytest.raises(StoreError, match="no store of Idiolect, or is damaged"):
        restore(store, copy)
    assert kept(store) == {"ana": 1}
    assert not (tmp_path / f"me.db{ASIDE}").exists()


def test_a_backup_of_a_later_version_is_refused_and_the_store_is_as_it_was(tmp_path: Path) -> None:
    store = filled(tmp_path / "me.db", "ana")
    copy = tmp_path / "copy.db"
    back_up(store, copy)
    with sqlite3.connect(copy) as later:
        later.execute("UPDATE idiolect_version SET version_num = 'zzzz'")
    later.close()
    with pytest.raises(StoreError, match="was not restored, the store is as it was"):
        restore(store, copy)
    assert kept(store) == {"ana": 1}


@pytest.mark.parametrize(
    ("store", "told"),
    [("sqlite://", "in memory"), ("postgresql://u@h/d", "pg_dump"), ("none.db", "nothing was ever kept")],
)
def test_what_can_not_be_copied_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, told: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=told):
        back_up(store, tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []


def test_the_commands_copy_and_put_back_and_overwrite_no_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, copy = filled(tmp_path / "me.db", "ana"), tmp_path / "copy.db"
    for line in (["backup", str(copy), "--store", store], ["restore", str(copy), "--store", store]):
        with pytest.raises(SystemExit) as ended:
            main(line)
        assert ended.value.code == 0
    assert f"lies at {store}{ASIDE}" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["backup", str(copy), "--store", store])
    assert ended.value.code == 1
    assert "name another file" in capsys.readouterr().err
