"""A run folder: what a bench has computed is kept row by row, so that a run that was stopped goes on where it was."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import JsonValue, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from idiolect.errors import DataError
from idiolect.evaluation.protocol import N, Rows
from idiolect.schema import Array

T = TypeVar("T")


def digest(key: Mapping[str, JsonValue]) -> str:
    """A short name for everything that a result depends on."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]


def code_version(*rooms: str) -> str:
    """A hash of these rooms' files: a row that older code computed is not read back."""
    found = hashlib.sha256()
    for room in rooms:
        for file in _files(files("idiolect").joinpath(room)):
            found.update(file.read_bytes())
    return found.hexdigest()[:12]


class RunFolder:
    """Rows under one folder, and progress on stderr."""

    def __init__(self, folder: Path, console: Console | None = None) -> None:
        """`console` shows progress; without one nothing is shown."""
        self.folder = folder
        self._console = console or Console(quiet=True)
        folder.mkdir(parents=True, exist_ok=True)

    def rows(self, rows: Rows[N], compute: Callable[[int], N]) -> list[N]:
        """One value for each id: read back where the same key has it, else computed, written and flushed."""
        path = self.folder / f"{rows.name}-{digest(rows.key)}.jsonl"
        known = read_rows(path, rows.kind)
        missing = [index for index, identifier in enumerate(rows.ids) if identifier not in known]
        with path.open("a", encoding="utf-8") as file:
            for index in self.track(missing, rows.name) if missing else ():
                value = compute(index)
                known[rows.ids[index]] = value
                file.write(json.dumps([rows.ids[index], value.model_dump(mode="json")], ensure_ascii=False) + "\n")
                file.flush()
        return [known[identifier] for identifier in rows.ids]

    def array(self, name: str, key: Mapping[str, JsonValue], compute: Callable[[], Array]) -> Array:
        """An array that takes long to compute: read back where this key has it."""
        path = self.folder / f"{name}-{digest(key)}.npy"
        if not path.exists():
            unfinished = path.with_suffix(".part.npy")
            np.save(unfinished, compute(), allow_pickle=False)
            unfinished.rename(path)
        found: Array = np.load(path, allow_pickle=False)
        return found

    def track(self, items: Sequence[T], description: str) -> Iterable[T]:
        """The items, with a progress bar."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True) as progress:
            yield from progress.track(items, description=description)


def read_rows(path: Path, kind: type[N]) -> dict[str, N]:
    """Rows by id. A last line that a killed run left half written is dropped; any other damage raises DataError."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        path.write_text("".join(lines[:-1]), encoding="utf-8")
        lines = lines[:-1]
    try:
        pairs = [json.loads(line) for line in lines]
        return {identifier: kind.model_validate(value) for identifier, value in pairs}
    except (ValueError, ValidationError) as broken:
        raise DataError(f"{path} has a line that cannot be read; delete the file to compute its rows anew") from broken


def _files(place: Traversable) -> Iterable[Traversable]:
    if place.is_file():
        yield place
    else:
        for each in sorted(place.iterdir(), key=lambda found: found.name):
            if not each.name.startswith(("__pycache__", ".")):
                yield from _files(each)
