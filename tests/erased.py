"""A database with two people in it, of whom one is to be erased: what its files hold, and its restored copy."""

import shutil
from pathlib import Path

from idiolect.memory.store import Store, UserStore, open_store
from lives import life, record, turn

CANARY = b"canary"


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


def restored(backup: Path) -> Store:
    """The database is set back to the copy, and opened."""
    file = backup.with_name("me.db")
    for old in file.parent.glob("me.db-*"):
        old.unlink()
    shutil.copy(backup, file)
    return open_store(str(file))
