"""The policy file: categories of harm, what is done about each, and the rules that notice them."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from idiolect.boundary.vocabulary import FEWEST_LETTERS, START, words_of
from idiolect.errors import PolicyError
from idiolect.schema import Action
from idiolect.settings import Country

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,48}$")]
HelpLine = Annotated[str, Field(min_length=1, max_length=300)]
Weight = Annotated[float, Field(ge=0, le=1)]
Words = tuple[str | tuple[str, ...], ...]  # each a group's name ("make|buy" for either), or a list of words
Gap = Annotated[int, Field(ge=1, le=60)]
Within = Gap | tuple[Gap, ...]  # words from one group to the next: one number for all, or one for each
CONTINUES = "continues"  # the group of words by which a turn leans on the one before
DECLINES = "declines"  # the group of words by which an answer declines
LONGEST_PATTERN = 400
_RISKY = (
    (r"\\[1-9]|\(\?P=", "refers back to a group"),
    (r"(?<!\\)[*+](?!\?*\)?\])|\{\d+,\}", "repeats without bound (write {0,60} instead of * or +)"),
    (r"\)\s*\{\d+,\d{2,}\}", "repeats a group ten times or more"),
)


class Part(BaseModel):
    """A table of the file: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


PartT = TypeVar("PartT", bound=Part)


class Rule(Part):
    """Notices one thing: groups of words near each other, or a regular expression over normalised text."""

    id: Name
    words: Words = ()
    pattern: str | None = None
    within: Within = 8
    ordered: bool = True
    unless: Words = ()  # any of these close to the match, and there is no match
    score: Weight
    firm: bool = False  # no context makes it less
    where: Literal["request", "answer", "both"] = "request"

    @field_validator("pattern")
    @classmethod
    def _is_safe(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        if len(pattern) > LONGEST_PATTERN:
            raise ValueError(f"the pattern is longer than {LONGEST_PATTERN} characters")
        for risky, reason in _RISKY:
            if re.search(risky, pattern):
                raise ValueError(f"the pattern {reason}, which can take very long on some texts")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"the pattern is no regular expression: {error}") from error
        return pattern

    @field_validator("words", "unless")
    @classmethod
    def _are_words(cls, words: Words) -> Words:
        _check_entries(entry for item in words if not isinstance(item, str) for entry in item)
        return words

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        if bool(self.words) == bool(self.pattern):
            raise ValueError(f"rule {self.id!r} needs either words or a pattern")
        if len(self.gaps) != max(0, len(self.words) - 1):
            raise ValueError(f"rule {self.id!r} has {len(self.words)} groups of words and {len(self.gaps)} distances")
        if set(self.words) & set(self.unless):
            raise ValueError(f"rule {self.id!r} can never match: the same words are asked for and barred by unless")
        return self

    @property
    def gaps(self) -> tuple[int, ...]:
        """The words that may lie between each group and the next."""
        return _gaps(self.words, self.within)


class Context(Part):
    """Words around a request that make it less (factor < 1) or more (factor > 1) risky."""

    id: Name
    words: Words
    within: Within = 8
    factor: Annotated[float, Field(ge=0, le=2)]
    categories: tuple[Name, ...] = ()  # none named: all
    where: Literal["request", "answer", "both"] = "request"

    @property
    def gaps(self) -> tuple[int, ...]:
        """The words that may lie between each group and the next."""
        return _gaps(self.words, self.within)


class Category(Part):
    """One kind of harm."""

    name: Name
    title: str  # "I can't help with ..."
    action: Action
    universal: bool = False
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    instead: str  # "I can ... instead"
    examples: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


class Policy(Part):
    """A whole policy."""

    version: Annotated[str, Field(min_length=1, max_length=60)]
    tau: Annotated[float, Field(gt=0, lt=1)] = 0.5
    helpline: str
    help_lines: dict[Country, HelpLine] = Field(default_factory=dict)  # by country, said after `helpline`
    words: dict[Name, tuple[str, ...]]
    context: tuple[Context, ...] = ()
    category: tuple[Category, ...]

    @field_validator("words")
    @classmethod
    def _are_words(cls, words: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        _check_entries(entry for entries in words.values() for entry in entries)
        return words

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Self:
        names = [category.name for category in self.category]
        ids = [rule.id for category in self.category for rule in category.rules] + [c.id for c in self.context]
        for kind, seen in (("category", names), ("rule or context", ids)):
            twice = sorted({name for name in seen if seen.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} {twice[0]!r} stands twice")
        return self

    @model_validator(mode="after")
    def _names_what_exists(self) -> Self:
        for needed in sorted({CONTINUES, DECLINES} - set(self.words)):
            raise ValueError(f"[words] lacks the group {needed!r}, which the rules screen reads")
        for owner, words in self._word_lists():
            for name in (n for item in words if isinstance(item, str) for n in item.split("|")):
                if name not in self.words and name != START:
                    raise ValueError(f"{owner} names the words {name!r}, which [words] does not hold")
        there = {category.name for category in self.category}
        for context in self.context:
            for name in sorted(set(context.categories) - there):
                raise ValueError(f"context {context.id!r} names the category {name!r}, which does not exist")
        return self

    def _word_lists(self) -> list[tuple[str, Words]]:
        rules = [rule for category in self.category for rule in category.rules]
        return [(f"rule {rule.id!r}", rule.words + rule.unless) for rule in rules] + [
            (f"context {context.id!r}", context.words) for context in self.context
        ]


def _check_entries(entries: Iterable[str]) -> None:
    for entry in entries:
        if not words_of(entry):
            raise ValueError(f"{entry!r} holds no word")
        if any(word.endswith("*") and len(word) <= FEWEST_LETTERS for word in words_of(entry)):
            raise ValueError(f"{entry!r} is too short for a star: at least {FEWEST_LETTERS} letters stand before it")


def _gaps(words: Words, within: Within) -> tuple[int, ...]:
    return (within,) * (len(words) - 1) if isinstance(within, int) else within


def parse(text: str, name: str, form: type[PartT]) -> PartT:
    """Raises PolicyError with the file, the key and the reason."""
    try:
        return form.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{name} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise PolicyError(explained(error, name)) from error


def explained(error: ValidationError, name: str) -> str:
    """The first mistake in one sentence."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "the whole file"
    return f"{name}, {key}: {first['msg'].removeprefix('Value error, ')}"


@cache
def shipped() -> Policy:
    """The policy that comes with Idiolect."""
    return parse(files("idiolect.boundary").joinpath("policy.toml").read_text(encoding="utf-8"), "policy.toml", Policy)
