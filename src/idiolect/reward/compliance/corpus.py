"""What the scorer is fitted from: things that are or have something, and answers made of them, written here.

`compliance.txt` parts the answers of each area of life into sides ("loud nightlife" and "quiet surroundings"), with
names for each side and things that are of it. Answers are drawn from the things by templates, with a seed; some name
their side, some name it only to rule it out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import DataError

LISTED, NAMING, DENYING = 8, 1, 1  # answers that a side becomes by templates of each sort, beside its bare things
FAR = 40  # answers of other areas that an area's names are also held against
UNSURE = 0.3  # weight of answers of the same area that no one has said to be of another side
OWN, CONTRAST = 4.0, 2.0  # weight of what is of the side, and of what surely is not
SLOT = re.compile(r"\{\d\}")

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Side:
    """What something is called, conditions that make people avoid it, and things that are or have it."""

    names: tuple[str, ...]
    conditions: tuple[str, ...]
    things: tuple[str, ...]


@dataclass
class Area:
    """An area of life: what is asked in it, and blocks of sides that exclude each other."""

    name: str
    questions: list[str] = field(default_factory=list)
    blocks: list[list[Side]] = field(default_factory=list)


@dataclass
class Written:
    """The file as it was written: the areas, and templates by their mark."""

    areas: list[Area] = field(default_factory=list)
    templates: dict[str, list[str]] = field(default_factory=lambda: {"+": [], "*": [], "-": []})


@dataclass(frozen=True)
class Sayings:
    """Texts, each with the number of its area, of its block and of its side over the whole corpus."""

    texts: tuple[str, ...]
    area: Numbers
    block: Numbers
    side: Numbers
    marked: Flags  # of names: a condition; of answers: the side is named only to be ruled out

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Corpus:
    """Names and answers, and how they belong together."""

    areas: tuple[str, ...]
    names: Sayings
    answers: Sayings

    def pairs(self, names: Numbers, answers: Numbers) -> tuple[Flags, Flags, NDArray[np.float32]]:
        """Whether each answer is of the name's side, whether it surely is not, and what the pair weighs: (n, m)."""
        same = _equal(self.names.side, self.answers.side, names, answers)
        near = _equal(self.names.area, self.answers.area, names, answers)
        block = _equal(self.names.block, self.answers.block, names, answers)
        denied = self.answers.marked[answers][None, :]
        own, contrast = same & ~denied, (block & ~same & ~denied) | (same & denied)
        weights = np.select([own, contrast, denied & near], [OWN, CONTRAST, 0.0], UNSURE)
        return own, contrast, weights.astype(np.float32)


def _equal(of_names: Numbers, of_answers: Numbers, names: Numbers, answers: Numbers) -> Flags:
    return np.asarray(of_names[names][:, None] == of_answers[answers][None, :])


def shipped_corpus(seed: int = 0) -> Corpus:
    """The one in the package."""
    return made(parse(files("idiolect").joinpath("resources", "compliance.txt").read_text("utf-8")), seed)


def parse(text: str) -> Written:
    """Raises DataError for a line that is of no known form."""
    written = Written()
    is_open = False
    for number, line in enumerate(text.splitlines(), start=1):
        mark, rest = line[:2].strip(), line[2:].strip()
        if mark in written.templates:
            written.templates[mark].append(rest)
        elif mark == "=":
            written.areas.append(Area(rest))
        elif mark == "?" and written.areas:
            written.areas[-1].questions.append(rest)
        elif " :: " in line and written.areas:
            blocks = written.areas[-1].blocks
            if not is_open:
                blocks.append([])
            blocks[-1].append(_side(line))
        elif line.strip() and mark[0] != "#":
            raise DataError(f'line {number} of the sides is neither "names :: things" nor marked: {line[:60]!r}')
        is_open = " :: " in line
    return written


def _side(line: str) -> Side:
    called, things = line.split(" :: ", 1)
    every = [name.strip() for name in called.split("|")]
    return Side(
        tuple(name for name in every if not name.startswith("!")),
        tuple(name[1:] for name in every if name.startswith("!")),
        tuple(thing.strip() for thing in things.split(" ; ")),
    )


def made(written: Written, seed: int) -> Corpus:
    """Names, and answers drawn by the templates."""
    rng = np.random.default_rng(seed)
    names: list[tuple[str, int, int, int, bool]] = []
    answers: list[tuple[str, int, int, int, bool]] = []
    block = side = 0
    for area, each in enumerate(written.areas):
        for sides in each.blocks:
            for one in sides:
                place = (area, block, side)
                names += [(name, *place, False) for name in one.names]
                names += [(name, *place, True) for name in one.conditions]
                others = [thing for other in sides if other is not one for thing in other.things]
                answers += [(text, *place, denied) for text, denied in _answers(one, others, written.templates, rng)]
                side += 1
            block += 1
    return Corpus(tuple(each.name for each in written.areas), _sayings(names), _sayings(answers))


def _answers(
    side: Side, others: Sequence[str], templates: dict[str, list[str]], rng: np.random.Generator
) -> Iterator[tuple[str, bool]]:
    for thing in side.things:
        yield thing, False
    for text in _filled(templates["+"], side.things, rng, LISTED):
        yield text, False
    for text in _filled(templates["*"], side.things, rng, NAMING):
        yield text.replace("{name}", str(rng.choice(side.names))), False
    for text in _filled(templates["-"], others, rng, DENYING):
        yield text.replace("{name}", str(rng.choice(side.names))), True


def _filled(templates: Sequence[str], things: Sequence[str], rng: np.random.Generator, count: int) -> Iterator[str]:
    """Templates drawn at random, with different things in their places; a capital letter first."""
    fitting = [template for template in templates if len(SLOT.findall(template)) <= len(things)]
    for template in rng.choice(fitting, count) if fitting else ():
        text = str(template)
        drawn = rng.choice(things, len(SLOT.findall(text)), replace=False)
        for place, thing in enumerate(drawn):
            text = text.replace(f"{{{place}}}", str(thing))
        yield text[0].upper() + text[1:]


def _sayings(rows: Sequence[tuple[str, int, int, int, bool]]) -> Sayings:
    texts, area, block, side, marked = zip(*rows, strict=True)
    return Sayings(texts, np.array(area), np.array(block), np.array(side), np.array(marked))
