"""Fits that go on where they were stopped: what the next step depends on is kept on disk now and then.

A fit is some stages, one after the other, and a stage is one step, taken again and again, on parts that can tell their
state: arrays and numbers, those of the generators of chance among them. So a fit that goes on gives the digits of one
that was never stopped. A file is written whole or not at all, and is read for the same key only: the same method,
settings, choices and version.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

SECONDS = 10.0  # between two writings
LEISURE = 20.0  # times that a writing took, and that the fit has at least until the next one
KEY, NUMBERS = "key", "numbers"

Arrays: TypeAlias = Mapping[str, NDArray[Any]]  # Any: as safetensors has them, of whatever type


@dataclass(frozen=True)
class State:
    """Of one part: copies of arrays, and numbers that JSON can hold."""

    arrays: Arrays = field(default_factory=dict)
    numbers: Mapping[str, JsonValue] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """One of the numbers."""
        return float(cast("float", self.numbers[name]))

    def array(self, name: str) -> NDArray[Any]:
        """A copy of one of the arrays."""
        return np.array(self.arrays[name])


class Resumable(Protocol):
    """A part of a fit that goes on from its own state."""

    def state(self) -> State:
        """All that its next step depends on, copied."""

    def resume(self, state: State) -> None:
        """Be what it was."""


@dataclass(frozen=True)
class Chance:
    """A generator, as a part."""

    generator: np.random.Generator

    def state(self) -> State:
        """Of its bits."""
        return State(numbers={"bits": cast("JsonValue", dict(self.generator.bit_generator.state))})

    def resume(self, state: State) -> None:
        """Draw on from there."""
        self.generator.bit_generator.state = cast("dict[str, Any]", state.numbers["bits"])


class Checkpoint:
    """The file of one fit. `found` says in words what was found of an earlier one; empty where nothing was."""

    def __init__(self, path: Path, key: Mapping[str, JsonValue], seconds: float = SECONDS) -> None:
        """`key` is everything that the fit depends on; a file of another key is not gone on with."""
        self.path, self.found = path, ""
        self._key = sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self._seconds = self._wait = seconds
        self._written = time.monotonic()
        self._stages = self._read() if path.exists() else {}

    def resume(self, stage: str, parts: Mapping[str, Resumable]) -> None:
        """Set the parts to what was kept of this stage, if it was reached."""
        for name, state in self._stages.get(stage, {}).items():
            parts[name].resume(state)

    def stepped(self, stage: str, parts: Mapping[str, Resumable]) -> None:
        """Write, if it is time."""
        if time.monotonic() - self._written < self._wait:
            return
        start = time.monotonic()
        self.ended(stage, parts)
        self._write()
        self._written = time.monotonic()
        self._wait = max(self._seconds, LEISURE * (self._written - start) if self._seconds else 0.0)

    def ended(self, stage: str, parts: Mapping[str, Resumable]) -> None:
        """Remember the stage as it is now; it is written with the next one."""
        self._stages[stage] = {name: part.state() for name, part in parts.items()}

    def forget(self) -> None:
        """Nothing is left to go on with."""
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        from safetensors.numpy import save_file

        arrays = {
            f"{stage}/{name}/{key}": np.ascontiguousarray(array)
            for stage, parts in self._stages.items()
            for name, state in parts.items()
            for key, array in state.arrays.items()
        }
        numbers = {
            stage: {name: dict(state.numbers) for name, state in parts.items()} for stage, parts in self._stages.items()
        }
        beside = self.path.with_name(self.path.name + ".part")
        save_file(arrays, beside, metadata={KEY: self._key, NUMBERS: json.dumps(numbers)})
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(self.path)

    def _read(self) -> dict[str, dict[str, State]]:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, framework="numpy") as file:
                about = dict(file.metadata() or {})
                arrays: dict[str, NDArray[Any]] = {
                    name: file.get_tensor(name)
                    for name in file.keys()  # noqa: SIM118 - not a dict
                }
        except (SafetensorError, OSError):
            self.found = f"what was kept of a stopped fit in {self.path} cannot be read: the fit begins anew"
            return {}
        if about.get(KEY) != self._key:
            self.found = f"{self.path} is of a fit of other choices or settings: this one begins anew"
            return {}
        self.found = f"going on with the fit that was stopped ({self.path})"
        numbers: dict[str, dict[str, dict[str, JsonValue]]] = json.loads(about[NUMBERS])
        return {
            stage: {
                name: State(
                    {
                        key.removeprefix(f"{stage}/{name}/"): array
                        for key, array in arrays.items()
                        if key.startswith(f"{stage}/{name}/")
                    },
                    own,
                )
                for name, own in parts.items()
            }
            for stage, parts in numbers.items()
        }


def run(
    stage: str, step: Callable[[], bool], parts: Mapping[str, Resumable], checkpoint: Checkpoint | None = None
) -> None:
    """Take the step until it says that there is no more; from where a stopped fit was, if one was kept.

    A stage that has ended takes no step: the first says that there is no more.
    """
    if checkpoint is not None:
        checkpoint.resume(stage, parts)
    while step():
        if checkpoint is not None:
            checkpoint.stepped(stage, parts)
    if checkpoint is not None:
        checkpoint.ended(stage, parts)
