"""What may be kept in words, of whatever event: data about a person, never instructions to a model, and no secrets.

A belief about the world that a taste rides on is no part of what is believed of the person.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from idiolect.errors import BadInput
from idiolect.memory.extraction import admitted
from idiolect.memory.extraction.manipulation import manipulation
from idiolect.memory.extraction.oneself import hangs_on_a_belief, without_belief
from idiolect.memory.extraction.personal import redacted
from idiolect.schema import AnyEvent, Noun, Proposal, Revision, Slots, Statement

N = TypeVar("N", bound=Noun)

WORDS = ("span", "object", "scope", "over")  # of slots


def pass_the_door(event: AnyEvent) -> AnyEvent:
    """The event as it may be kept, without secrets. Raises BadInput, with the reason, for what may not be kept."""
    match event:
        case Statement(text=text, slots=slots):
            admit(text, slots or ())
            cleared = None if slots is None else tuple(map(_cleared, slots))
            return _changed(event, {"text": redacted(text), "slots": cleared})
        case Proposal(text=text, slots=slots):
            admit(text, (slots,))
            return _changed(event, {"text": redacted(text), "slots": _cleared(slots)})
        case Revision(slots=Slots() as slots):
            admit(slots.span or slots.object, (slots,))
            return _changed(event, {"slots": _cleared(slots)})
    return event


def broken(text: str, slots: Slots) -> str | None:
    """The rule that words break now which were let in by an earlier version of the door; None where they pass.

    Whoever keeps a statement keeps this beside it, so each is judged once by each version that reads it.
    """
    return next(filter(None, map(manipulation, _apart(text, (slots,)))), None)


def admit(text: str, slots: Iterable[Slots] = ()) -> None:
    """A text, and what was read from it: words of the slots that are not of the text are looked at by themselves."""
    for words in _apart(text, slots):
        _admit(words)


def _apart(text: str, slots: Iterable[Slots]) -> Iterator[str]:
    yield text
    for each in slots:
        yield from (words for words in (each.span, each.object, each.scope, each.over) if words and words not in text)


def _admit(text: str) -> None:
    admitted(text)
    if hangs_on_a_belief(text):
        raise BadInput(
            "the statement hangs on a belief about the world, which is not remembered: say what you like by itself "
            '("I like maps")'
        )
    rule = manipulation(text)
    if rule is not None:
        raise BadInput(
            f"the statement tells the model what to do or hide, and is not remembered ({rule}): say what you like or "
            'what you are ("I like quiet hotels", "I teach physics"), or how your answers should be ("shorter answers")'
        )


def _cleared(slots: Slots) -> Slots:
    words = {name: said for name in WORDS if (said := getattr(slots, name))}
    return _changed(slots, {name: redacted(without_belief(said) or said) for name, said in words.items()})


def _changed(noun: N, fields: dict[str, object]) -> N:
    """The same noun where nothing differs."""
    differing = {name: value for name, value in fields.items() if value != getattr(noun, name)}
    return noun.model_copy(update=differing) if differing else noun
