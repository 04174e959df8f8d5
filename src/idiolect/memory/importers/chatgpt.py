"""ChatGPT's data export: conversations.json (whole, or numbered parts of it) and lists of saved memories.

A conversation is a tree of messages, `mapping`; the branch that the person saw last ends at `current_node`. What other
branches hold was taken back by editing. Custom instructions stand in every conversation as a hidden message.
"""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from idiolect.memory.importers.found import (
    Format,
    Found,
    Left,
    Remembered,
    Said,
    When,
    conversation,
    first,
    items,
    lines,
    mapping,
    moment,
    words,
)
from idiolect.memory.importers.pieces import Piece

Record = Mapping[str, JsonValue]


class ChatGPT(Format):
    """Conversations, custom instructions and saved memories."""

    name = "chatgpt"
    title = "ChatGPT export"

    @classmethod
    def recognises(cls, piece: Piece) -> bool:
        """Only here a conversation is a mapping of nodes; memories have `content`."""
        record = mapping(piece.value)
        return isinstance(record.get("mapping"), dict) or (piece.key == "memories" and "content" in record)

    @classmethod
    def found(cls, piece: Piece) -> Iterator[Found]:
        """The person's messages along the branch seen last, oldest first."""
        record = mapping(piece.value)
        if isinstance(record.get("mapping"), dict):
            yield from cls._conversation(record)
        elif piece.key == "memories" and "content" in record:
            when = moment(first(record, "created_at", "created_timestamp", "updated_at"))
            yield Remembered(words(record["content"]), f"{cls.title}, saved memories", "memories", when)
        else:
            yield Left("a record that is no conversation")

    @classmethod
    def _conversation(cls, record: Record) -> Iterator[Found]:
        if record.get("is_do_not_remember") is True:
            yield Left("a conversation that was not to be remembered")
            return
        started = moment(record.get("create_time"))
        source = conversation(cls.title, record.get("title"), started)
        where = words(first(record, "conversation_id", "id")) or source
        for message in _branch(record):
            metadata = mapping(message.get("metadata"))
            content = mapping(message.get("content"))
            if content.get("content_type") == "user_editable_context":
                yield from cls._instructions(content, mapping(metadata.get("user_context_message_data")), started)
            elif mapping(message.get("author")).get("role") == "user" and not metadata.get(
                "is_visually_hidden_from_conversation"
            ):
                when = moment(message.get("create_time"))
                yield Said(_text(content), source, where, when if when.at or when.is_wrong else started)

    @classmethod
    def _instructions(cls, content: Record, data: Record, when: When) -> Iterator[Found]:
        """What the person wrote in the settings: of themselves, and of how they like their answers."""
        pairs = (("about_user_message", "user_profile"), ("about_model_message", "user_instructions"))
        for raw, wrapped in pairs:
            text = words(data.get(raw)) or _unwrapped(words(content.get(wrapped)))
            for line in lines(text):
                yield Remembered(line, f"{cls.title}, custom instructions", "instructions", when)


def _branch(record: Record) -> list[Record]:
    """Messages from the root to the current node; all, where none is current."""
    nodes = mapping(record.get("mapping"))
    place, path, met = words(record.get("current_node")), list[Record](), set[str]()
    while place in nodes and place not in met:  # a damaged tree may go round in circles
        met.add(place)
        node = mapping(nodes[place])
        path.append(mapping(node.get("message")))
        place = words(node.get("parent"))
    return path[::-1] or [mapping(mapping(node).get("message")) for node in nodes.values()]


def _text(content: Record) -> str:
    """The written parts of a message and what was spoken; pictures and files are none."""
    if content.get("content_type") not in (None, "text", "multimodal_text"):
        return ""
    return "\n".join(filter(None, (_part(each) for each in items(content.get("parts")))))


def _part(part: JsonValue) -> str:
    spoken = mapping(part)
    if spoken.get("content_type") == "audio_transcription" and spoken.get("direction") in (None, "in"):
        return words(spoken.get("text"))
    return words(part)


def _unwrapped(text: str) -> str:
    """The person's words in what was sent to the model: they stand between fences, after an introduction."""
    pieces = text.split("```")
    return pieces[1] if len(pieces) >= 3 else ""
