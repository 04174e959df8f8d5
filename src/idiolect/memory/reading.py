"""What can be read of one person. Every reader is bound to one, so there is no filter to forget."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from pydantic import ValidationError
from sqlalchemy import BindParameter, Row, Select, bindparam, select

from idiolect.errors import AnswerNotFound, StoreError
from idiolect.memory import tables
from idiolect.memory.arrays import unpacked, vector_of
from idiolect.memory.preferences import folded
from idiolect.schema import EVENT, AnyEvent, Array, Interaction, Preference

Rows: TypeAlias = Sequence[Row[*tuple[object, ...]]]
Query: TypeAlias = Select[*tuple[object, ...]]

OF: Final[BindParameter[str]] = bindparam("of")  # the person
MOST_VALUES = 500  # in one statement; more are asked for in turns

# Statements are built once, and SQLAlchemy compiles each once.
_EVENTS: Final = (
    select(tables.event.c.seq, tables.event.c.payload)
    .where(tables.event.c.person == OF, tables.event.c.seq > bindparam("after"))
    .order_by(tables.event.c.seq)
)
_EVENTS_OF_KINDS: Final = _EVENTS.where(tables.event.c.kind.in_(bindparam("kinds", expanding=True)))
_INTERACTION: Final = (
    select(tables.event.c.seq, tables.event.c.payload)
    .join_from(tables.answer, tables.event, tables.answer.c.event == tables.event.c.seq)
    .where(tables.answer.c.person == OF, tables.answer.c.id == bindparam("identifier"))
)
_NEWEST_INTERACTIONS: Final = (
    select(tables.event.c.seq, tables.event.c.payload)
    .where(tables.event.c.person == OF, tables.event.c.kind == "interaction")
    .order_by(tables.event.c.seq.desc())
    .limit(bindparam("most"))
)
_STATE: Final = select(tables.state).where(tables.state.c.person == OF, tables.state.c.name == bindparam("called"))
_VECTORS: Final = select(tables.vector.c.candidate, tables.vector.c.data).where(
    tables.vector.c.person == OF,
    tables.vector.c.version == bindparam("made_by"),
    tables.vector.c.candidate.in_(bindparam("candidates", expanding=True)),
)


@dataclass(frozen=True)
class Recorded:
    """An event with its place in the order of all events."""

    seq: int
    event: AnyEvent


@dataclass(frozen=True)
class State:
    """A derived belief: which events are in it, and the version of what made it. It can always be rebuilt."""

    name: str
    version: str
    through: int  # seq of the last event folded in
    arrays: Mapping[str, Array]
    seen: int  # pieces of evidence


class Reading(ABC):
    """All that can be read of one person; `id` is the person's."""

    def __init__(self, user_id: str) -> None:
        self.id = user_id

    @abstractmethod
    def _rows(self, statement: Query, values: Mapping[str, object]) -> Rows:
        """What the database answers; `values` beside this person's id."""

    def events(self, *kinds: str, after: int = 0) -> list[Recorded]:
        """Events of these kinds (all, if none is named) in the order in which they were appended."""
        rows = (
            self._rows(_EVENTS_OF_KINDS, {"after": after, "kinds": kinds})
            if kinds
            else self._rows(_EVENTS, {"after": after})
        )
        return [_recorded(row) for row in rows]

    def interaction(self, identifier: str) -> Interaction:
        """The turn that an answer's or a candidate's id belongs to. Raises AnswerNotFound."""
        rows = self._rows(_INTERACTION, {"identifier": identifier}) if identifier.isprintable() else ()
        for row in rows:
            found = _recorded(row).event
            assert isinstance(found, Interaction)
            return found
        raise AnswerNotFound(
            f"no answer {identifier[:80]!r} of this user: use the `id` of an answer, or of one of its candidates, "
            "that this user was given"
        )

    def interactions(self, limit: int = 20) -> list[Interaction]:
        """The newest turns, newest first."""
        found = (_recorded(row).event for row in self._rows(_NEWEST_INTERACTIONS, {"most": limit}))
        return [event for event in found if isinstance(event, Interaction)]

    def state(self, name: str) -> State | None:
        """A belief by its name; None where none was saved."""
        for row in self._rows(_STATE, {"called": name}):
            return State(row.name, row.version, row.through, unpacked(row.layout, row.data), row.seen)
        return None

    def vectors(self, candidate_ids: Iterable[str], version: str) -> dict[str, Array]:
        """Vectors (d,) of those candidates that this version of the space has measured."""
        found: dict[str, Array] = {}
        asked = [candidate for candidate in candidate_ids if candidate.isprintable()]
        for some in _batches(asked):
            rows = self._rows(_VECTORS, {"made_by": version, "candidates": some})
            found |= {row.candidate: vector_of(row.data) for row in rows}
        return found

    def preferences(self) -> tuple[Preference, ...]:
        """The statements that hold now, oldest first."""
        return folded(recorded.event for recorded in self.events("statement", "correction"))


def _batches(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + MOST_VALUES] for start in range(0, len(names), MOST_VALUES))


def _recorded(row: Row[*tuple[object, ...]]) -> Recorded:
    try:
        return Recorded(row.seq, EVENT.validate_json(row.payload))
    except ValidationError as unknown:
        raise StoreError(
            f"event {row.seq} cannot be read by this version of Idiolect: upgrade with "
            "`pip install --upgrade idiolect`, or restore a backup if the file was changed by hand"
        ) from unknown
