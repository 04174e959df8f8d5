"""What the gate is fitted from: questions and statements of many areas of life, written for this project.

`recall-areas.toml` has what people ask and say in each area; `recall-beyond.toml` what bears on several areas, scopes
("when I travel"), and prompts that nothing bears on. Noun phrases become sentences by templates, drawn by a seed.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from idiolect.errors import DataError

ASKED, LIKED, DISLIKED, PAIRED = 4, 1, 2, 1  # sentences that one noun phrase becomes, of each sort

Flags = NDArray[np.bool_]


class Area(BaseModel):
    """One area of life. Items are parted by semicolons."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    near: str  # areas whose statements may or may not bear on this one's questions
    asks: str
    questions: str
    objects: str
    says: str


class Carried(BaseModel):
    """Statements that bear on several areas."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    areas: str
    says: str


class Reach(BaseModel):
    """Statements of some areas bear on the questions of others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: str
    on: str


class Beyond(BaseModel):
    """What is not of one area."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    templates: dict[str, str]
    families: dict[str, str]
    carry: tuple[Carried, ...]
    reach: tuple[Reach, ...]
    scope: tuple[Carried, ...]
    chat: dict[str, str]


@dataclass(frozen=True)
class Sayings:
    """Sentences of one sort. `phrase` numbers what a sentence was made from: variants of one phrase hang together."""

    texts: tuple[str, ...]
    phrase: NDArray[np.int64]  # (n,)
    own: Flags  # (n, areas) where it was written for
    bears: Flags  # (n, areas) what it bears on

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Corpus:
    """All of it. Questions of no area (chat) come last among the questions."""

    areas: tuple[str, ...]
    questions: Sayings
    statements: Sayings
    near: Flags  # (areas, areas), symmetric, each area near itself
    families: Flags  # (areas, families), each area in one

    @cached_property
    def relevant(self) -> Flags:
        """(questions, statements)"""
        return _meet(self.questions.own, self.statements.bears)

    @cached_property
    def foreign(self) -> Flags:
        """(questions, statements) pairs that surely do not belong together; the rest may."""
        return ~self.relevant & ~_meet(self.questions.own, _meet(self.statements.own, self.near))


def shipped_corpus(seed: int = 0) -> Corpus:
    """The one in the package."""
    folder = files("idiolect").joinpath("resources")
    areas = tomllib.loads(folder.joinpath("recall-areas.toml").read_text("utf-8"))["area"]
    beyond = tomllib.loads(folder.joinpath("recall-beyond.toml").read_text("utf-8"))
    return made({name: Area.model_validate(each) for name, each in areas.items()}, Beyond.model_validate(beyond), seed)


def made(areas: Mapping[str, Area], beyond: Beyond, seed: int) -> Corpus:
    """Sentences from phrases. Raises DataError where an area is named that does not exist."""
    writer = _Writer(tuple(areas), {name: _lines(text) for name, text in beyond.templates.items()}, seed)
    for name, area in areas.items():
        writer.area(name, area)
    reach = writer.reach(beyond.reach)
    for each in (*beyond.carry, *beyond.scope):
        for text in items(each.says):
            writer.said([text], each.areas.split())
    asked = writer.sayings(writer.asked_texts, np.eye(len(areas), dtype=bool))
    for prompt in _lines(beyond.chat["prompts"]):
        asked = _with_chat(asked, prompt)
    near = np.eye(len(areas), dtype=bool)
    for name, area in areas.items():
        for other in writer.numbers(area.near.split()):
            near[writer.index[name], other] = near[other, writer.index[name]] = True
    families = writer.families(beyond.families)
    return Corpus(tuple(areas), asked, writer.sayings(writer.said_texts, reach), near, families)


def items(text: str) -> list[str]:
    """What stands between semicolons."""
    return [item.strip() for item in text.split(";") if item.strip()]


class _Writer:
    """Collects sentences with the numbers of their areas."""

    def __init__(self, areas: tuple[str, ...], templates: Mapping[str, Sequence[str]], seed: int) -> None:
        self.index = {name: number for number, name in enumerate(areas)}
        self.asked_texts: list[tuple[str, int, list[int]]] = []
        self.said_texts: list[tuple[str, int, list[int]]] = []
        self._templates = templates
        self._rng = np.random.default_rng(seed)
        self._phrases = 0

    def area(self, name: str, area: Area) -> None:
        for phrase in items(area.asks):
            self._add(self.asked_texts, self._filled([phrase], "asks", ASKED), [name])
        for text in items(area.questions):
            self._add(self.asked_texts, [text], [name])
        phrases = items(area.objects)
        for phrase in phrases:
            single = self._filled([phrase], "likes", LIKED) + self._filled([phrase], "dislikes", DISLIKED)
            other = str(self._rng.choice(np.array([each for each in phrases if each != phrase])))
            self.said(single + self._filled([phrase, other], "pairs", PAIRED), [name])
        for text in items(area.says):
            self.said([text, text], [name])  # twice: a whole sentence weighs little less than a phrase's three

    def said(self, texts: Iterable[str], areas: Sequence[str]) -> None:
        self._add(self.said_texts, texts, areas)

    def numbers(self, names: Iterable[str]) -> list[int]:
        try:
            return [self.index[name] for name in names]
        except KeyError as unknown:
            raise DataError(f"the areas of recall name {unknown}, which is not among them") from unknown

    def reach(self, given: Sequence[Reach]) -> Flags:
        """(areas, areas): statements of the row's area bear on questions of the column's."""
        found = np.eye(len(self.index), dtype=bool)
        for each in given:
            found[np.ix_(self.numbers(each.of.split()), self.numbers(each.on.split()))] = True
        return found

    def families(self, given: Mapping[str, str]) -> Flags:
        """(areas, families): an area that no family names is one of its own."""
        groups = [self.numbers(names.split()) for names in given.values()]
        grouped = {number for group in groups for number in group}
        groups += [[number] for number in self.index.values() if number not in grouped]
        found = np.zeros((len(self.index), len(groups)), bool)
        for family, group in enumerate(groups):
            found[group, family] = True
        return found

    def sayings(self, written: Sequence[tuple[str, int, list[int]]], reach: Flags) -> Sayings:
        own = np.zeros((len(written), len(self.index)), bool)
        for row, (_, _, areas) in enumerate(written):
            own[row, areas] = True
        single = own.sum(axis=1, keepdims=True) == 1  # what names its areas has said all that it bears on
        bears = np.where(single, _meet(own, reach.T), own)
        return Sayings(tuple(text for text, _, _ in written), np.array([n for _, n, _ in written]), own, bears)

    def _add(self, to: list[tuple[str, int, list[int]]], texts: Iterable[str], areas: Sequence[str]) -> None:
        numbers = self.numbers(areas)
        to.extend((text, self._phrases, numbers) for text in texts)
        self._phrases += 1

    def _filled(self, phrases: Sequence[str], kind: str, count: int) -> list[str]:
        drawn = self._rng.choice(np.array(self._templates[kind]), count, replace=False)
        filled = [str(template).format(*phrases) for template in drawn]
        return [text[0].upper() + text[1:] for text in filled]


def _with_chat(asked: Sayings, prompt: str) -> Sayings:
    none = np.zeros((1, asked.own.shape[1]), bool)
    phrase = np.append(asked.phrase, asked.phrase.max() + 1)
    own, bears = np.concatenate([asked.own, none]), np.concatenate([asked.bears, none])
    return Sayings((*asked.texts, prompt), phrase, own, bears)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _meet(left: Flags, right: Flags) -> Flags:
    """Whether two rows have an area in common: (n, a), (m, a) -> (n, m)."""
    return np.asarray(left.astype(np.float32) @ right.astype(np.float32).T > 0)
