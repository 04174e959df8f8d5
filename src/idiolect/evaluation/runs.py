"""A run folder: what a bench has computed is kept row by row, so that a run that was stopped goes on where it was."""

import ast
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from pydantic import JsonValue, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from idiolect.errors import DataError
from idiolect.evaluation.protocol import N, Rows
from idiolect.schema import Array

T = TypeVar("T")
PARSING = Lock()  # Python 3.11 counts the depth of what it parses for all threads together, and fails where two parse


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


@lru_cache(maxsize=256)
def code_behind(module: str) -> tuple[str, ...]:
    """The files, as `code_version` takes them, of a module of idiolect and of all of idiolect that it imports.

    Packages' own files, which hold registries, are left out: a method does not depend on those listed beside it.
    """
    found, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop().removeprefix("idiolect.").replace(".", "/") + ".py"
        file = files("idiolect").joinpath(name)
        if name in found or not file.is_file():
            continue
        found.add(name)
        with PARSING:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("idiolect"):
                waiting += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names if alias.name.startswith("idiolect.")]
    return tuple(sorted(found))


class RunFolder:
    """Rows under one folder, and progress on stderr. A row's file is named by all that it depends on, so that runs
    with other settings share what they have in common.
    """

    def __init__(self, kept: Path, console: Console | None = None) -> None:
        """`console` shows progress; without one nothing is shown."""
        self.kept = kept
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        shown_on = console or Console(quiet=True)
        self._bars = Progress(*columns, TimeRemainingColumn(), console=shown_on, transient=True)
        self._tracking, self._lock = 0, Lock()
        kept.mkdir(parents=True, exist_ok=True)

    def rows(self, rows: Rows[N], compute: Callable[[int], N], workers: int = 1) -> list[N]:
        """One value for each id: read back where the same key has it, else computed, written and flushed."""
        path = self.kept / f"{rows.name}-{digest(rows.key)}.jsonl"
        known = read_rows(path, rows.kind)
        missing = [index for index, identifier in enumerate(rows.ids) if identifier not in known]
        lock = Lock()
        with path.open("a", encoding="utf-8") as file, ThreadPoolExecutor(workers) as pool:

            def keep(index: int) -> None:
                value = compute(index)
                line = json.dumps([rows.ids[index], value.model_dump(mode="json")]) + "\n"
                with lock:
                    known[rows.ids[index]] = value
                    file.write(line)
                    file.flush()

            futures = [pool.submit(keep, index) for index in missing]
            try:
                for future in self.track(as_completed(futures), rows.name, len(missing)) if missing else ():
                    future.result()
            finally:
                pool.shutdown(cancel_futures=True)  # what was stopped must not go on in the background
        return [known[identifier] for identifier in rows.ids]

    def array(self, name: str, key: Mapping[str, JsonValue], compute: Callable[[], Array]) -> Array:
        """An array that takes long to compute: read back where this key has it."""
        path = self.kept / f"{name}-{digest(key)}.npy"
        if not path.exists():
            unfinished = path.with_suffix(".part.npy")
            np.save(unfinished, compute(), allow_pickle=False)
            unfinished.rename(path)
        found: Array = np.load(path, allow_pickle=False)
        return found

    def track(self, items: Iterable[T], description: str, total: int) -> Iterable[T]:
        """The items, with a progress bar."""
        with self._shown() as progress:
            task = progress.add_task(description, total=total)
            for item in items:
                yield item
                progress.advance(task)
            progress.remove_task(task)

    @contextmanager
    def _shown(self) -> Iterator[Progress]:
        """The one display of all bars: several rows of a bench may be under way."""
        with self._lock:
            if not self._tracking:
                self._bars.start()
            self._tracking += 1
        try:
            yield self._bars
        finally:
            with self._lock:
                self._tracking -= 1
                if not self._tracking:
                    self._bars.stop()


def read_rows(path: Path, kind: type[N]) -> dict[str, N]:
    """Rows by id. A last line that a killed run left half written is dropped; any other damage raises DataError."""
    if not path.exists():
        return {}
    *lines, rest = path.read_text(encoding="utf-8").split("\n")
    if rest:
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
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
