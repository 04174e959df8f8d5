"""Mem0: what `get_all` answers, a list of objects with `memory`, `created_at`, `categories`, or `results` with it."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from idiolect.memory.importers.found import Format, Found, Left, Remembered, first, items, mapping, moment, words
from idiolect.memory.importers.pieces import Piece

LISTS = ("", "results", "memories")


class Mem0(Format):
    """A list of memories."""

    name = "mem0"
    title = "Mem0 export"

    @classmethod
    def recognises(cls, piece: Piece) -> bool:
        """A `memory` beside what only Mem0 keeps."""
        record = mapping(piece.value)
        beside = {"id", "hash", "user_id", "created_at", "metadata", "categories"} & set(record)
        return piece.key in LISTS and isinstance(record.get("memory"), str) and bool(beside)

    @classmethod
    def found(cls, piece: Piece) -> Iterator[Found]:
        """Memories of the person; those that are attributed to the assistant are left."""
        if piece.key not in LISTS:
            return  # `relations` of its graph, page counts
        record = mapping(piece.value)
        if "assistant" in (record.get("role"), record.get("attributed_to"), record.get("actor_id")):
            yield Left("a memory of what the assistant said")
        elif isinstance(record.get("memory"), str):
            when = moment(first(record, "created_at", "updated_at"))
            yield Remembered(words(record["memory"]), cls.title, "memories", when, _topic(record))
        else:
            yield Left("a record without a memory")


def _topic(record: Mapping[str, JsonValue]) -> str:
    metadata = mapping(record.get("metadata"))
    named = [*items(record.get("categories")), metadata.get("category"), metadata.get("topic")]
    return next((each for each in named if isinstance(each, str)), "")
