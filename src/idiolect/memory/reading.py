"""What can be read of one person. Every reader is bound to one, so there is no filter to forget."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as _quoted
from typing import Final, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import BindParameter, Row, Select, bindparam, func, select

from idiolect.errors import AnswerNotFound, StoreError
from idiolect.memory import tables
from idiolect.memory.arrays import embeddings_of, unpacked, vector_of
from idiolect.memory.consolidation import Consolidated
from idiolect.memory.records import Audited, Embeddings, Head, Recorded, State
from idiolect.schema import EVENT, AnyEvent, Array, Interaction, Preference, Statement, now

Rows: TypeAlias = Sequence[Row[*tuple[object, ...]]]
Query: TypeAlias = Select[*tuple[object, ...]]

T = TypeVar("T")

OF: Final[BindParameter[str]] = bindparam("of")  # the person
MOST_VALUES = 500  # in one statement; more are asked for in turns

# Statements are built once, and SQLAlchemy compiles each once.
_RECORDED: Final = tuple(tables.event.c[name] for name in ("seq", "id", "kind", "at", "payload"))
_EVENTS: Final = (
    select(*_RECORDED)
    .where(tables.event.c.person == OF, tables.event.c.seq > bindparam("after"))
    .order_by(tables.event.c.seq)
)
_EVENTS_OF_KINDS: Final = _EVENTS.where(tables.event.c.kind.in_(bindparam("kinds", expanding=True)))
_EVENT_OF_ID: Final = select(*_RECORDED).where(
    tables.event.c.person == OF, tables.event.c.id == bindparam("identifier")
)
_INTERACTION: Final = (
    select(*_RECORDED)
    .join_from(tables.answer, tables.event, tables.answer.c.event == tables.event.c.seq)
    .where(tables.answer.c.person == OF, tables.answer.c.id == bindparam("identifier"))
)
HEARD: Final = "heard-"  # of a turn's key among the ids that lead to it
_ANSWERS: Final = select(tables.answer.c.id).where(
    tables.answer.c.person == OF,
    tables.answer.c.id.not_like(f"{HEARD}%"),
    tables.answer.c.id.like(bindparam("begun"), escape="\\")
    | tables.answer.c.id.like(bindparam("within"), escape="\\"),
)
_NEWEST: Final = (
    select(*_RECORDED)
    .where(tables.event.c.person == OF, tables.event.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(tables.event.c.seq.desc())
    .limit(bindparam("most"))
)
_STATE: Final = select(tables.state).where(tables.state.c.person == OF, tables.state.c.name == bindparam("called"))
_VECTORS: Final = select(tables.vector.c.candidate, tables.vector.c.data).where(
    tables.vector.c.person == OF,
    tables.vector.c.version == bindparam("made_by"),
    tables.vector.c.candidate.in_(bindparam("candidates", expanding=True)),
)
_HEAD: Final = select(
    tables.person.c.epoch,
    select(func.max(tables.event.c.seq)).where(tables.event.c.person == OF).scalar_subquery().label("newest"),
).where(tables.person.c.id == OF)
_EMBEDDINGS: Final = (
    select(tables.event.c.id, tables.embedding.c.part, tables.embedding.c.scale, tables.embedding.c.data)
    .join_from(tables.event, tables.embedding, tables.embedding.c.event == tables.event.c.seq)
    .where(tables.event.c.person == OF, tables.embedding.c.version == bindparam("made_by"))
    .order_by(tables.event.c.seq, tables.embedding.c.part)
)
_EMBEDDINGS_OF: Final = _EMBEDDINGS.where(tables.event.c.id.in_(bindparam("events", expanding=True)))
_AUDIT: Final = select(tables.audit).where(tables.audit.c.person == OF).order_by(tables.audit.c.seq)
_WHAT: Final = TypeAdapter(dict[str, int | list[str]])


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

    def event(self, identifier: str) -> AnyEvent | None:
        """The event of this id, if there is one."""
        rows = self._rows(_EVENT_OF_ID, {"identifier": identifier})
        return _recorded(rows[0]).event if rows else None

    def interaction(self, identifier: str) -> Interaction:
        """The turn that an answer's or a candidate's id belongs to. Raises AnswerNotFound."""
        found = self.turn(identifier).event
        assert isinstance(found, Interaction)
        return found

    def turn(self, identifier: str) -> Recorded:
        """The same with its place among all events."""
        rows = self._rows(_INTERACTION, {"identifier": identifier}) if identifier.isprintable() else ()
        for row in rows:
            return _recorded(row)
        raise AnswerNotFound(
            f"no answer {identifier[:80]!r} of this user: use the `id` of an answer, or of one of its candidates, "
            "that this user was given"
        )

    def answers(self, begun: str) -> list[str]:
        """Ids of answers and candidates that begin so, or whose part after the first dash does; a number may end it."""
        base, dash, number = begun.rpartition("-")
        if not dash or not number.isdecimal():
            base, dash, number = begun, "", ""
        like = re.sub(r"([%_\\])", r"\\\1", base) + "%" + dash + number
        rows = self._rows(_ANSWERS, {"begun": like, "within": f"%-{like}"}) if begun.isprintable() else ()
        return [row.id for row in rows]

    def of_turn(self, identifier: str) -> list[Statement]:
        """What was read from the turn that an answer's or a candidate's id belongs to; nothing of one that is gone."""
        rows = self._rows(_INTERACTION, {"identifier": identifier}) if identifier.isprintable() else ()
        turns = [_recorded(row) for row in rows]
        ids = {turn.event.answer.id for turn in turns if isinstance(turn.event, Interaction)}
        return [
            each.event
            for turn in turns
            for each in self.events("statement", after=turn.seq)
            if isinstance(each.event, Statement) and each.event.turn in ids
        ]

    def newest(self, *kinds: str, most: int) -> list[Recorded]:
        """So many events of these kinds, newest first."""
        return [_recorded(row) for row in self._rows(_NEWEST, {"kinds": kinds, "most": most})]

    def interactions(self, limit: int = 20) -> list[Interaction]:
        """The newest turns, newest first."""
        found = (each.event for each in self.newest("interaction", most=limit))
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
        for some in batches(asked):
            rows = self._rows(_VECTORS, {"made_by": version, "candidates": some})
            found |= {row.candidate: vector_of(row.data) for row in rows}
        return found

    def head(self) -> Head | None:
        """How far the events go, in one query; None for a person of whom nothing is kept."""
        for row in self._rows(_HEAD, {}):
            return Head(row.epoch, row.newest or 0)
        return None

    def embeddings(self, version: str, event_ids: Iterable[str] | None = None) -> Embeddings:
        """Vectors (d,) by event and part, of all events or of those named, that this embedder made."""
        if event_ids is None:
            return _embeddings(self._rows(_EMBEDDINGS, {"made_by": version}))
        found: Embeddings = {}
        for some in batches(list(event_ids)):
            found |= _embeddings(self._rows(_EMBEDDINGS_OF, {"made_by": version, "events": some}))
        return found

    def audit_trail(self) -> list[Audited]:
        """What was done with this person's memory, oldest first."""
        rows = self._rows(_AUDIT, {})
        return [Audited(_in_utc(row.at), row.action, _WHAT.validate_json(row.what)) for row in rows]

    @abstractmethod
    def ask(self, question: Callable[[Consolidated], T]) -> T:
        """The answer of this person's statements, up to date. What is asked must not change or keep them."""

    def preferences(self, at: datetime | None = None) -> tuple[Preference, ...]:
        """The statements in force now, or at another time; oldest first."""
        return self.ask(lambda statements: statements.preferences(at or now()))

    def statements(self, at: datetime | None = None) -> tuple[Preference, ...]:
        """Every statement there was, with what became of it; what waits for the person is not yet one."""
        return self.ask(lambda statements: statements.all(at or now()))

    def proposals(self) -> tuple[Preference, ...]:
        """What waits for the person to accept or refuse it, oldest first."""
        return self.ask(lambda statements: statements.proposals())

    def conflicts(self) -> tuple[tuple[Preference, ...], ...]:
        """Statements of equal standing that contradict each other, together."""
        return self.ask(lambda statements: statements.conflicts(now()))


def batches(names: Sequence[str]) -> Iterable[Sequence[str]]:
    """So many at a time as one statement takes."""
    return (names[start : start + MOST_VALUES] for start in range(0, len(names), MOST_VALUES))


def _embeddings(rows: Rows) -> Embeddings:
    vectors = embeddings_of([row.scale for row in rows], [row.data for row in rows])
    return {(row.id, row.part): vector for row, vector in zip(rows, vectors, strict=True)}


def _in_utc(at: datetime) -> datetime:
    """SQLite gives the clock without its zone, PostgreSQL in the zone of the session."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _recorded(row: Row[*tuple[object, ...]]) -> Recorded:
    seq, identifier, kind, at, payload = row.seq, row.id, row.kind, row.at, row.payload
    # Older payloads hold what stands in columns too: of two members of one name, the later counts.
    columns = f'{{"id":{_quoted(identifier)},"kind":{_quoted(kind)},"at":"{_in_utc(at).isoformat()}"'
    whole = f"{columns}}}" if payload == "{}" else f"{columns},{payload.removeprefix('{')}"
    try:
        return Recorded(seq, EVENT.validate_json(whole))
    except ValidationError as unknown:
        raise StoreError(
            f"event {seq} cannot be read by this version of Idiolect: upgrade with "
            "`pip install --upgrade idiolect`, or restore a backup if the file was changed by hand"
        ) from unknown
