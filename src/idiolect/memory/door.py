"""What may be kept in words, of whatever event: data about a person, never instructions to a model."""

from collections.abc import Iterable

from idiolect.memory.extraction import admitted
from idiolect.schema import AnyEvent, Proposal, Revision, Slots, Statement


def pass_the_door(event: AnyEvent) -> None:
    """Raises BadInput, with the reason, for an event whose words may not be kept."""
    match event:
        case Statement(text=text, slots=slots):
            admit(text, slots or ())
        case Proposal(text=text, slots=slots):
            admit(text, (slots,))
        case Revision(slots=Slots() as slots):
            admit(slots.span or slots.object, (slots,))


def admit(text: str, slots: Iterable[Slots] = ()) -> None:
    """A text, and what was read from it: words of the slots that are not of the text are looked at by themselves."""
    admitted(text)
    for each in slots:
        for words in (each.span, each.object, each.scope, each.over):
            if words and words not in text:
                admitted(words)
