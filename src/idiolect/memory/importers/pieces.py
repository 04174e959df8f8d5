"""JSON read as a stream: one conversation or one memory at a time, whatever the size of the file, and past broken ones.

The text is cut at the commas of its outermost list, or of the lists that are members of its outermost object, and each
cut piece is parsed by itself. So a file that ends in the middle, or has one bad record, still gives all the others.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

DEEPEST = 200  # brackets within brackets; exports have about fifteen, and Python's parser gives up at a thousand
LARGEST = 32 * 1024 * 1024  # characters of one piece
CHUNK = 1024 * 1024
MARK: Final = re.compile(
    r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},:]|"', re.DOTALL
)  # the last: a string that is not over yet
OPENING, CLOSING = "[{", "]}"


@dataclass(frozen=True)
class Piece:
    """One value, under the name of the list that it stands in; "" for the outermost list."""

    key: str
    value: JsonValue


@dataclass(frozen=True)
class Broken:
    """A piece that cannot be read, and why."""

    why: str


class Cutter:
    """Cuts a stream of JSON text into pieces; holds one piece and one chunk in memory."""

    def __init__(self, read: Callable[[int], str]) -> None:
        """`read(n)` gives the next characters, "" at the end."""
        self._read = read
        self._text = ""
        self._at = 0  # up to where the text was looked at
        self._begin = 0  # where the piece begins
        self._depth = 0
        self._level = 1  # the depth at which pieces are separated
        self._root = ""
        self._key = ""
        self._fault = ""

    def pieces(self) -> Iterator[Piece | Broken]:
        """Every piece in its order; a last Broken where the text ends before its brackets do."""
        while self._more():
            yield from self._cut()
        if self._depth:
            yield Broken("the file ends in the middle of a record")

    def _more(self) -> bool:
        """Read on, keeping only what is not cut yet."""
        kept = self._begin if self._depth else self._at
        rest = self._text[kept:]
        if len(rest) > LARGEST:
            self._fault, kept, rest = "a record is too large", self._at, self._text[self._at :]
        if len(rest) > LARGEST:  # one endless string: its beginning, and what tells whether the next quote ends it
            rest = '"' + "\\" * (len(rest) - len(rest.rstrip("\\")))
        self._text, self._at, self._begin = rest, self._at - kept, max(self._begin - kept, 0)
        fresh = self._read(CHUNK)
        self._text += fresh
        return bool(fresh)

    def _cut(self) -> Iterator[Piece | Broken]:
        for mark in MARK.finditer(self._text, self._at):
            sign = mark.group()
            if sign == '"':  # the string goes on in the next chunk
                self._at = mark.start()
                return
            self._at = mark.end()
            if len(sign) == 1:
                yield from self._take(sign, mark.start(), mark.end())
        self._at = len(self._text)

    def _take(self, sign: str, start: int, end: int) -> Iterator[Piece | Broken]:
        if sign in OPENING:
            self._open(sign, start, end)
        elif sign in CLOSING:
            yield from self._close(start, end)
        elif sign == "," and self._depth == self._level:
            yield from self._piece(start, end)
        elif sign == ":" and self._depth == 1 and self._root == "{":
            self._key, self._begin = _name(self._text[self._begin : start]), end

    def _open(self, sign: str, start: int, end: int) -> None:
        self._depth += 1
        if self._depth == 1:
            self._root, self._level, self._begin, self._key = sign, 1, end, ""
        elif self._depth == 2 and self._root + sign == "{[" and not self._text[self._begin : start].strip():
            self._level, self._begin = 2, end
        elif self._depth > DEEPEST:
            self._fault = "a record is nested too deeply"

    def _close(self, start: int, end: int) -> Iterator[Piece | Broken]:
        if self._depth == self._level:
            yield from self._piece(start, end)
            self._level = 1
        self._depth = max(self._depth - 1, 0)

    def _piece(self, start: int, end: int) -> Iterator[Piece | Broken]:
        text, fault = self._text[self._begin : start], self._fault
        self._begin, self._fault = end, ""
        if fault:
            yield Broken(fault)
        elif text.strip():
            yield parsed(text, self._key)


def parsed(text: str, key: str = "") -> Piece | Broken:
    """One value from its text. Also what is deep or has endless digits is told, not raised."""
    try:
        return Piece(key, json.loads(text, strict=False))  # strict would refuse a bare line break within a string
    except (ValueError, RecursionError):
        return Broken("a record is not valid JSON")


def _name(text: str) -> str:
    found = parsed(text)
    return found.value if isinstance(found, Piece) and isinstance(found.value, str) else ""
