"""The texts of this folder."""

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Question:
    """A question on which people differ, and two of its views."""

    text: str
    views: tuple[str, str]


@dataclass(frozen=True)
class Taste:
    """What somebody says of themselves, and the words of an answer that mentions it."""

    text: str
    words: tuple[str, ...]


def read_questions() -> list[Question]:
    """Thirty of them."""
    return [Question(text, (first, second)) for text, first, second in _rows("questions")]


def read_tastes() -> list[Taste]:
    """Tastes that bear on none of the questions."""
    return [Taste(text, tuple(words.split())) for text, words in _rows("tastes")]


def _rows(name: str) -> list[list[str]]:
    text = files(__package__).joinpath(f"{name}.txt").read_text(encoding="utf-8")
    return [line.split(" | ") for line in text.splitlines() if line and not line.startswith("#")]
