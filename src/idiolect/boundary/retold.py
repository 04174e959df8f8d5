"""The same request in other manners: formal, terse, a learner's, dialects, a chat's, roundabout, small letters.

What somebody asks must decide, not how: a head that learnt one way of asking refuses less of the same harm in another.
Harmful and harmless requests go through the same rules and templates (`resources/retold.toml`), so that a manner tells
nothing of either.
"""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

ASKED: Final = re.compile(
    r"(?:how (?:do|can|could|would|should|might) (?:i|we|one|you|they|somebody|someone|people)"
    r"|(?:what is|what's) (?:the|a) \w+ way to|(?:can you )?help me(?: to)?"
    r"|(?:please )?(?:tell me|teach me|show me|explain|describe|walk me through|give me (?:tips|instructions)"
    r"(?: on| for)?)(?: exactly)? how (?:to|i can|one can)) (?P<done>.+?)[.?!]*",
    re.IGNORECASE | re.DOTALL,
)
ORDER: Final = re.compile(
    r"(?:please |can you |could you )?(?P<order>(?:write|draft|compose|generate|give|list|suggest|describe|tell|explain"
    r"|outline|devise|create|develop|make|show|teach|provide|convince|summari[sz]e|translate|design|plan|invent|compare"
    r"|find) .+?)[.?!]*",
    re.IGNORECASE | re.DOTALL,
)
MARKS: Final = re.compile(r"[^\w\s'-]")
PLAIN: Final = "small_letters"


class Manner(BaseModel):
    """How something is said: templates by what is asked, words that are replaced, words that are left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    how: tuple[str, ...]
    order: tuple[str, ...]
    other: tuple[str, ...]
    drops: frozenset[str] = frozenset()
    words: Mapping[str, str] = {}

    def told(self, text: str, rng: random.Random) -> str:
        """A request in this manner."""
        how, order = ASKED.fullmatch(text.strip()), ORDER.fullmatch(text.strip())
        if how:
            return _within(rng.choice(self.how), self._said(how["done"]))
        if order:
            return _within(rng.choice(self.order), self._said(_small(order["order"])))
        return _within(rng.choice(self.other), self._said(text.strip()))

    def _said(self, text: str) -> str:
        other = {word.lower(): said for word, said in self.words.items()}
        if other:
            text = _any_of(tuple(other)).sub(lambda found: other[found[0].lower()], text)
        return " ".join(word for word in text.split() if word.lower() not in self.drops)


@cache
def manners() -> dict[str, Manner]:
    """By name, in the file's order."""
    text = files("idiolect").joinpath("resources", "retold.toml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Manner]).validate_python(tomllib.loads(text))


def retold(text: str, rng: random.Random) -> dict[str, str]:
    """A request in every manner, by its name."""
    found = {name: manner.told(text, rng) for name, manner in manners().items()}
    for name in ("terse", "chat"):
        found[name] = _without_marks(found[name])
    return {**found, PLAIN: _without_marks(text)}


def some(texts: Sequence[str], each: int, seed: int) -> Iterator[list[str]]:
    """Of each text some manners in turn, so that all are told equally often."""
    rng, place = random.Random(seed), 0
    for text in texts:
        found = list(retold(text, rng).values())
        yield [found[(place + i) % len(found)] for i in range(each)]
        place += each


def _within(template: str, text: str) -> str:
    return template.replace("{}", text)


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _without_marks(text: str) -> str:
    return " ".join(MARKS.sub(" ", text).lower().split())


@cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """The longest that fits, in one pass, so that what was replaced is not replaced again."""
    longest = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w'-])(?:{longest})(?![\w'-])", re.IGNORECASE)
