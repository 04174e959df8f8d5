"""What of a person's past may be quoted to a model: choices, texts that they wrote or preferred, and edits.

As in recall, left out are turns that the boundary answered, background calls, and what names a special category of
which the person has not allowed anything to be used; to a model on another machine nothing goes unless earlier turns
may, and no turn in which something was said that never leaves this one. As many events are read of a long life as of a
short one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from idiolect.errors import AnswerNotFound
from idiolect.memory.extraction.documents import words_of_turn
from idiolect.memory.extraction.topics import categories_of
from idiolect.memory.store import UserStore
from idiolect.schema import AnyEvent, Array, Category, Choice, EarlierTurn, Edit, Interaction, now

NEWEST = 200  # events that are looked at
ASKED = 0  # the part under which the embedding of what was asked is kept

Source: TypeAlias = Literal["answered", "preferred", "written"]
Judged: TypeAlias = dict[str, tuple[Source, str]]


class Example(NamedTuple):
    """A choice: what was asked, the answer that was preferred, one that was not, and the turn."""

    asked: str
    chosen: str
    rejected: str
    turn: EarlierTurn


@dataclass(frozen=True)
class PastText:
    """A text with the question it answers: the model's, or one that the person preferred, or wrote in its place."""

    asked: str
    text: str
    source: Source
    turn: EarlierTurn | None = None  # None where no turn is kept
    vector: Array | None = None  # (dim,) of what was asked, where it is known

    @property
    def words(self) -> str:
        """By which it is found."""
        return f"{self.asked}\n{self.text}"


@dataclass(frozen=True)
class Rewritten:
    """An edit: what was asked and answered, and what the person wrote in the answer's place."""

    id: str  # of the event
    asked: str
    before: str
    after: str
    turn: EarlierTurn | None = None
    vector: Array | None = None  # (dim,) of what was asked, where it is known

    @property
    def words(self) -> str:
        """By which it is found: its context, not what was written in it."""
        return self.asked


@dataclass(frozen=True)
class Quotable:
    """One person's past as one model may see it."""

    person: UserStore
    is_elsewhere: bool = False  # the model costs money, or is on another machine
    sensitive: bool = True  # special categories that the person consented to may go there
    turns: bool = True  # earlier turns may

    @property
    def is_open(self) -> bool:
        """Whether anything may be quoted at all."""
        return self.turns or not self.is_elsewhere

    def choices(self, most: int) -> list[Example]:
        """The latest, newest last."""
        found = (self._example(event) for event in self._newest("choice") if isinstance(event, Choice))
        return list(islice((each for each in found if each is not None), most))[::-1]

    def texts(self, embedder: str | None = None) -> list[PastText]:
        """The newest turns, newest last, each with the text that the person wrote for it or preferred, if they did."""
        judged = self._judged()
        turns = [event for event in self._newest("interaction") if isinstance(event, Interaction)]
        vectors = self._vectors(turns, embedder)
        found = (self._text(turn, judged, vectors.get(turn.id)) for turn in reversed(turns))
        return [each for each in found if each is not None]

    def edits(self, embedder: str | None = None) -> list[Rewritten]:
        """The newest that changed something, newest last."""
        events = [event for event in self._newest("edit") if isinstance(event, Edit)]
        edited = [(event, turn) for event in reversed(events) if (turn := self._turn(event.candidate)) is not None]
        vectors = self._vectors([turn for _, turn in edited], embedder)
        found = (self._rewritten(event, turn, vectors.get(turn.id)) for event, turn in edited)
        return [each for each in found if each is not None]

    def _newest(self, *kinds: str) -> Iterator[AnyEvent]:
        if self.is_open:
            yield from (recorded.event for recorded in self.person.newest(*kinds, most=NEWEST))

    def _turn(self, candidate: str) -> Interaction | None:
        try:
            return self.person.interaction(candidate)
        except AnswerNotFound:  # forgotten just now
            return None

    def _vectors(self, turns: list[Interaction], embedder: str | None) -> dict[str, Array]:
        """Those of what was asked, by the turn's id."""
        if embedder is None or not turns:
            return {}
        kept = self.person.embeddings(embedder, [turn.id for turn in turns])
        return {event: vector.astype(float) for (event, part), vector in kept.items() if part == ASKED}

    def _judged(self) -> Judged:
        """Candidates that were preferred, and texts that were written in a candidate's place, by the candidate."""
        found: Judged = {}
        for event in self._newest("choice", "edit"):
            if isinstance(event, Choice):
                found.setdefault(event.chosen, ("preferred", ""))
            elif isinstance(event, Edit):
                found.setdefault(event.candidate, ("written", event.text))
        return found

    def _text(self, turn: Interaction, judged: Judged, vector: Array | None) -> PastText | None:
        """Of several judgements of its candidates, the newest counts."""
        own = [each.id for each in turn.answer.candidates]
        newest = next((candidate for candidate in judged if candidate in own), None)
        verdict: tuple[Source, str] = ("answered", turn.answer.text) if newest is None else judged[newest]
        source, text = verdict
        if newest is not None and source == "preferred":
            text = _candidate(turn, newest)
        asked = self._asked(turn, text, is_judged=newest is not None)
        return None if asked is None else PastText(asked, text, source, _where(turn), vector)

    def _rewritten(self, edit: Edit, turn: Interaction, vector: Array | None) -> Rewritten | None:
        before = _candidate(turn, edit.candidate)
        asked = self._asked(turn, f"{before}\n{edit.text}", is_judged=True)
        if asked is None or before.split() == edit.text.split():
            return None
        return Rewritten(edit.id, asked, before, edit.text, _where(turn), vector)

    def _example(self, choice: Choice) -> Example | None:
        turn, other = self._turn(choice.chosen), self._turn(choice.over[0])
        if turn is None or other is None:
            return None
        chosen, rejected = _candidate(turn, choice.chosen), _candidate(other, choice.over[0])
        asked = self._asked(turn, f"{chosen}\n{rejected}", is_judged=True)
        return None if asked is None else Example(asked, chosen, rejected, _where(turn))

    def _asked(self, turn: Interaction, shown: str, is_judged: bool) -> str | None:
        """The question of a turn that may be quoted with these words of answers beside it; else None.

        It is in the person's own words; only what they judged on purpose is quoted without any.
        """
        asked = words_of_turn(turn) or (turn.prompt.strip() if is_judged else "")
        named = categories_of(f"{turn.prompt}\n{shown}")
        if not asked or turn.answer.refused or any(each not in self._allowed for each in named):
            return None
        is_private = self._private and any(said.id in self._private for said in self.person.of_turn(turn.answer.id))
        return None if is_private else asked

    @cached_property
    def _allowed(self) -> frozenset[Category]:
        """Special categories of which the person has allowed something to be used."""
        if self.is_elsewhere and not self.sensitive:
            return frozenset()
        return frozenset(each.sensitive for each in self.person.preferences() if each.sensitive)

    @cached_property
    def _private(self) -> frozenset[str]:
        """Events of what may not leave this machine, where the model is on another."""
        said = self.person.statements(now()) if self.is_elsewhere else ()
        return frozenset(event for each in said if each.local_only for event in each.evidence)


def _where(turn: Interaction) -> EarlierTurn:
    return EarlierTurn(answer=turn.answer.id, at=turn.at)


def _candidate(turn: Interaction, identifier: str) -> str:
    return next(each.text for each in turn.answer.candidates if each.id == identifier)
