"""What was done with a person's memory and when: reads and writes, by ids and counts, never a text."""

from datetime import datetime

from pydantic import Field

from idiolect.memory.forgetting import candidates_of
from idiolect.memory.store import UserStore
from idiolect.schema import (
    AnyEvent,
    Choice,
    Consent,
    Correction,
    Decision,
    Edit,
    Hint,
    Inferred,
    Interaction,
    Noun,
    Proposal,
    Rating,
    Restart,
    Revision,
    Signal,
    Statement,
    Tie,
)


class AuditLine(Noun):
    """One thing that happened."""

    at: datetime
    action: str  # an event's kind, or export, import, restore, forget
    ids: tuple[str, ...] = ()  # the event's, then those that it is about
    counts: dict[str, int] = Field(default_factory=dict)


def audited(person: UserStore) -> tuple[AuditLine, ...]:
    """Oldest first: turns with what was recalled for them, feedback, words, decisions, exports, imports, forgettings.

    That a person was erased stands in the ledger of erasures alone, since nothing is kept of them here.
    """
    lines = [_of_event(recorded.event) for recorded in person.events()]
    for done in person.audit_trail():
        ids = tuple(each for value in done.what.values() if not isinstance(value, int) for each in value)
        counts = {name: value for name, value in done.what.items() if isinstance(value, int)}
        lines.append(AuditLine(at=done.at, action=done.action, ids=ids, counts=counts))
    return tuple(sorted(lines, key=lambda line: line.at))


def _of_event(event: AnyEvent) -> AuditLine:
    about, counts = tuple[str, ...](), dict[str, int]()
    match event:
        case Interaction(answer=answer):
            about = (answer.id, *answer.trace.recalled)
            counts = {"candidates": len(answer.candidates), "recalled": len(answer.trace.recalled)}
        case Choice() | Tie() | Rating() | Edit() | Signal():
            about = candidates_of(event)
        case Revision(statement=target):
            about = (target,)
        case Decision(proposal=target, accepted=accepted):
            about, counts = (target,), {"accepted": int(accepted)}
        case Consent(given=given):
            counts = {"given": int(given)}
        case Hint(inferred=inferred) | Proposal(inferred=Inferred() as inferred):
            about = inferred.turns
        case (
            Statement(turn=str(target))
            | Proposal(turn=str(target))
            | Correction(statement=str(target))
            | Restart(consent=target)
        ):
            about = (target,)
    return AuditLine(at=event.at, action=event.kind, ids=(event.id, *about), counts=counts)
