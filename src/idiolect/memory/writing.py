"""One durable write transaction of one person: all of it is on the disk when it ends, or none."""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import Final, TypeVar

from pydantic_core import PydanticSerializationError
from sqlalchemy import (
    Connection,
    CursorResult,
    Executable,
    bindparam,
    delete,
    exists,
    insert,
    select,
    text,
    update,
)

from idiolect.errors import BadInput
from idiolect.memory import recipients, tables
from idiolect.memory.arrays import embedding_bytes, packed, vector_bytes
from idiolect.memory.consolidation import Consolidated
from idiolect.memory.door import pass_the_door
from idiolect.memory.faults import as_bad_input, as_store_errors
from idiolect.memory.forgetting import Reader, hanging_on, inferred_in
from idiolect.memory.keeping import Fork, Keeping
from idiolect.memory.keys import drop_keys_of
from idiolect.memory.reading import HEARD, MOST_VALUES, OF, Query, Reading, Rows, batches
from idiolect.memory.records import Embeddings, Removed, State
from idiolect.schema import EVENT, WORD_KINDS, AnyEvent, Array, Inference, Interaction, Restart, now

T = TypeVar("T")

_LOCK_PERSON: Final = select(tables.person.c.id).where(tables.person.c.id == OF).with_for_update()  # SQLite locks all
_NEW_PERSON: Final = text("INSERT INTO person (id, epoch) VALUES (:of, :epoch) ON CONFLICT DO NOTHING")
_FIRST_HEARD: Final = text("INSERT INTO answer (person, id, event) VALUES (:of, :key, :seq) ON CONFLICT DO NOTHING")
_NEXT_EPOCH: Final = update(tables.person).where(tables.person.c.id == OF).values(epoch=tables.person.c.epoch + 1)
_NEW_EVENT: Final = insert(tables.event)
_NEW_ANSWERS: Final = insert(tables.answer)
_NEW_VECTORS: Final = insert(tables.vector)
_NEW_STATE: Final = insert(tables.state)
_CHANGE_STATE: Final = update(tables.state).where(
    tables.state.c.person == OF, tables.state.c.name == bindparam("called")
)
_NEW_EMBEDDINGS: Final = insert(tables.embedding)
_NEW_AUDIT: Final = insert(tables.audit)
_SEQS: Final = select(tables.event.c.id, tables.event.c.seq).where(
    tables.event.c.person == OF, tables.event.c.id.in_(bindparam("events", expanding=True))
)
_LEAVE: Final = delete(tables.person).where(
    tables.person.c.id == OF,
    *(~exists().where(table.c.person == OF) for table in (tables.event, tables.state, tables.audit)),
)
_DROP_EMBEDDINGS: Final = delete(tables.embedding).where(
    tables.embedding.c.event == bindparam("of_event"),
    tables.embedding.c.part == bindparam("of_part"),
    tables.embedding.c.version == bindparam("made_by"),
)
_DROP_VECTORS: Final = delete(tables.vector).where(
    tables.vector.c.person == OF,
    tables.vector.c.version == bindparam("made_by"),
    tables.vector.c.candidate == bindparam("of_candidate"),
)
LONGEST_ID = 200  # characters
_OF_PERSON: Final = select(tables.event.c.seq).where(tables.event.c.person == OF).scalar_subquery()
# Children first: a row goes before the row that it points at.
_ERASURES: Final = {
    table.name: delete(table).where(condition)
    for table, condition in (
        (tables.vector, tables.vector.c.person == OF),
        (tables.embedding, tables.embedding.c.event.in_(_OF_PERSON)),
        (tables.state, tables.state.c.person == OF),
        (tables.answer, tables.answer.c.person == OF),
        (tables.audit, tables.audit.c.person == OF),
        (tables.event, tables.event.c.person == OF),
        (tables.person, tables.person.c.id == OF),
    )
}
_OF_EVENTS: Final = (
    select(tables.event.c.seq)
    .where(tables.event.c.person == OF, tables.event.c.id.in_(bindparam("events", expanding=True)))
    .scalar_subquery()
)
_OF_ANSWERS: Final = (
    select(tables.answer.c.id).where(tables.answer.c.person == OF, tables.answer.c.event.in_(_OF_EVENTS))
).scalar_subquery()
_FORGETTINGS: Final = {
    table.name: delete(table).where(*conditions)
    for table, conditions in (
        (tables.vector, (tables.vector.c.person == OF, tables.vector.c.candidate.in_(_OF_ANSWERS))),
        (tables.embedding, (tables.embedding.c.event.in_(_OF_EVENTS),)),
        (tables.answer, (tables.answer.c.event.in_(_OF_EVENTS),)),
        (tables.event, (tables.event.c.seq.in_(_OF_EVENTS),)),
    )
}


class Forgotten(Exception):
    """Something of the person was forgotten meanwhile: nothing that was made of what they said before may be kept."""


class Transaction(Reading):
    """Reads see what was written before in the same transaction. It ends with the `with` block that made it."""

    def __init__(self, user_id: str, connection: Connection, database: str, keeping: Keeping | None = None) -> None:
        """`connection` is in a transaction; `database` is its name in messages; `keeping` spares folding anew."""
        super().__init__(user_id)
        self._connection = connection
        self._database = database
        self._keeping = keeping or Keeping()
        self._fork = Fork()
        self._was_known = True
        self.has_deleted = False  # or tried to: an erasure that was held up is finished by the next
        self.removed: list[Removed] = []  # whoever ends the transaction notes it where no backup sets it back
        while not self._rows(_LOCK_PERSON, {}):  # the person is new, or another process erased them just now
            self._was_known = False
            self._run(_NEW_PERSON, {"of": user_id, "epoch": secrets.randbits(62)})  # never that of one erased before

    def goes_on(self, epoch: int) -> None:
        """Raises Forgotten where this is not the epoch any more."""
        if self._epoch() != epoch:  # of a person who was erased it is another: the row was made just now
            raise Forgotten

    def leave(self) -> None:
        """Keep no row of a person who is new, or was erased just now, and of whom nothing was written."""
        if not self._was_known:
            self._run(_LEAVE, {"of": self.id})

    def append(self, event: AnyEvent) -> int:
        """Record an event; its seq. Raises BadInput for an id that is taken, and for a statement that is refused."""
        event = pass_the_door(event)
        row = {
            "person": self.id,
            "id": _plain(event.id),
            "kind": event.kind,
            "at": event.at.astimezone(UTC),
            "payload": _payload(event),
        }
        self._fork.is_current = self._fork.is_current and event.kind not in WORD_KINDS
        with as_bad_input(f"an event with the id {event.id!r} is already recorded: each is recorded once"):
            seq = self._insert(_NEW_EVENT, row)
        if isinstance(event, Interaction):
            self._index(event, seq)
        return seq

    def is_first(self, key: str, seq: int) -> bool:
        """Whether no earlier turn has this key; it is kept beside the turn with this seq, and goes with it."""
        return self._run(_FIRST_HEARD, {"of": self.id, "key": f"{HEARD}{_plain(key)}", "seq": seq}).rowcount == 1

    def save_state(self, state: State) -> None:
        """Keep a belief in place of the one of the same name."""
        layout, data = packed(state.arrays)
        values = {
            "version": state.version,
            "through": state.through,
            "seen": state.seen,
            "layout": layout,
            "data": data,
        }
        if self._run(_CHANGE_STATE, {**values, "of": self.id, "called": state.name}).rowcount == 0:
            self._run(_NEW_STATE, {**values, "person": self.id, "name": state.name})

    def save_vectors(self, version: str, vectors: Mapping[str, Array]) -> None:
        """Keep vectors (d,) by candidate, as float32. Raises BadInput for a candidate that was never recorded."""
        if not vectors:
            return
        rows = [
            {"person": self.id, "candidate": candidate, "version": version, "data": vector_bytes(row)}
            for candidate, row in vectors.items()
        ]
        self._run(_DROP_VECTORS, [{"of": self.id, "made_by": version, "of_candidate": each} for each in vectors])
        with as_bad_input("a vector's candidate is not recorded: append its interaction first"):
            self._run(_NEW_VECTORS, rows)

    def save_embeddings(self, version: str, vectors: Embeddings) -> None:
        """Keep vectors (d,) by event and part, as int8. Raises BadInput for an event that is not recorded."""
        if not vectors:
            return
        seqs = self._seqs({event for event, _ in vectors})
        if any(event not in seqs for event, _ in vectors):
            raise BadInput("an embedding's event is not recorded: append it first")
        old = [{"of_event": seqs[event], "of_part": part, "made_by": version} for event, part in vectors]
        pairs = (embedding_bytes(vector) for vector in vectors.values())
        rows = [
            {"event": seqs[event], "part": part, "version": version, "scale": scale, "data": data}
            for (event, part), (scale, data) in zip(vectors, pairs, strict=True)
        ]
        self._run(_DROP_EMBEDDINGS, old)
        self._run(_NEW_EMBEDDINGS, rows)

    def note(self, action: str, what: Mapping[str, int | Sequence[str]]) -> None:
        """Add to the audit trail: ids and counts. Raises BadInput for a text, which has no place there."""
        for value in what.values():
            for each in () if isinstance(value, int) else value:
                if not each or len(each) > LONGEST_ID or any(char.isspace() for char in each):
                    raise BadInput("the audit trail takes ids and counts, never a text")
        row = {"person": self.id, "at": now(), "action": action, "what": json.dumps(what)}
        self._run(_NEW_AUDIT, row)

    def sent(self, endpoint: str, kinds: Iterable[str]) -> None:
        """Count that a model was shown these kinds of data; of a person who was erased meanwhile, for nobody."""
        head = self.head()
        known = head is not None and head.newest > 0
        with as_store_errors(self._database):
            recipients.count(self._connection, self.id if known else recipients.NOBODY, endpoint, kinds)

    def let_go_of_recipients(self, before: date) -> int:
        """What was counted on days before this one becomes nobody's; how many rows it were."""
        with as_store_errors(self._database):
            return recipients.let_go(self._connection, self.id, before)

    def forget(self, event_ids: Iterable[str], reader: Reader | None = None) -> dict[str, int]:
        """Delete events and what hangs on them (see forgetting.py); how many rows went, by table.

        Every derived belief goes too, to be rebuilt from what is left, and the epoch changes, so that other processes
        drop what they hold. Inference of which something goes begins anew. Ids of nobody's are passed over. `reader`
        has the events as this transaction does, and spares reading them once more.
        """
        self.has_deleted, self._fork.is_current = True, False
        gone = sorted(hanging_on(event_ids, reader or self))
        guessed = inferred_in(set(gone), reader or self) if gone else set[Inference]()
        counts = dict.fromkeys(_FORGETTINGS, 0)
        for start in range(0, len(gone), MOST_VALUES):
            some = {"of": self.id, "events": gone[start : start + MOST_VALUES]}
            for name, statement in _FORGETTINGS.items():
                counts[name] += self._run(statement, some).rowcount
        counts[tables.state.name] = self._run(_ERASURES[tables.state.name], {"of": self.id}).rowcount
        self._run(_NEXT_EPOCH, {"of": self.id})
        if gone:
            self.removed.append(Removed(self._epoch(), tuple(gone), counts))
        self._restart(guessed)
        return counts

    def erase(self) -> dict[str, int]:
        """Delete every row of this person; how many went, by table."""
        self.has_deleted, self._fork.is_current = True, False
        epoch = self._epoch()
        with as_store_errors(self._database):
            beside = {
                tables.recipient.name: recipients.let_go(self._connection, self.id),
                tables.api_key.name: drop_keys_of(self._connection, self.id),
            }
        counts = {name: rows for name, rows in beside.items() if rows}
        counts |= {name: self._run(statement, {"of": self.id}).rowcount for name, statement in _ERASURES.items()}
        if not self._was_known:
            counts[tables.person.name] = 0
        if any(counts.values()):
            self.removed.append(Removed(epoch, None, counts))
        return counts

    def ask(self, question: Callable[[Consolidated], T]) -> T:
        """The answer of this person's statements, with those that were written in this transaction."""
        return self._keeping.ask_within(self, question, self._fork)

    def _restart(self, kinds: Iterable[Inference]) -> None:
        """Those that the person still allows read from here on."""
        allowed = self.ask(lambda statements: statements.consents.copy()).allowed if kinds else {}
        for kind in sorted(allowed.keys() & kinds):
            self.append(Restart(inference=kind, consent=allowed[kind].consent))

    def _seqs(self, event_ids: Iterable[str]) -> dict[str, int]:
        asked = [each for each in event_ids if each.isprintable()]
        return {row.id: row.seq for some in batches(asked) for row in self._rows(_SEQS, {"events": some})}

    def _epoch(self) -> int:
        head = self.head()
        assert head is not None  # the transaction holds the person's row
        return head.epoch

    def _index(self, event: Interaction, seq: int) -> None:
        """An answer's id and those of all its candidates, shown or not, lead to the event."""
        identifiers = (event.answer.id, *(candidate.id for candidate in event.answer.candidates))
        rows = [{"person": self.id, "id": _plain(each), "event": seq} for each in identifiers]
        with as_bad_input(f"an id of the answer {event.answer.id!r} is already taken: each answer is recorded once"):
            self._run(_NEW_ANSWERS, rows)

    def _rows(self, statement: Query, values: Mapping[str, object]) -> Rows:
        return self._run(statement, {**values, "of": self.id}).all()

    def _insert(self, statement: Executable, row: Mapping[str, object]) -> int:
        key = self._run(statement, row).inserted_primary_key
        assert key is not None
        return int(key[0])

    def _run(
        self, statement: Executable, values: Mapping[str, object] | Sequence[Mapping[str, object]]
    ) -> CursorResult[*tuple[object, ...]]:
        with as_store_errors(self._database):
            result = self._connection.execute(statement, values)
        assert isinstance(result, CursorResult)
        return result


def _payload(event: AnyEvent) -> str:
    """What neither stands in a column nor is the default. The column `at` keeps the moment, but no zone beside UTC."""
    in_columns = {"id", "kind", "at"} if event.at.utcoffset() == timedelta(0) else {"id", "kind"}
    try:
        return EVENT.dump_json(event, exclude=in_columns, exclude_defaults=True).decode()
    except PydanticSerializationError as unencodable:
        raise BadInput("the text has half of a character (a lone surrogate): send valid Unicode") from unencodable


def _plain(identifier: str) -> str:
    if not identifier or not identifier.isprintable():
        raise BadInput(
            f"the id {identifier[:80]!r} is empty or has characters that cannot be seen: use letters and digits"
        )
    return identifier
