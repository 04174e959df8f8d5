"""What a model or a tool thinks may be true of a person: it passes the door, and waits for them."""

from collections.abc import Iterable

from idiolect.errors import BadInput
from idiolect.memory.consolidation.sameness import identity
from idiolect.memory.door import pass_the_door
from idiolect.memory.extraction import told
from idiolect.schema import Preference, Proposal, Slots


def proposal(text: str, source: str, known: Iterable[Slots | Preference], turn: str | None = None) -> Proposal:
    """As it may be kept. `turn` is the answer beside which it came.

    Raises BadInput for what may not be kept, says several things, is of a special category, or is in `known`.
    """
    slots = _one(text)
    event = pass_the_door(Proposal(text=text, slots=slots, origin="tool", source=source, turn=turn))
    assert isinstance(event, Proposal)
    if any(_is_same(slots, other) for other in known):
        raise BadInput("that is known, waits, or was refused")
    return event


def _one(text: str) -> Slots:
    said = told(text)
    if len(said) != 1:
        raise BadInput("it says several things: propose one at a time")
    if said[0].sensitive is not None:
        raise BadInput("health, faith, sexuality, ethnicity and politics are never guessed: the person may say it")
    return said[0]


def _is_same(slots: Slots, other: Slots | Preference) -> bool:
    """Whether two are of the same thing and say the same of it."""
    if slots.attribute is not None or other.attribute is not None:
        return (slots.attribute, slots.polarity) == (other.attribute, other.polarity)
    return slots.polarity == other.polarity and identity(slots.object) == identity(other.object)
