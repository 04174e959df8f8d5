"""From what a person comes back to: a subject of several of their turns on several days, offered as a taste.

Subjects are of a closed list (subjects.toml), so that none of a special category, and no name, is ever offered; a turn
that names a special category in so many words is passed over with all that it says.
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import ClassVar, Final, NamedTuple, TypeAlias

from pydantic import TypeAdapter

from idiolect.memory.extraction.topics import sensitive_of
from idiolect.memory.inference.reader import Found, Place, Reader, Told, told
from idiolect.memory.recall.words import stems
from idiolect.schema import AnyEvent, Inference, Proposal, Slots

TURNS, DAYS = 4, 3  # that must ask about a subject
WITHIN: Final = timedelta(days=60)
OWN_TURNS: Final = 2  # of a subject's turns, how many no subject that was offered before has
LONGEST: Final = 3  # words of a subject

Stems: TypeAlias = tuple[str, ...]


class Subject(NamedTuple):
    """What can be asked about, and the area of life that it is of."""

    words: str
    area: str


class Asked(NamedTuple):
    """A turn in which a subject came up."""

    answer: str
    day: date


class Repeats(Reader):
    """Subjects that come up again."""

    name: ClassVar[Inference] = "repeats"
    means: ClassVar[str] = "what you ask about again and again, on different days"

    def __init__(self, consent: str) -> None:
        super().__init__(consent)
        self._asked: dict[Subject, list[Asked]] = defaultdict(list)
        self._seen: set[Place] = set()
        self._offered: set[Subject] = set()
        self._covered: set[str] = set()  # turns of what was offered

    def take(self, event: AnyEvent) -> Iterator[Found]:
        """A turn with words of the person's own, each turn once; at most one subject is offered by it."""
        turn = told(event)
        if turn is None or turn.place in self._seen:
            return
        self._seen.add(turn.place)
        if sensitive_of(turn.own):
            return
        ready = [subject for subject in subjects_in(turn.own) if self._is_ready(subject, turn)]
        if ready:
            subject = max(ready, key=lambda each: (len(each.words.split()), len(self._asked[each]), each.words))
            asked = self._asked[subject]
            self._offered.add(subject)
            self._covered.update(each.answer for each in asked)
            yield self._offer(subject, asked, event)

    def _is_ready(self, subject: Subject, turn: Told) -> bool:
        asked = [each for each in self._asked[subject] if turn.day - each.day <= WITHIN]
        asked.append(Asked(turn.answer, turn.day))
        self._asked[subject] = asked
        own = sum(each.answer not in self._covered for each in asked)
        is_often = len(asked) >= TURNS and len({each.day for each in asked}) >= DAYS
        return is_often and own >= OWN_TURNS and subject not in self._offered

    def _offer(self, subject: Subject, asked: list[Asked], event: AnyEvent) -> Proposal:
        days = len({each.day for each in asked})
        return Proposal(
            id=self.identifier(subject.words),
            at=event.at,
            text=f"I often ask about {subject.words}",
            slots=Slots(kind="topic", object=subject.words, topic=subject.area, strength=0.5),
            origin="inferred",
            source=f"{self.name}, {len(asked)} questions on {days} days",
            inferred=self.basis(tuple(each.answer for each in asked)),
        )


def subjects_in(text: str) -> list[Subject]:
    """Those of the list that a text names, in any form of their words."""
    said = stems(text)
    grams = (tuple(said[start : start + n]) for n in range(1, LONGEST + 1) for start in range(len(said) - n + 1))
    return list(dict.fromkeys(subjects()[gram] for gram in grams if gram in subjects()))


@cache
def subjects() -> Mapping[Stems, Subject]:
    """By the stems of their words."""
    text = (Path(__file__).parent / "subjects.toml").read_text(encoding="utf-8")
    areas = TypeAdapter(dict[str, str]).validate_python(tomllib.loads(text))
    listed = [Subject(" ".join(words.split()), area) for area, many in areas.items() for words in many.split(",")]
    return {tuple(stems(subject.words)): subject for subject in listed}
