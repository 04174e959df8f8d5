"""Events as the statements that they make."""

from idiolect.memory.consolidation.entry import Entry
from idiolect.memory.consolidation.lasting import SURENESS, Evidence
from idiolect.memory.extraction.reading import stated as read
from idiolect.schema import Proposal, Slots, Statement


def stated(event: Statement, seq: int) -> list[Entry]:
    """What was said, one entry for each thing; a single one has the event's own id.

    What was put into the memory on purpose, by feedback, is consented to by that; what was said in passing is not.
    """
    parts = slots_of(event)
    return [
        Entry(
            id=event.id if len(parts) == 1 else f"{event.id}.{number}",
            slots=slots,
            text=_words(event, slots),
            origin="chosen" if event.source == "choice" else "said",
            order=(seq, number),
            worded=(event.id, number),
            since=event.at,
            evidence=[Evidence(event.id, event.at, SURENESS[event.source])],
            is_explicit=event.source != "choice",
            consented=event.source == "feedback",
        )
        for number, slots in enumerate(parts)
    ]


def proposed(event: Proposal, seq: int) -> Entry:
    """What waits for the person."""
    return Entry(
        id=event.id,
        slots=event.slots,
        text=event.slots.span or event.text,
        origin=event.origin,
        order=(seq, 0),
        worded=(event.id, 0),
        since=event.at,
        evidence=[Evidence(event.id, event.at, SURENESS["accepted"])],
        source=event.source,
        is_proposed=True,
        inferred=event.inferred,
    )


def _words(event: Statement, slots: Slots) -> str:
    """What was picked has its name; the words of the pick ("the second one") say nothing by themselves."""
    return slots.object if event.source == "choice" else slots.span or event.text


def slots_of(event: Statement) -> tuple[Slots, ...]:
    """As they were read when it was said, else as they are read now."""
    return event.slots if event.slots is not None else read(event.text)
