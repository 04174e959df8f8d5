"""What would be read from each line of a JSONL file; nothing is stored."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from idiolect.errors import DataError
from idiolect.memory.extraction.reading import extract
from idiolect.schema import Slots


class Line(BaseModel):
    """A line of the input; fields beside `text` are handed on."""

    model_config = ConfigDict(extra="allow")

    text: str


def extracted_lines(lines: Iterable[bytes], read: Callable[[str], Sequence[Slots]] = extract) -> Iterator[str]:
    """A JSON object for each line, in order. Raises DataError that names the line which is not of the form."""
    for number, line in enumerate(lines, 1):
        told = _line(line, number)
        found: dict[str, JsonValue] = {**(told.model_extra or {})}
        found["preferences"] = [as_json(slots) for slots in read(told.text)]
        yield json.dumps(found, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def as_json(slots: Slots) -> JsonValue:
    """As the command prints it: the polarity in a word."""
    return {**slots.model_dump(mode="json"), "polarity": "like" if slots.polarity > 0 else "dislike"}


def _line(line: bytes, number: int) -> Line:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as broken:
        raise DataError(f"line {number} is not JSON: write one object a line, with the words in `text`") from broken
    try:
        return Line.model_validate(found)
    except ValidationError as broken:
        missing = "has no `text`" if isinstance(found, dict) and "text" not in found else "is not an object with a text"
        raise DataError(f'line {number} {missing}: write it as {{"text": "I prefer quiet hotels"}}') from broken
