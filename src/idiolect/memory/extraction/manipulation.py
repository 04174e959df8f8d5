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


class Rules(BaseModel):
    """The file: lists of words, and rules that use them in braces."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lists: dict[str, str]
    rules: dict[str, str]


def manipulation(text: str) -> str | None:
    """The first rule that a statement breaks; nothing where it breaks none."""
    plain = " ".join(unicodedata.normalize("NFKC", text).replace("\u2019", "'").casefold().split()).strip("\"'-*> ")
    return next((name for name, rule in _rules().items() if rule.search(plain)), None)


@cache
def _rules() -> Mapping[str, re.Pattern[str]]:
    read = Rules.model_validate(
        tomllib.loads((Path(__file__).parent / "manipulation.toml").read_text(encoding="utf-8"))
    )
    made = {}
    for name, rule in read.rules.items():
        made[name] = re.compile(re.sub(r"\{([a-z]+)\}", lambda found: read.lists[found[1]], rule))
    return made
