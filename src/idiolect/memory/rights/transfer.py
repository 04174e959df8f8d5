"""A person's memory as one file, and back again: what is exported, erased and imported exports to the same bytes.

The form, version 1, is JSON in UTF-8 with sorted keys, one event a line:

    {"events": [EVENT, ...], "format": "idiolect-memory", "version": 1}

Events stand in the order in which they were recorded, each as `idiolect.schema` describes it under its `kind`; numbers
have as many digits as it takes to get the same number back. `answer.user` is left out, since the file may become
another person's. Beliefs, vectors and statements are derived from events, so they are made anew. Whoever writes such a
file by hand still passes the door: statements that it refuses are refused here, and judgements of nobody's answers.
"""

import json
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from idiolect.errors import BadInput, DataError
from idiolect.memory.rights.referring import demand_known
from idiolect.memory.store import Transaction, UserStore
from idiolect.schema import EVENT, AnyEvent, Noun

FORMAT = "idiolect-memory"
VERSION = 1
ROOT: Final = TypeAdapter(dict[str, JsonValue])
NEXT = "export it anew with `idiolect memory export`"


class Restored(Noun):
    """What an import again brought."""

    events: int


def export(person: UserStore) -> bytes:
    """All events of a person in the form above; it is noted in the audit trail of whoever has one."""
    if person.head() is None:
        return _dumped([])
    with person.transaction() as transaction:
        events = [recorded.event for recorded in transaction.events()]
        transaction.note("export", {"events": len(events)})
    return _dumped([_without_user(event) for event in events])


def import_again(person: UserStore, data: bytes) -> Restored:
    """Record the events of an export, all or none, after those that the person has.

    Raises DataError for a file that is broken, of a newer version, or of judgements of unknown answers; BadInput for
    an id that is taken and for words that may not be kept.
    """
    records = _records(data)
    events = [_event(record, number, person.id) for number, record in enumerate(records, start=1)]
    if events:
        with person.transaction() as transaction:
            demand_known(events, transaction)  # in it, so that no turn goes meanwhile
            for number, event in enumerate(events, start=1):
                _append(transaction, event, number)
            transaction.note("restore", {"events": len(events)})
    return Restored(events=len(events))


def _dumped(events: list[dict[str, JsonValue]]) -> bytes:
    lines = [json.dumps(event, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for event in events]
    listed = "[" + "".join(f"\n{line}," for line in lines).removesuffix(",") + "\n]"
    return f'{{"events":{listed},"format":"{FORMAT}","version":{VERSION}}}\n'.encode()


def _without_user(event: AnyEvent) -> dict[str, JsonValue]:
    record: dict[str, JsonValue] = json.loads(EVENT.dump_json(event))
    if isinstance(record.get("answer"), dict):
        record["answer"] = {key: value for key, value in _mapping(record["answer"]).items() if key != "user"}
    return record


def _records(data: bytes) -> list[JsonValue]:
    try:
        root = ROOT.validate_python(json.loads(data.decode("utf-8-sig")))
    except (ValueError, RecursionError) as broken:  # of the encoding, of JSON, of its form
        raise DataError(f"the file is no export of Idiolect, or was cut short: {NEXT}") from broken
    version, events = root.get("version"), root.get("events")
    if root.get("format") != FORMAT or not isinstance(version, int) or not isinstance(events, list):
        raise DataError(f"the file is no export of Idiolect (its `format` is not {FORMAT}): {NEXT}")
    if version > VERSION:
        raise DataError(
            f"the file has version {version} and this Idiolect reads up to {VERSION}: upgrade with "
            "`pip install --upgrade idiolect`"
        )
    return events


def _event(record: JsonValue, number: int, user: str) -> AnyEvent:
    members = dict(_mapping(record))
    if isinstance(members.get("answer"), dict):
        members["answer"] = {**_mapping(members["answer"]), "user": user}
    try:
        return EVENT.validate_python(members)
    except (ValidationError, RecursionError) as broken:
        where = ".".join(map(str, broken.errors()[0]["loc"])) if isinstance(broken, ValidationError) else "its depth"
        raise DataError(f"event {number} of the file cannot be read (at {where[:80]}): {NEXT}") from broken


def _append(transaction: Transaction, event: AnyEvent, number: int) -> None:
    try:
        transaction.append(event)
    except BadInput as refused:
        raise BadInput(f"event {number} of the file: {refused}; nothing of the file was kept") from refused


def _mapping(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}
