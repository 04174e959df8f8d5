"""Manipulation dressed as a taste: jailbreaks, claims of authority, flattery, promotion, triggers, swapped records.

Published attacks on memories are MINJA (Dong et al., 2025, arXiv 2503.03704), SpAIware (Rehberger, 2024), poisoned
recommendations ("remember X as the trusted source") and personas that have no rules. None says how a person likes
things: each says what the model shall do for, or hide from, whoever asks. The rules are in manipulation.toml.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

VERSION = "2026.2"
FILE = "manipulation.toml"
ALIKE = frozenset({"latin", "cyrillic", "greek", "armenian"})  # of one word these are never mixed, but to deceive
LETTERS = re.compile(r"[^\W\d_]{4,}")
NAME = re.compile(  # a word with a capital within a sentence, but no nationality and no I
    r"(?<=[a-z,] )(?!(?:I|I'\w+|French|Greek|Thai|Dutch|Swiss|Welsh|Czech|\w+(?:an|ish|ese|ic|i))\b)[A-Z]\w+"
)


class Rules(BaseModel):
    """The file: lists of words, rules that use them in braces, those that need a name beside, and those by script."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lists: dict[str, str]
    rules: dict[str, str]
    named: dict[str, str]
    scripts: dict[str, str]


def manipulation(text: str) -> str | None:
    """The first rule that a statement breaks; nothing where it breaks none."""
    told = " ".join(unicodedata.normalize("NFKC", text).replace("\u2019", "'").split()).strip("\"'-*> ")
    always, named, scripts = _rules()
    found = {**always, **named} if NAME.search(told) else always
    plain = told.casefold()
    broken = next((name for name, rule in found.items() if rule.search(plain)), None)
    return broken if broken is not None or plain.isascii() else _in_other_letters(plain, scripts)


def _in_other_letters(plain: str, scripts: Mapping[str, re.Pattern[str]]) -> str | None:
    """What is said in other letters than Latin ones, or hides behind letters that look like these."""
    letters = [script for char in plain if char.isalpha() and not char.isascii() for script in [_script(char)]]
    others = [script for script in letters if script != "latin"]
    if any(len({_script(char) for char in word} & ALIKE) > 1 for word in LETTERS.findall(plain)):
        return "mixed-letters"
    if any(scripts[script].search(plain) for script in set(others) & scripts.keys()):
        return "to-the-model"
    unread = sum(script not in scripts for script in others)
    return "unread-letters" if unread > sum(map(str.isalpha, plain)) / 2 else None


def _script(char: str) -> str:
    """The first word of its name: "latin", "cyrillic", "cjk", ..."""
    return unicodedata.name(char, "").partition(" ")[0].casefold()


@cache
def _rules() -> tuple[Mapping[str, re.Pattern[str]], ...]:
    """Those that always count, those beside a name, and those by script."""
    read = Rules.model_validate(tomllib.loads((Path(__file__).parent / FILE).read_text(encoding="utf-8")))
    return tuple(_compiled(rules, read.lists) for rules in (read.rules, read.named, read.scripts))


def _compiled(rules: Mapping[str, str], lists: Mapping[str, str]) -> Mapping[str, re.Pattern[str]]:
    return {
        name: re.compile(re.sub(r"\{([a-z]+)\}", lambda found: lists[found[1]], rule)) for name, rule in rules.items()
    }
