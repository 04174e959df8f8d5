"""From what a person says to a preference in slots; and what may be kept of it at all.

A statement is data, never instructions to a model: imperatives beyond the closed list of style.py, links and characters
that cannot be seen are refused at the door.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pydantic import TypeAdapter

from idiolect.errors import BadInput
from idiolect.memory.extraction.style import style_statements, unread
from idiolect.schema import Preference, Statement

Kind: TypeAlias = Literal["topic", "style", "constraint", "about_me"]

LONGEST = 1000  # characters
LINK: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.|\b(?:mailto|javascript|data):\S|\[[^\]]*\]\("
    r"|\b[a-z0-9-]+\.(?:com|org|net|io|ai|app|co|dev|info|biz|xyz|me|ru|cn|de|uk|fr)\b(?:/|\s|$)",
    re.IGNORECASE,
)
MARKUP: Final = re.compile(r"<\||\|>|```|\{\{|</?(?:system|user|assistant)", re.IGNORECASE)
# Blank letters and marks that have no place of their own on the page, beside the invisible categories.
BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
JOINERS: Final = frozenset("\u200c\u200d")  # seen by their work: within an emoji, between letters of Persian or Hindi
INVISIBLE: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})


def admitted(text: str) -> str:
    """The statement, which may be kept. Raises BadInput for what may not."""
    if not text.strip():
        raise BadInput("the statement is empty: say something of yourself, or of how you like your answers")
    if len(text) > LONGEST:
        raise BadInput(f"the statement has {len(text):,} characters: say it in at most {LONGEST:,}")
    if any(_is_hidden(text, place) for place in range(len(text))):
        raise BadInput("the statement has characters that cannot be seen: type it anew instead of pasting it")
    if LINK.search(text):
        raise BadInput("the statement has a link: say in your own words what you like, without addresses")
    if MARKUP.search(text) or _any("injected").search(_plain(text)) or any(_is_order(piece) for piece in unread(text)):
        raise BadInput(
            "the statement is an instruction to the model: say how you like your answers (shorter, more formal, with "
            'examples, no emoji, ...), or what you like in other things ("I prefer quiet hotels")'
        )
    return text


def preferences_of(statement: Statement) -> tuple[Preference, ...]:
    """One preference for each attribute of style that is named, or one for what is said otherwise."""
    pairs = style_statements(statement.text)
    if not pairs:
        return (_preference(statement, kind_of(statement.text), None, 1 if is_for(statement.text) else -1),)
    return tuple(_preference(statement, "style", attribute, polarity) for attribute, polarity in pairs)


def is_for(text: str) -> bool:
    """A guess at whether a statement that is not of style speaks for what it is about."""
    return _any("against").search(_plain(text)) is None


def kind_of(text: str) -> Kind:
    """A guess at what a statement that is not of style is about."""
    plain = _plain(text)
    if _any("constraint").search(plain) or plain.casefold().startswith("no "):
        return "constraint"
    if _any("about_me").search(plain) and not _any("fond").search(plain):
        return "about_me"
    return "topic"


def _preference(statement: Statement, kind: Kind, attribute: str | None, polarity: int) -> Preference:
    return Preference(
        id=statement.id,
        kind=kind,
        text=statement.text,
        attribute=attribute,
        polarity=1 if polarity > 0 else -1,
        at=statement.at,
    )


def _is_order(piece: str) -> bool:
    """An imperative to the model, however politely it begins."""
    polite = _any("polite")
    while (found := polite.match(piece)) is not None:
        piece = piece[found.end() :].lstrip()
    return _any("orders").match(piece) is not None and not piece.startswith("call me ")


@cache
def _words() -> Mapping[str, str]:
    text = (Path(__file__).parent / "statements.toml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, str]).validate_python(tomllib.loads(text))


@cache
def _any(kind: str) -> re.Pattern[str]:
    """Any of the words and phrases of this kind."""
    phrases = (" ".join(phrase.split()).replace("*", r"\w+") for phrase in _words()[kind].split(","))
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b", re.IGNORECASE)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).replace("\u2019", "'").split())


def _is_hidden(text: str, place: int) -> bool:
    character = text[place]
    if character in "\n\t\r":
        return False
    if character in JOINERS:
        return not all(side and ord(side) > 0x2FF for side in (text[place - 1 : place], text[place + 1 : place + 2]))
    if unicodedata.name(character, "").startswith("VARIATION SELECTOR"):  # one may choose a picture; a row hides bytes
        return character > "\ufe0f" or place == 0 or unicodedata.category(text[place - 1]) == "Mn"
    return character in BLANKS or unicodedata.category(character) in INVISIBLE
