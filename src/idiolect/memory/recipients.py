"""Who was shown what: for each model a count by day and kind, without a text.

It is written with the turn that it counts. What was sent cannot be unsent, so forgetting a turn leaves its count; when
the person is erased, and once a count is older than turns are kept, it becomes nobody's and keeps the month alone.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final, Literal, TypeAlias, get_args

from sqlalchemy import Connection, Executable, bindparam, delete, select, text

from idiolect.errors import BadInput
from idiolect.memory import tables
from idiolect.schema import Noun, now

Shown: TypeAlias = Literal["words", "statements", "special", "turns", "tastes", "reading"]
KINDS: Final = frozenset(get_args(Shown))
NOBODY: Final = ""

_COUNT: Final = text(
    "INSERT INTO recipient (person, day, endpoint, kind, times) VALUES (:of, :day, :endpoint, :kind, :times) "
    "ON CONFLICT (person, day, endpoint, kind) DO UPDATE SET times = recipient.times + excluded.times"
)
_TABLE: Final = tables.recipient
_OF: Final = _TABLE.c.person == bindparam("of")
_COUNTED: Final = select(_TABLE).where(_OF).order_by(_TABLE.c.endpoint, _TABLE.c.day, _TABLE.c.kind)
_BEFORE: Final = _TABLE.c.day < bindparam("before")
_DROP: Final = delete(_TABLE).where(_OF, _BEFORE)
EVER: Final = "9999-12-31"  # after every day that is counted


class Recipient(Noun):
    """How often a model was shown one kind of data on one day: of a person, or in one month of nobody.

    `words`: the conversation; `statements` that were recalled, `special` ones of health, faith and the like; earlier
    `turns`; `tastes` in numbers, told as words; `reading`: a person's own words once more, to be read for the memory.
    """

    day: str
    endpoint: str
    kind: Shown
    times: int


def count(connection: Connection, person: str, endpoint: str, kinds: Iterable[str], at: datetime | None = None) -> None:
    """Count one sending of these kinds. Raises BadInput for a kind that there is not, and a model without a name."""
    named = " ".join(endpoint.split())[:200]
    day = (at or now()).date().isoformat()
    for kind in sorted(set(kinds)):
        if kind not in KINDS or not named:
            raise BadInput(
                f"{kind!r} of {named!r} cannot be counted: name a model, and one of {', '.join(sorted(KINDS))}"
            )
        _add(connection, person, day, named, kind, 1)


def counted(connection: Connection, person: str) -> list[Recipient]:
    """Of one person, or of nobody."""
    rows = connection.execute(_COUNTED, {"of": person})
    return [Recipient(day=row.day, endpoint=row.endpoint, kind=row.kind, times=row.times) for row in rows]


def let_go(connection: Connection, person: str, before: date | None = None) -> int:
    """Make a person's counts, or those of days before this one, nobody's; how many rows the person had."""
    limit = EVER if before is None else before.isoformat()
    own = [each for each in counted(connection, person) if each.day < limit]
    for each in own:
        _add(connection, NOBODY, each.day[:7], each.endpoint, each.kind, each.times)
    if own:
        connection.execute(_DROP, {"of": person, "before": limit})
    return len(own)


def _add(connection: Connection, person: str, day: str, endpoint: str, kind: str, times: int) -> None:
    statement: Executable = _COUNT
    connection.execute(statement, {"of": person, "day": day, "endpoint": endpoint, "kind": kind, "times": times})
