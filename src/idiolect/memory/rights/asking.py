"""What a person asks to be forgotten, in one form for every face: a statement, a topic, a source or a period."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from pydantic import Field

from idiolect.errors import BadInput
from idiolect.memory.naming import named
from idiolect.memory.rights.forgetting import forget, forget_period, forget_source, forget_topic
from idiolect.memory.rights.receipt import NO_CACHES, Caches, Receipt
from idiolect.memory.store import UserStore
from idiolect.schema import Noun, now

BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)


class Forgetting(Noun):
    """One of `statement`, `topic`, `source`, or a period by `since`, `until` or both."""

    statement: str | None = Field(None, description="Its id, or a beginning of it that no other has.")
    topic: str | None = Field(None, description='An area of life ("food"), or a thing ("jazz").')
    source: str | None = Field(None, description='"import", "ChatGPT export", or one conversation of it.')
    since: str | None = Field(None, description="A day (2026-03-02) or a time (2026-03-02T09:30Z), in UTC if unsaid.")
    until: str | None = Field(None, description="The last day, which is forgotten too; or the time before which.")
    later: bool = Field(False, description="Also the answers that were written while one of these was recalled.")
    dry_run: bool = Field(False, description="Tell what would go; delete nothing.")


def forgotten(person: UserStore, asked: Forgetting, caches: Caches = NO_CACHES) -> Receipt:
    """Forget it. Raises BadInput where it is not said what, or said in two ways; NotFound for ids of nobody's."""
    return _way(asked)(person, asked, caches)


def _way(asked: Forgetting) -> Callable[[UserStore, Forgetting, Caches], Receipt]:
    said = {
        "statement": asked.statement is not None,
        "topic": asked.topic is not None,
        "source": asked.source is not None,
        "period": (asked.since or asked.until) is not None,
    }
    chosen = [name for name, is_said in said.items() if is_said]
    if len(chosen) != 1:
        told = f"not {' and '.join(chosen)} at once" if chosen else "nothing was named"
        raise BadInput(f"say what to forget by one of a statement's id, a topic, a source or a period: {told}")
    return _WAYS[chosen[0]]


def _statement(person: UserStore, asked: Forgetting, caches: Caches) -> Receipt:
    identifier = named(person, asked.statement or "").id
    return forget(person, identifier, later=asked.later, dry_run=asked.dry_run, caches=caches)


def _topic(person: UserStore, asked: Forgetting, caches: Caches) -> Receipt:
    return forget_topic(person, asked.topic or "", later=asked.later, dry_run=asked.dry_run, caches=caches)


def _source(person: UserStore, asked: Forgetting, caches: Caches) -> Receipt:
    return forget_source(person, asked.source or "", later=asked.later, dry_run=asked.dry_run, caches=caches)


def _period(person: UserStore, asked: Forgetting, caches: Caches) -> Receipt:
    start = _moment(asked.since, ends=False) if asked.since else BEGINNING
    end = _moment(asked.until, ends=True) if asked.until else now()
    return forget_period(person, start, end, later=asked.later, dry_run=asked.dry_run, caches=caches)


def _moment(said: str, ends: bool) -> datetime:
    """A day as its beginning, or as its end; a time as it is."""
    try:
        if len(said) <= len("2026-03-02"):
            day = datetime.combine(date.fromisoformat(said), time(), UTC)
            return day + timedelta(days=ends)
        at = datetime.fromisoformat(said)
    except (ValueError, OverflowError) as unread:
        raise BadInput(f"{said[:40]!r} is no day or time: write 2026-03-02 or 2026-03-02T09:30") from unread
    return at if at.tzinfo else at.replace(tzinfo=UTC)


_WAYS: Final = {"statement": _statement, "topic": _topic, "source": _source, "period": _period}
