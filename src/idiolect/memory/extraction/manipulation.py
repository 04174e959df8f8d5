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

VERSION = "2026.1"
FILE = "manipulation.toml"
NAME = re.compile(  # a word with a capital within a sentence, but no nationality and no I
    r"(?<=[a-z,] )(?!(?:I|I'\w+|French|Greek|Thai|Dutch|Swiss|Welsh|Czech|\w+(?:an|ish|ese|ic|i))\b)[A-Z]\w+"
)


class Rules(BaseModel):
    """The file: lists of words, rules that use them in braces, and rules that need a name beside them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lists: dict[str, str]
    rules: dict[str, str]
    named: dict[str, str]


def manipulation(text: str) -> str | None:
    """The first rule that a statement breaks; nothing where it breaks none."""
    told = " ".join(unicodedata.normalize("NFKC", text).replace("\u2019", "'").split()).strip("\"'-*> ")
    always, named = _rules()
    found = {**always, **named} if NAME.search(told) else always
    return next((name for name, rule in found.items() if rule.search(told.casefold())), None)


@cache
def _rules() -> tuple[Mapping[str, re.Pattern[str]], Mapping[str, re.Pattern[str]]]:
    read = Rules.model_validate(tomllib.loads((Path(__file__).parent / FILE).read_text(encoding="utf-8")))
    return _compiled(read.rules, read.lists), _compiled(read.named, read.lists)


def _compiled(rules: Mapping[str, str], lists: Mapping[str, str]) -> Mapping[str, re.Pattern[str]]:
    return {
        name: re.compile(re.sub(r"\{([a-z]+)\}", lambda found: lists[found[1]], rule)) for name, rule in rules.items()
    }
