"""What is found in another system's export, before anything is read from its words."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, TypeAlias

from pydantic import JsonValue

from idiolect.memory.importers.pieces import Piece

LONGEST_TITLE = 60
MILLISECONDS = 1e11  # a number of seconds as large would be the year 5138, so it counts milliseconds


@dataclass(frozen=True)
class When:
    """A time as the export gives it; `is_wrong` where it gives one that cannot be read."""

    at: datetime | None = None
    is_wrong: bool = False


@dataclass(frozen=True)
class Said:
    """A message that the person wrote in a conversation."""

    text: str
    source: str  # for the person to judge: "ChatGPT export, conversation "Rome" of 2025-03-02"
    where: str  # what tells this place from others in the export, such as the conversation's id
    when: When = When()


@dataclass(frozen=True)
class Remembered:
    """An entry of a list of memories: a statement about the person, in whoever's words."""

    text: str
    source: str
    where: str
    when: When = When()
    topic: str = ""


@dataclass(frozen=True)
class Left:
    """Something that is not read at all, and why."""

    why: str


Found: TypeAlias = Said | Remembered | Left


class Format(ABC):
    """One kind of export. `recognises` and `found` see one piece of it at a time."""

    name: ClassVar[str]
    title: ClassVar[str]  # as it stands in a proposal's source

    @classmethod
    @abstractmethod
    def recognises(cls, piece: Piece) -> bool:
        """Whether a file with this piece is of this kind."""

    @classmethod
    @abstractmethod
    def found(cls, piece: Piece) -> Iterator[Found]:
        """What the piece holds of the person."""


def mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    """The value, if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: JsonValue) -> Sequence[JsonValue]:
    """The value, if it is a list; else an empty one."""
    return value if isinstance(value, list) else ()


def words(value: JsonValue) -> str:
    """The value, if it is text; else none."""
    return value if isinstance(value, str) else ""


def first(record: Mapping[str, JsonValue], *names: str) -> JsonValue:
    """The first of these members that holds something."""
    return next((record[name] for name in names if record.get(name) not in (None, "")), None)


def moment(value: JsonValue) -> When:
    """A time in seconds or milliseconds since 1970, or as ISO 8601; without a zone it is read as UTC."""
    if value is None or value == "":
        return When()
    try:
        at = _number(value) if isinstance(value, int | float) else _written(words(value))
    except (ValueError, OverflowError, OSError):  # as datetime raises for years that there are not
        return When(is_wrong=True)
    now = datetime.now(UTC) + timedelta(days=1)  # a clock that was a little ahead
    return When(at) if datetime(1990, 1, 1, tzinfo=UTC) <= at <= now else When(is_wrong=True)


def _number(value: float) -> datetime:
    seconds = float(value)
    if isinstance(value, bool) or not math.isfinite(seconds):
        raise ValueError("not a time")
    return datetime.fromtimestamp(seconds / 1000 if seconds > MILLISECONDS else seconds, tz=UTC)


def _written(text: str) -> datetime:
    at = datetime.fromisoformat(text.strip())
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def conversation(title: str, name: JsonValue, when: When) -> str:
    """How a conversation is named to the person: the export, its title and its day, as far as they are known."""
    plain = " ".join("".join(each if each.isprintable() else " " for each in words(name)).split())
    shown = plain if len(plain) <= LONGEST_TITLE else plain[: LONGEST_TITLE - 1] + "…"
    named = f'{title}, conversation "{shown}"' if shown else f"{title}, a conversation without a title"
    return f"{named} of {when.at:%Y-%m-%d}" if when.at else named


def lines(text: str) -> Iterator[str]:
    """Entries of a list in plain words: one a line, without bullets; headings and blank lines are none."""
    for line in text.splitlines():
        entry = line.strip()
        if entry and not entry.startswith(("#", "```", "---", "===")):
            yield entry.lstrip("-*•‣·– \t").strip()
