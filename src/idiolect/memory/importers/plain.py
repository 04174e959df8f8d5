"""Plain lists: JSON records with `text` or `memory`, one a line (JSONL) or in an array, and lines of plain words."""

import re
from collections.abc import Iterator
from typing import Final

from idiolect.memory.importers.found import (
    Format,
    Found,
    Left,
    Remembered,
    When,
    first,
    items,
    lines,
    mapping,
    moment,
    words,
)
from idiolect.memory.importers.pieces import Piece

TEXTS = ("text", "memory", "content", "statement")
LISTS = ("", "memories", "statements", "results", "items", "data")
TIMES = ("at", "said_at", "date", "created_at", "timestamp")
DATED: Final = re.compile(r"^\[?(\d{4}-\d{2}-\d{2})[^\]\s]*\]?\s*[-–—:]*\s*(.+)$")  # "[2025-03-02] - likes tea"


class Jsonl(Format):
    """`text` or `memory`; `at` and `topic`, if given; `source`, where several were put together."""

    name = "jsonl"
    title = "imported list"

    @classmethod
    def recognises(cls, piece: Piece) -> bool:
        """Any record with words in it."""
        return piece.key in LISTS and bool(_words(piece))

    @classmethod
    def found(cls, piece: Piece) -> Iterator[Found]:
        """One memory."""
        if piece.key not in LISTS:
            return
        record = mapping(piece.value)
        text = _words(piece)
        if record.get("role") in ("assistant", "system", "tool"):
            yield Left("words of the assistant")
        elif not text:
            yield Left("a record without `text` or `memory`")
        else:
            named = " ".join("".join(each for each in words(record.get("source")) if each.isprintable()).split())
            topic = words(record.get("topic")) or next(map(words, items(record.get("topics"))), "")
            source = f"{cls.title}, {named[:60]}" if named else cls.title
            yield Remembered(text, source, "list", moment(first(record, *TIMES)), topic)


def _words(piece: Piece) -> str:
    return words(piece.value) or words(first(mapping(piece.value), *TEXTS))


class Lines(Format):
    """One memory a line, as people copy them from a settings page; a date may stand before it."""

    name = "text"
    title = "imported list"

    @classmethod
    def recognises(cls, piece: Piece) -> bool:
        """Never by a piece of JSON: whatever else is text is read so."""
        return False

    @classmethod
    def found(cls, piece: Piece) -> Iterator[Found]:
        """The entry of one line."""
        for line in lines(words(piece.value)):
            dated = DATED.match(line)
            when, text = (moment(dated[1]), dated[2]) if dated else (When(), line)
            yield Remembered(text, cls.title, "list", when)
