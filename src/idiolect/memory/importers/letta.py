"""Letta: an agent file (.af, of one agent or of several), its blocks, and passages of its archival memory as JSON.

The block `persona` is about the agent, so it is left. Messages of the person may be wrapped in a JSON object of
the type `user_message`, as Letta sends them to the model; other types (logins, heartbeats) are the system's.
"""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from idiolect.memory.importers.found import (
    Format,
    Found,
    Left,
    Remembered,
    Said,
    first,
    items,
    lines,
    mapping,
    moment,
    words,
)
from idiolect.memory.importers.pieces import Piece, parsed

BLOCKS = ("blocks", "core_memory", "memory_blocks")
PASSAGES = ("passages", "archival_passages", "archival_memory")
OF_AGENTS = (*BLOCKS, *PASSAGES, "messages", "agents")


class Letta(Format):
    """Blocks, passages, and the person's messages to the agent."""

    name = "letta"
    title = "Letta export"

    @classmethod
    def recognises(cls, piece: Piece) -> bool:
        """Blocks have a label and a value; an agent has a type; passages belong to an archive."""
        record = mapping(piece.value)
        if piece.key == "agent_type" or {"label", "value"} <= set(record):
            return True
        is_agent = piece.key in ("", "agents") and {"agent_type", "messages"} & set(record) and "llm_config" in record
        return bool(is_agent) or _is_passage(record)

    @classmethod
    def found(cls, piece: Piece) -> Iterator[Found]:
        """All of one block, passage, message or agent."""
        record = mapping(piece.value)
        if {"label", "value"} <= set(record):
            yield from cls._block(record)
        elif piece.key in PASSAGES or _is_passage(record):
            yield Remembered(
                words(record.get("text")), f"{cls.title}, archival memory", "passages", moment(record.get("created_at"))
            )
        elif piece.key == "messages" or {"role", "content"} <= set(record):
            yield from cls._message(record)
        elif piece.key in ("", "agents") and record:
            for key in OF_AGENTS:
                for inner in items(record.get(key)):
                    yield from cls.found(Piece(key, inner)) if key != "agents" else ()

    @classmethod
    def _block(cls, record: Mapping[str, JsonValue]) -> Iterator[Found]:
        label = words(record.get("label"))
        if label == "persona":
            yield Left("the agent's description of itself")
            return
        when = moment(first(record, "updated_at", "created_at"))
        for line in lines(words(record.get("value"))):
            yield Remembered(line, f"{cls.title}, block {label!r:.40}", f"block:{label}", when)

    @classmethod
    def _message(cls, record: Mapping[str, JsonValue]) -> Iterator[Found]:
        if record.get("role") != "user":
            return
        content = first(record, "content", "text")
        text = words(content) or "\n".join(words(mapping(each).get("text")) for each in items(content))
        wrapped = parsed(text) if text.lstrip().startswith("{") else None
        if isinstance(wrapped, Piece) and "type" in mapping(wrapped.value):
            packed = mapping(wrapped.value)
            text = words(packed.get("message")) if packed["type"] == "user_message" else ""
        yield Said(text, f"{cls.title}, messages", "messages", moment(record.get("created_at")))


def _is_passage(record: Mapping[str, JsonValue]) -> bool:
    named = {"archive_id", "embedding", "embedding_config", "source_id", "file_id"} & set(record)
    return isinstance(record.get("text"), str) and (bool(named) or words(record.get("id")).startswith("passage-"))
