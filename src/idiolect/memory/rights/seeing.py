"""What a person sees of their memory: what is in force and what was, what contradicts, what waits for them."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from idiolect.memory.naming import everything
from idiolect.memory.rights.auditing import AuditLine, audited
from idiolect.memory.rights.matching import is_about, is_from
from idiolect.memory.store import UserStore
from idiolect.schema import Noun, Preference, now
from idiolect.schema.beliefs import StatementKind


class Filters(Noun):
    """Which statements are asked for."""

    every: bool = Field(False, description="Also those that hold no longer, wait for consent, or were refused.")
    topic: str | None = Field(None, description='An area of life ("food"), or a thing ("jazz").')
    kind: StatementKind | None = None


class Listing(Noun):
    """Statements, oldest first, and how many there are elsewhere that ask for the person."""

    user: str
    at: datetime
    statements: tuple[Preference, ...]
    unconsented: int = 0  # of a special category: used beyond their conversation once the person consents
    contradicting: int = 0  # statements of equal standing that contradict each other
    proposed: int = 0  # that wait to be accepted or refused


class Conflicts(Noun):
    """Statements of equal standing that contradict each other, together; none of them is used but constraints."""

    user: str
    conflicts: tuple[tuple[Preference, ...], ...]


class Proposals(Noun):
    """What waits for the person, oldest first."""

    user: str
    proposals: tuple[Preference, ...]


class Trail(Noun):
    """What was done with a person's memory, oldest first."""

    user: str
    lines: tuple[AuditLine, ...]


def listed(person: UserStore, filters: Filters | None = None) -> Listing:
    """The statements that are asked for."""
    asked, at = filters or Filters(), now()
    every, waiting = everything(person), person.proposals()
    known = [each for each in every if each.status != "proposed"]
    chosen = known if asked.every else person.preferences(at)
    return Listing(
        user=person.id,
        at=at,
        statements=tuple(each for each in chosen if _is_asked(each, asked)),
        unconsented=sum(each.status == "unconsented" for each in known),
        contradicting=sum(map(len, person.conflicts())),
        proposed=len(waiting),
    )


def conflicting(person: UserStore) -> Conflicts:
    """What contradicts."""
    return Conflicts(user=person.id, conflicts=person.conflicts())


def proposed(person: UserStore, source: str | None = None) -> Proposals:
    """What waits, of all sources or of one."""
    waiting = person.proposals()
    return Proposals(user=person.id, proposals=waiting if source is None else tuple(coming_from(waiting, source)))


def trail(person: UserStore) -> Trail:
    """What was done."""
    return Trail(user=person.id, lines=audited(person))


def coming_from(waiting: Iterable[Preference], source: str) -> Iterable[Preference]:
    """Those of one source."""
    return (each for each in waiting if is_from(each, source))


def _is_asked(preference: Preference, asked: Filters) -> bool:
    of_kind = asked.kind is None or preference.kind == asked.kind
    return of_kind and (asked.topic is None or is_about(preference, asked.topic))
