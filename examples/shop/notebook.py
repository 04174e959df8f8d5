"""What people picked, kept as lines that are only ever appended; what is believed of them is rebuilt from these."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from pydantic import Field, ValidationError, model_validator

from idiolect.errors import DataError
from idiolect.schema import Noun, UserId


class Pick(Noun):
    """Items that somebody was shown, by their ids, and which of them they took; None: neither of two."""

    shown: tuple[str, ...] = Field(min_length=2, max_length=20)
    chosen: str | None = None

    @model_validator(mode="after")
    def _is_one_of_those(self) -> "Pick":
        if self.chosen is not None and self.chosen not in self.shown:
            raise ValueError(f"{self.chosen!r} was not among what was shown")
        if len(set(self.shown)) < len(self.shown):
            raise ValueError("an item was shown beside itself")
        return self


class Line(Noun):
    """A line of the file."""

    user: UserId
    pick: Pick


class Notebook:
    """Everybody's picks, in one file; safe in threads, and for one process at a time."""

    def __init__(self, path: Path) -> None:
        """Raises DataError with the line that cannot be read: what was picked is never guessed."""
        self.path = path
        self._lock = Lock()
        self._lines = _read(path)

    def picks(self, user: str) -> Sequence[Pick]:
        """Of one person, oldest first; nothing of somebody who never picked."""
        with self._lock:
            return tuple(line.pick for line in self._lines if line.user == user)

    def add(self, user: str, pick: Pick) -> None:
        """Keep it."""
        line = Line(user=user, pick=pick)
        with self._lock:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line.model_dump_json() + "\n")
            self._lines.append(line)

    def forget(self, user: str) -> int:
        """Drop everything of one person, from the file too; how many picks that were."""
        with self._lock:
            kept = [line for line in self._lines if line.user != user]
            gone = len(self._lines) - len(kept)
            beside = self.path.with_name(self.path.name + ".part")
            beside.write_text("".join(line.model_dump_json() + "\n" for line in kept), encoding="utf-8")
            beside.replace(self.path)
            self._lines = kept
            return gone


def _read(path: Path) -> list[Line]:
    if not path.exists():
        return []
    found = list[Line]()
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            found.append(Line.model_validate_json(line))
        except ValidationError as bad:
            raise DataError(
                f"line {number} of {path} cannot be read as a pick ({bad.errors()[0]['msg']}): take the line out, or "
                "name another file with --picks"
            ) from bad
    return found
