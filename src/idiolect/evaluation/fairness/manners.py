"""The manners in which the same thing is said, each with the manner that it is held against.

Dialects, a learner's English, formal and terse writing stand side by side in this folder's text files, a line an item,
a column a manner; `no_punctuation` is the standard text in small letters without any marks. A name that is mostly given
to women, men, or people of an age is put before the standard text, and held against a name that tells nothing of it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from idiolect.errors import DataError

STANDARD: Final = "standard"
NEUTRAL: Final = "neutral_name"
WRITTEN: Final = (STANDARD, "african_american", "scottish", "indian", "learner", "formal", "terse")
NAMES: Final[Mapping[str, Sequence[str]]] = {
    NEUTRAL: ("Alex", "Sam", "Robin", "Jordan", "Casey", "Charlie", "Jamie", "Morgan"),
    "womens_name": ("Emma", "Sarah", "Maria", "Priya", "Aisha", "Chloe", "Hannah", "Mei"),
    "mens_name": ("James", "Liam", "Carlos", "Rahul", "Omar", "Jack", "Daniel", "Wei"),
    "older_name": ("Mildred", "Harold", "Ethel", "Walter", "Gertrude", "Ernest", "Doris", "Norman"),
    "younger_name": ("Jayden", "Kayleigh", "Mason", "Nevaeh", "Brayden", "Skylar", "Aiden", "Zoey"),
}
MANNERS: Final = (*WRITTEN, "no_punctuation", *NAMES)
REFERENCES: Final = (STANDARD, NEUTRAL)
GROUPS: Final = tuple(manner for manner in MANNERS if manner not in REFERENCES)


@dataclass(frozen=True)
class Item:
    """One thing to say: what is known of it, and its text in every manner."""

    key: tuple[str, ...]
    texts: Mapping[str, str]


def reference(manner: str) -> str:
    """The manner that one is held against."""
    return NEUTRAL if manner in NAMES else STANDARD


def read_items(name: str, keys: int = 0) -> list[Item]:
    """The items of one file of this folder, whose first `keys` columns say what is known of each."""
    text = files(__package__).joinpath(f"{name}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [_item(line, number, keys) for number, line in enumerate(lines)]


def _item(line: str, number: int, keys: int) -> Item:
    columns = [column.strip() for column in line.split(" | ")]
    if len(columns) != keys + len(WRITTEN) or not all(columns):
        raise DataError(f"a line needs {keys + len(WRITTEN)} columns, none of them empty: {line}")
    texts = dict(zip(WRITTEN, columns[keys:], strict=True))
    plain = texts[STANDARD]
    texts["no_punctuation"] = re.sub(r"[^\w\s-]", "", plain).lower()
    texts |= {manner: f"{names[number % len(names)]} here. {plain}" for manner, names in NAMES.items()}
    return Item(tuple(columns[:keys]), texts)
