"""Names of other people, found by what is said beside them: "my boss Anna Smith", "Dr. Szabo", "my sister's name is".

A name that a taste is about is wanted and stays: "I love Agatha Christie", "I listen to Dr. Dre". So does the person's
own. Where nothing says that a name is of somebody whom the person knows, it stays too: nobody has a list of all names.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

CAPITAL = r"[A-Z\u00c0-\u00d6\u00d8-\u00de]"
SMALL = r"[a-z\u00df-\u00f6\u00f8-\u017f]"
PART = rf"(?:[OD]['\u2019])?{CAPITAL}[^\W\d_]*{SMALL}[^\W\d_]*(?:[-'\u2019]{CAPITAL}[^\W\d_]+)?"
TITLE = r"(?:Dr|Mr|Mrs|Ms|Mx|Prof|Professor|Doctor|Miss)\.?"
MINE = r"(?i:\b(?:my|our))(?: (?!favou?rite)[a-z]+){0,2}?"
CALLED = r"(?:,? (?:who(?: i|')s |is )?(?:called|named)|(?:['\u2019]s|s')?(?: first| last)? names? (?:is|are))"
NOT_OF_A_PEOPLE = r"(?!\w+(?:ish|ese|ian|ean)\b)"  # "my wife is Hungarian"


class Patterns(NamedTuple):
    """Each finds a name in the group `name`, but the last two."""

    known: tuple[re.Pattern[str], ...]  # with what ties it to the person
    another: re.Pattern[str]  # of a list: "my sons Tom and Max"
    titled: re.Pattern[str]
    taste: re.Pattern[str]  # right before a title
    many: re.Pattern[str]  # several people


def names_of_others(text: str) -> Iterator[tuple[int, int]]:
    """Where they stand, in no order; one may be told twice."""
    if not re.search(CAPITAL, text[1:]):
        return
    patterns = _patterns()
    for pattern in patterns.known:
        for match in pattern.finditer(text):
            yield match.span("name")
            end = match.end()
            has_more = patterns.many.search(match.group()) is not None
            while has_more and (more := patterns.another.match(text, end)) is not None:
                yield more.span("name")
                end = more.end()
    for match in patterns.titled.finditer(text):
        if match.start() and not patterns.taste.search(text[: match.start()]):
            yield match.span("name")


@cache
def _patterns() -> Patterns:
    """Compiled at their first use."""
    tie, no_name = rf"(?:{_any('ties')})s?", rf"(?!(?:{_any('no_name')})\b)"
    between = r"(?:(?:van|von|de|der|den|da|di|la|le|bin|al|el) ){0,2}"
    name = rf"{no_name}(?P<name>{PART}(?: {between}{no_name}{PART}){{0,3}})"
    person, own = rf"(?:{TITLE} )?{name}", rf"(?i:my|our) (?!favou?rite)(?:[a-z]+ )?{tie}\b"
    known = (
        rf"{MINE} {tie}{CALLED}? {person}",
        rf"{MINE} {tie} (?:is|are) {NOT_OF_A_PEOPLE}{person}",
        rf"{MINE} {tie}, {person}(?=[,.;!]|$)",
        rf"(?i:\ban? )(?:[a-z]+ )?{tie} of (?:mine|ours)(?:,|{CALLED})? {person}",
        rf"\b{name},? (?:is|was|who is) {own}",
        rf"\b{name}, {own}",
        rf"\b(?:married to|engaged to|divorced from) {person}",
    )
    return Patterns(
        known=tuple(map(re.compile, known)),
        another=re.compile(rf"(?:,| and|, and) {name}"),
        titled=re.compile(rf"\b{TITLE} {name}"),
        taste=re.compile(rf"\b(?:{_any('taste')})(?: (?:the|a|my|both|new|old|all|of|is))*,? $", re.IGNORECASE),
        many=re.compile(rf"\b(?:{_any('ties')})s\b|\bchildren\b"),
    )


def _any(name: str) -> str:
    return "|".join(" ".join(each.split()) for each in _lists()[name].split(","))


@cache
def _lists() -> Mapping[str, str]:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, str]).validate_python(tomllib.loads(text))
