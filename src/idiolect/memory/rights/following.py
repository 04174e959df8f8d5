"""One belief followed to the words that it came from, and to the answers that it went into."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from idiolect.memory.consolidation.reading import slots_of
from idiolect.memory.naming import everything, named
from idiolect.memory.store import UserStore
from idiolect.schema import (
    WORD_KINDS,
    AnyEvent,
    Correction,
    Decision,
    Interaction,
    Noun,
    Preference,
    Proposal,
    Revision,
    Slots,
    Statement,
    now,
    own_id,
)

How: TypeAlias = Literal["told", "said", "picked", "proposed", "asked", "edited"]
HOW: Mapping[str, How] = {"feedback": "told", "conversation": "said", "choice": "picked"}


class Piece(Noun):
    """One event that a statement rests on, with the words as they were said."""

    event: str
    at: datetime
    how: How
    text: str  # the question of the turn in which it was said or that shows it, else all that was told
    begins: int | None = None  # where in the text the words stand that it was read from
    ends: int | None = None
    answer: str | None = None  # id of the answer to that turn
    source: str = ""  # of a proposal
    said_at: datetime | None = None  # when its source says that it was said


class Step(Noun):
    """Something that the person did with a statement."""

    event: str
    at: datetime
    what: str


class Followed(Noun):
    """A statement, the words that it came from, what was done with it, and what it was used for."""

    user: str
    statement: Preference
    evidence: tuple[Piece, ...]
    steps: tuple[Step, ...] = ()
    replaced_by: Preference | None = None
    answers: tuple[str, ...] = ()  # ids of those for which it was recalled, oldest first


@dataclass(frozen=True)
class _Known:
    """What following needs of a person, read once. `leads` are the ids that lead to the statement."""

    statement: Preference
    events: Mapping[str, AnyEvent]
    turns: Mapping[str, Interaction]
    leads: Callable[[str], bool]


def followed(person: UserStore, said: str) -> Followed:
    """The statement of this id, or of an id that begins so. Raises NotFound, or BadInput where several do."""
    statement = named(person, said)
    events = {each.event.id: each.event for each in person.events("interaction", *WORD_KINDS)}
    turns = {event.answer.id: event for event in events.values() if isinstance(event, Interaction)}
    known = _Known(statement, events, turns, _leads(person, statement))
    return Followed(
        user=own_id(person.id),
        statement=statement,
        evidence=tuple(_pieces(known)),
        steps=tuple(_steps(known)),
        replaced_by=_replaced_by(statement, person, events),
        answers=tuple(each for each, turn in turns.items() if statement.id in turn.answer.trace.recalled),
    )


def _leads(person: UserStore, statement: Preference) -> Callable[[str], bool]:
    at = now()

    def leads(identifier: str) -> bool:
        found = person.ask(lambda statements: statements.found(identifier, at))
        return any(each.id == statement.id for each in found)

    return leads


def _pieces(known: _Known) -> Iterator[Piece]:
    for identifier in known.statement.evidence:
        match known.events.get(identifier):
            case Statement() as event:
                yield _said(event, known)
            case Proposal() as event:
                yield from _proposed(event, known)
            case Revision(id=event_id, at=at, slots=Slots() as slots):
                yield _marked(Piece(event=event_id, at=at, how="edited", text=slots.span or slots.object), slots.span)


def _proposed(event: Proposal, known: _Known) -> Iterator[Piece]:
    """With the turns that show it, where it was inferred."""
    piece = Piece(
        event=event.id, at=event.at, how="proposed", text=event.text, source=event.source, said_at=event.said_at
    )
    yield _marked(piece, event.slots.span)
    for answer in event.inferred.turns if event.inferred else ():
        turn = known.turns.get(answer)
        if turn is not None:
            yield Piece(event=turn.id, at=turn.at, how="asked", text=turn.prompt, answer=answer)


def _said(event: Statement, known: _Known) -> Piece:
    parts = slots_of(event)
    names = [event.id] if len(parts) == 1 else [f"{event.id}.{number}" for number in range(len(parts))]
    spans = [slots.span for name, slots in zip(names, parts, strict=True) if known.leads(name)]
    span = next(iter(spans), "") or event.text
    turn = known.turns.get(event.turn or "")
    text = turn.prompt if turn is not None and span in turn.prompt else event.text
    return _marked(Piece(event=event.id, at=event.at, how=HOW[event.source], text=text, answer=event.turn), span)


def _marked(piece: Piece, span: str) -> Piece:
    begins = piece.text.find(span) if span else -1
    return piece if begins < 0 else piece.model_copy(update={"begins": begins, "ends": begins + len(span)})


def _steps(known: _Known) -> Iterator[Step]:
    for event in known.events.values():
        match event:
            case Decision(proposal=target) | Revision(statement=target) | Correction(statement=str(target)):
                if known.leads(target):
                    yield Step(event=event.id, at=event.at, what=", ".join(_done(event)))


def _done(event: Decision | Revision | Correction) -> Iterator[str]:
    match event:
        case Decision(accepted=accepted):
            yield "accepted" if accepted else "refused"
        case Revision(slots=slots, pinned=pinned, local_only=local_only, consented=consented):
            if slots is not None:
                yield "edited"
            if pinned is not None:
                yield "pinned" if pinned else "unpinned"
            if local_only is not None:
                yield "kept on this machine" if local_only else "may leave this machine"
            if consented is not None:
                yield "consented to" if consented else "consent withdrawn"
        case _:
            yield "ended"


def _replaced_by(statement: Preference, person: UserStore, events: Mapping[str, AnyEvent]) -> Preference | None:
    """The one that was said at the moment when this one ended; None where that may be several."""
    if statement.status != "superseded":
        return None
    said = [
        other
        for other in everything(person)
        if other.id != statement.id
        and (
            other.at == statement.until
            or any(events[each].at == statement.until for each in other.evidence if each in events)
        )
    ]
    alike = [each for each in said if (each.kind, each.attribute) == (statement.kind, statement.attribute)]
    found = alike or said
    return found[0] if len(found) == 1 else None
