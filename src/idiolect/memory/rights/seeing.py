"""What a person sees of their memory: what is in force and what was, what contradicts, what waits for them."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from idiolect.memory.naming import everything
from idiolect.memory.rights.auditing import AuditLine, audited
from idiolect.memory.rights.matching import is_about, is_from
from idiolect.memory.rights.paging import Page, Place, paged
from idiolect.memory.store import UserStore
from idiolect.schema import Noun, Preference, now, own_id
from idiolect.schema.beliefs import StatementKind

NEXT: str | None = Field(None, description="What to give as `after` for the next page; null on the last.")


class Filters(Page):
    """Which statements are asked for."""

    every: bool = Field(False, description="Also those that hold no longer, wait for consent, or were refused.")
    topic: str | None = Field(None, description='An area of life ("food"), or a thing ("jazz").')
    kind: StatementKind | None = None


class Waiting(Page):
    """Which proposals are asked for."""

    source: str | None = Field(None, description='Of one only: "import", "Mem0 export", ...')


class Listing(Noun):
    """Statements, oldest first, and how many there are elsewhere that ask for the person."""

    user: str
    at: datetime
    statements: tuple[Preference, ...]
    unconsented: int = 0  # of a special category: used beyond their conversation once the person consents
    withheld: int = 0  # that the door would not let in any more: used for nothing until their words are changed
    contradicting: int = 0  # statements of equal standing that contradict each other
    proposed: int = 0  # that wait to be accepted or refused
    next: str | None = NEXT


class Conflicts(Noun):
    """Statements of equal standing that contradict each other, together; none of them is used but constraints."""

    user: str
    conflicts: tuple[tuple[Preference, ...], ...]
    next: str | None = NEXT


class Proposals(Noun):
    """What waits for the person, oldest first."""

    user: str
    proposals: tuple[Preference, ...]
    next: str | None = NEXT


class Trail(Noun):
    """What was done with a person's memory, oldest first."""

    user: str
    lines: tuple[AuditLine, ...]
    next: str | None = NEXT


def listed(person: UserStore, filters: Filters | None = None) -> Listing:
    """The statements that are asked for."""
    asked, at = filters or Filters(), now()
    every, waiting = everything(person), person.proposals()
    known = [each for each in every if each.status != "proposed"]
    chosen = known if asked.every else person.preferences(at)
    statements, after = paged((each for each in chosen if _is_asked(each, asked)), _page(asked), _place)
    return Listing(
        user=own_id(person.id),
        at=at,
        statements=statements,
        next=after,
        unconsented=sum(each.status == "unconsented" for each in known),
        withheld=sum(each.status == "withheld" for each in known),
        contradicting=sum(map(len, person.conflicts())),
        proposed=len(waiting),
    )


def conflicting(person: UserStore, page: Page | None = None) -> Conflicts:
    """What contradicts."""
    conflicts, after = paged(person.conflicts(), page or Page(), lambda together: _place(together[0]))
    return Conflicts(user=own_id(person.id), conflicts=conflicts, next=after)


def proposed(person: UserStore, asked: Waiting | None = None) -> Proposals:
    """What waits, of all sources or of one."""
    asked, waiting = asked or Waiting(), person.proposals()
    chosen = waiting if asked.source is None else coming_from(waiting, asked.source)
    proposals, after = paged(chosen, _page(asked), _place)
    return Proposals(user=own_id(person.id), proposals=proposals, next=after)


def trail(person: UserStore, page: Page | None = None) -> Trail:
    """What was done."""
    lines, after = paged(audited(person), page or Page(), lambda line: (line.at, " ".join((line.action, *line.ids))))
    return Trail(user=own_id(person.id), lines=lines, next=after)


def coming_from(waiting: Iterable[Preference], source: str) -> Iterable[Preference]:
    """Those of one source."""
    return (each for each in waiting if is_from(each, source))


def _page(asked: Page) -> Page:
    return Page(limit=asked.limit, after=asked.after)


def _place(preference: Preference) -> Place:
    return preference.at, preference.id


def _is_asked(preference: Preference, asked: Filters) -> bool:
    of_kind = asked.kind is None or preference.kind == asked.kind
    return of_kind and (asked.topic is None or is_about(preference, asked.topic))
