"""When two statements are about the same thing: the same attribute, or objects of the same stemmed words in any order.

"Hotels with a loud nightlife" and "loud nightlife hotels" are one thing; "seafood" and "oysters" are two, and so are
"coffee with sugar" and "coffee without sugar".
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

from idiolect.memory.recall.words import stems, words
from idiolect.schema import Slots

Words: TypeAlias = frozenset[str]
Thing: TypeAlias = tuple[str, Words, Words, Words]

NEGATION: Final = re.compile(r"\b(?:no|not|never|without|none|nor|non|cannot|\w+n['\u2019]t)\b", re.IGNORECASE)
EMPTY: Final = "really quite rather pretty kind sort type lot bit any anymore"
NUMBERS: Final = (
    "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty hundred thousand"
)
QUANTIFIED: Final = ("constraint", "about_me")  # a new number takes the place of the old one: "at most four hours"
NUMBER: Final = re.compile(r"\d+")
YEAR: Final = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Key:
    """What a statement is about. Two of one `thing` are the same; two of one `frame` may differ in a quantity."""

    thing: Thing  # sort, object, what it is preferred to, scope
    frame: Thing | None  # None where quantities are names: "the 1975"
    sign: int  # -1 and 1 of one thing say the opposite


def key_of(slots: Slots) -> Key:
    """Where a statement belongs. "Tea over coffee" and "coffee over tea" are one thing, of opposite signs."""
    scope = identity(slots.scope)
    if slots.attribute is not None:
        key = ("attribute", frozenset((slots.attribute,)), frozenset[str](), scope)
        return Key(key, None, slots.polarity)
    sort = "about_me" if slots.kind == "about_me" else "wish"
    best, other, sign = identity(slots.object or slots.span), identity(slots.over), int(slots.polarity)
    if other and sorted(other) < sorted(best):
        best, other, sign = other, best, -sign
    frame = (sort, _framed(best), _framed(other), scope) if slots.kind in QUANTIFIED else None
    return Key((sort, best, other, scope), frame, sign)


def identity(text: str) -> Words:
    """The words that make a thing what it is."""
    if not text:
        return frozenset()
    said = frozenset(stems(text)) - _stems(EMPTY) or frozenset(words(text))
    return said | {"not"} if NEGATION.search(text) else said


def _framed(said: Words) -> Words:
    """Every quantity as one mark; a year is no quantity."""
    return frozenset("#" if _is_quantity(word) else word for word in said)


def _is_quantity(word: str) -> bool:
    return word in _stems(NUMBERS) or (NUMBER.match(word) is not None and YEAR.fullmatch(word) is None)


@cache
def _stems(constant: str) -> Words:
    """Of this module's own lists: nothing that a person said is kept."""
    return frozenset(stems(constant))
