"""Files of choices that rewards are fitted on: JSON lines, read one by one.

A line is one choice of one person. Of two answers, the better one is named:

    {"user": "ada", "prompt": "How do I ...?", "chosen": "Like this ...", "rejected": "Well, ..."}

Of two or more, `choice` is the chosen one's place from 0, or null for a tie between two:

    {"user": "ada", "prompt": "How do I ...?", "answers": ["Like this ...", "Well, ...", "No."], "choice": 0}

`weight`, above 0 and at most 1, is a likelihood power: how far the choice counts (1 where it is not said). There are no
other fields. A file whose name ends in `.gz` is unpacked on the way.
"""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Self, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from idiolect.errors import DataError

L = TypeVar("L", bound=BaseModel)

LONGEST_LINE = 16 * 1024 * 1024
MOST_ANSWERS = 256

Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Reader: TypeAlias = Callable[[Path], Iterator["Row"]]  # of one format


class Row(BaseModel):
    """One choice, as the other formats are turned into it; `line` is where it stands in its file."""

    model_config = ConfigDict(frozen=True)

    line: int
    user: str
    prompt: str
    answers: tuple[str, ...]  # the chosen one first
    tied: bool = False
    weight: float = 1.0


class Line(BaseModel):
    """A line as documented above."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    user: Text
    prompt: str
    chosen: Text | None = None
    rejected: Text | None = None
    answers: Annotated[list[Text], Field(min_length=2, max_length=MOST_ANSWERS)] | None = None
    choice: int | None = Field(None, ge=0)
    weight: float = Field(1.0, gt=0, le=1, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        pair = self.chosen is not None and self.rejected is not None
        if pair == (self.answers is not None) or (self.answers is not None and (self.chosen or self.rejected)):
            raise ValueError("give `chosen` and `rejected`, or `answers` and `choice`")
        if pair and "choice" in self.model_fields_set:
            raise ValueError("`choice` belongs to `answers`")
        if self.answers is not None:
            self._in_range(self.answers)
        texts = self.answers or [self.chosen or "", self.rejected or ""]
        if len(set(texts)) < len(texts):
            raise ValueError(
                "two answers are identical, so that a choice between them says nothing: leave the line out"
            )
        return self

    def _in_range(self, answers: list[str]) -> None:
        if "choice" not in self.model_fields_set:
            raise ValueError("`answers` need `choice`: the place of the chosen one from 0, or null for a tie")
        if self.choice is None and len(answers) != 2:
            raise ValueError(f"a tie is between two answers, and here are {len(answers)}")
        if self.choice is not None and self.choice >= len(answers):
            raise ValueError(f"`choice` is {self.choice}, and there are {len(answers)} answers, counted from 0")

    def row(self, number: int) -> Row:
        """With the chosen answer first."""
        if self.answers is None:
            answers: tuple[str, ...] = (self.chosen or "", self.rejected or "")
        else:
            first = self.choice or 0
            answers = (self.answers[first], *self.answers[:first], *self.answers[first + 1 :])
        tied = self.answers is not None and self.choice is None
        return Row(line=number, user=self.user, prompt=self.prompt, answers=answers, tied=tied, weight=self.weight)


def read_choices(path: Path) -> Iterator[Row]:
    """The lines of a file, one by one. Raises DataError with the number of the first line that is of another form."""
    for number, text in numbered(path):
        yield parsed(Line, path, number, text).row(number)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked. Raises DataError where there is none to read."""
    try:
        packed = path.suffix == ".gz"
        with cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb") as file:
            yield file
    except (OSError, EOFError, gzip.BadGzipFile) as unreadable:
        raise DataError(f"{path} cannot be read as a file of choices: {unreadable}") from unreadable


def numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, counted from 1. Raises DataError for one that is too long, and for none at all."""
    found = 0
    with opened(path) as file:
        number = 0
        while text := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(text) > LONGEST_LINE:
                raise DataError(f"{path}, line {number}: longer than {LONGEST_LINE} bytes; is this JSON lines?")
            if text.strip():
                found += 1
                yield number, text
    if not found:
        raise DataError(f"{path} holds no choices: give JSON lines, one choice each")


def parsed(kind: type[L], path: Path, number: int, text: bytes) -> L:
    """A line as a record. Raises DataError with the line's number, the field, and what is wrong with it."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields)
            raise DataError(f"{path}, line {number}: unknown field {where!r}; there are: {known}") from wrong
        what = first["msg"].removeprefix("Value error, ")
        if first["type"] in {"string_too_short", "string_pattern_mismatch"}:
            what = "it is empty: give its text, or leave the line out"
        raise DataError(f"{path}, line {number}{f', field {where!r}' if where else ''}: {what}") from wrong
