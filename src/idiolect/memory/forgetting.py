"""What hangs on an event and goes with it when it is forgotten.

A turn takes with it the feedback on its candidates, the statements that were read from it and what a model proposed
beside its answer; a statement or a proposal takes what was decided, changed or set right about it, which may repeat its
words. What was inferred goes with any of the turns that show it, and with the consent that it rests on; that kind of
inference then begins anew, else the same events would show the same once more. A consent that was taken back goes with
the event which did so, and that inference began anew goes with its consent alone, so that forgetting never allows
anything.
"""

from collections import defaultdict
from collections.abc import Container, Iterable
from typing import Protocol

from idiolect.memory.records import Recorded
from idiolect.schema import (
    AnyEvent,
    Choice,
    Consent,
    Correction,
    Decision,
    Edit,
    Hint,
    Inference,
    Inferred,
    Interaction,
    Proposal,
    Rating,
    Restart,
    Revision,
    Sharing,
    Signal,
    Statement,
    Tie,
)


class Reader(Protocol):
    """What is needed of a person's store."""

    def events(self, *kinds: str, after: int = 0) -> list[Recorded]:
        """All events, in order."""


def hanging_on(event_ids: Iterable[str], reader: Reader) -> set[str]:
    """Ids of those events and of all that hang on them; those that are nobody's are left out."""
    named = set(event_ids)
    gone, targets = set[str](), set[str]()  # of events; and all that others may point at: answers and candidates too
    events = reader.events() if named else []
    named |= _taken_back((each.event for each in events), named)
    for recorded in events:  # in order: what hangs on an event came after it
        event = recorded.event
        is_named = event.id in named and not isinstance(event, Restart)
        if is_named or any(event_of_statement(each, targets) in targets for each in _pointers(event)):
            gone.add(event.id)
            targets |= {event.id, *_answers(event)}
    return gone


def inferred_in(event_ids: Container[str], reader: Reader) -> set[Inference]:
    """The kinds of inference that found any of these events, or count them."""
    return {
        kind
        for each in reader.events("hint", "proposal", "signal")
        if each.event.id in event_ids and (kind := _inference_of(each.event)) is not None
    }


def event_of_statement(identifier: str, events: Container[str]) -> str:
    """The event of a preference's id, which has a number at its end where the event said several things."""
    base, _, number = identifier.rpartition(".")
    return base if identifier not in events and number.isdecimal() else identifier


def _taken_back(events: Iterable[AnyEvent], named: Container[str]) -> set[str]:
    """Ids of the consents that these events took back."""
    given: dict[str, set[str]] = defaultdict(set)
    found = set[str]()
    for event in events:
        if not isinstance(event, Consent | Sharing):
            continue
        what = event.inference if isinstance(event, Consent) else event.kind
        if event.given:
            given[what].add(event.id)
        elif event.id in named:
            found |= given[what]
    return found


def _answers(event: AnyEvent) -> Iterable[str]:
    if isinstance(event, Interaction):
        yield event.answer.id
        yield from (candidate.id for candidate in event.answer.candidates)


def candidates_of(event: AnyEvent) -> tuple[str, ...]:
    """Ids of the candidates that an event tells something of."""
    match event:
        case Choice(chosen=chosen, over=over):
            return (chosen, *over)
        case Tie(between=between):
            return between
        case Rating(candidate=candidate) | Edit(candidate=candidate) | Signal(candidate=candidate):
            return (candidate,)
        case Hint(chosen=kept, over=other):
            return tuple(each for each in (kept, other) if each is not None)
    return ()


def _inference_of(event: AnyEvent) -> Inference | None:
    match event:
        case Hint(inferred=inferred) | Proposal(inferred=Inferred() as inferred):
            return inferred.by
        case Signal():
            return "reactions"
    return None


def _pointers(event: AnyEvent) -> tuple[str, ...]:
    """Ids of events, answers or candidates that this event is about."""
    match event:
        case Decision(proposal=target) | Revision(statement=target) | Restart(consent=target):
            return (target,)
        case Statement(turn=str(target)) | Proposal(turn=str(target)) | Correction(statement=str(target)):
            return (target,)
        case Hint(inferred=inferred) | Proposal(inferred=Inferred() as inferred):
            return (inferred.consent, *inferred.turns, *candidates_of(event))
    return candidates_of(event)
