"""Claude's data export: conversations.json and memories.json.

A conversation has `chat_messages` whose `sender` is human or assistant. What was attached is a document, and not read.
"""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from idiolect.memory.importers.found import (
    Format,
    Found,
    Left,
    Remembered,
    Said,
    conversation,
    first,
    items,
    lines,
    mapping,
    moment,
    words,
)
from idiolect.memory.importers.pieces import Piece


class Claude(Format):
    """Conversations, and the memory that was kept of them."""

    name = "claude"
    title = "Claude export"

    @classmethod
    def recognises(cls, piece: Piece) -> bool:
        """Only here messages are `chat_messages`."""
        record = mapping(piece.value)
        return isinstance(record.get("chat_messages"), list) or _is_memory(piece)

    @classmethod
    def found(cls, piece: Piece) -> Iterator[Found]:
        """The person's messages, in their order."""
        record = mapping(piece.value)
        if _is_memory(piece):
            memory = words(piece.value) or words(record.get("conversations_memory"))
            for line in lines(memory.replace(". ", ".\n")):
                yield Remembered(line, f"{cls.title}, memory", "memory")
        elif isinstance(record.get("chat_messages"), list):
            yield from cls._conversation(record)
        elif piece.key == "":
            yield Left("a record that is no conversation")

    @classmethod
    def _conversation(cls, record: Mapping[str, JsonValue]) -> Iterator[Found]:
        started = moment(record.get("created_at"))
        source = conversation(cls.title, record.get("name"), started)
        where = words(record.get("uuid")) or source
        for each in items(record.get("chat_messages")):
            message = mapping(each)
            if message.get("sender") in ("human", "user"):
                when = moment(first(message, "created_at", "updated_at"))
                yield Said(_text(message), source, where, when if when.at or when.is_wrong else started)


def _is_memory(piece: Piece) -> bool:
    return "conversations_memory" in (piece.key, *mapping(piece.value))


def _text(message: Mapping[str, JsonValue]) -> str:
    """The written blocks; older exports have only `text`."""
    blocks = (mapping(block) for block in items(message.get("content")))
    written = [words(block.get("text")) for block in blocks if block.get("type") == "text"]
    return "\n".join(filter(None, written)) or words(message.get("text"))
