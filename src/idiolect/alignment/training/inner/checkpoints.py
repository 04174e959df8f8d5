"""Checkpoints that are whole: each is sealed by the sha256 of its files, and only a sealed one is ever read."""

import json
import os
import shutil
from pathlib import Path

from idiolect.models.llamacpp import sha256_of

SEAL = "whole.json"
BEFORE = "checkpoint-"  # transformers' name, before the number of a step


def seal(folder: Path) -> None:
    """Say that all files of a folder are there, once they are on the disk."""
    files = sorted(each for each in folder.rglob("*") if each.is_file() and each.name != SEAL)
    for file in files:
        _flush(file)
    beside = folder / f"{SEAL}.part"
    sums = {str(file.relative_to(folder)): sha256_of(file) for file in files}
    beside.write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")
    _flush(beside)
    beside.replace(folder / SEAL)


def is_whole(folder: Path) -> bool:
    """Whether a folder was sealed, and nothing in it has changed since."""
    try:
        sums: dict[str, str] = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        return all(sha256_of(folder / name) == told for name, told in sums.items())
    except (OSError, ValueError):
        return False


def newest(folder: Path) -> Path | None:
    """The checkpoint to go on from."""
    found = sorted(folder.glob(f"{BEFORE}*"), key=step_of, reverse=True)
    return next((each for each in found if is_whole(each)), None)


def clear(folder: Path) -> None:
    """Delete what a kill left half written."""
    for each in folder.glob(f"{BEFORE}*"):
        if not is_whole(each):
            shutil.rmtree(each, ignore_errors=True)


def step_of(checkpoint: Path) -> int:
    """How far it is."""
    return int(checkpoint.name.removeprefix(BEFORE))


def _flush(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
