"""Small exports of other systems, in the forms that theirs have."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

MARCH_2 = 1_740_916_800.0  # 2025-03-02, noon

CHATGPT_INSTRUCTIONS: JsonValue = {
    "author": {"role": "user"},
    "content": {
        "content_type": "user_editable_context",
        "user_profile": "The user provided the following information about themselves.\n```I like chess.```",
        "user_instructions": "",
    },
    "metadata": {"is_visually_hidden_from_conversation": True, "is_user_system_message": True},
}


def chatgpt(*turns: tuple[str, str], title: str = "Rome", hidden: JsonValue = None, **more: JsonValue) -> JsonValue:
    """A conversation of (role, text), as a tree; an edited message of the person hangs on a branch beside it."""
    mapping: dict[str, JsonValue] = {"root": {"id": "root", "message": None, "parent": None, "children": ["m0"]}}
    if hidden is not None:
        mapping["hidden"] = {"id": "hidden", "message": hidden, "parent": "root", "children": ["m0"]}
    before = "hidden" if hidden is not None else "root"
    for index, (role, text) in enumerate(turns):
        message: JsonValue = {
            "id": f"m{index}",
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": MARCH_2 + index,
            "content": {"content_type": "text", "parts": [text]},
            "metadata": {},
        }
        mapping[f"m{index}"] = {"id": f"m{index}", "message": message, "parent": before, "children": []}
        before = f"m{index}"
    edited: JsonValue = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["I like regrets."]}}
    mapping["edited"] = {"id": "edited", "message": edited, "parent": "root", "children": []}
    return {
        "title": title,
        "create_time": MARCH_2,
        "update_time": MARCH_2,
        "mapping": mapping,
        "current_node": before,
        "conversation_id": f"id of {title}",
        **more,
    }


def claude(*turns: tuple[str, str], name: str = "Rome", when: str = "2025-03-02T12:00:00.000000Z") -> JsonValue:
    """A conversation of (sender, text), with an attachment that is not the person's words."""
    messages: list[JsonValue] = [
        {
            "uuid": f"{name}-{index}",
            "text": text,
            "content": [{"type": "text", "text": text}],
            "sender": sender,
            "created_at": when,
            "attachments": [{"file_name": "a.txt", "extracted_content": "I like attachments."}],
            "files": [],
        }
        for index, (sender, text) in enumerate(turns)
    ]
    return {"uuid": name, "name": name, "created_at": when, "updated_at": when, "chat_messages": messages}


def mem0(*memories: str, **more: JsonValue) -> JsonValue:
    """What `get_all` answers."""
    results: list[JsonValue] = [
        {
            "id": str(index),
            "memory": memory,
            "hash": "0" * 32,
            "metadata": None,
            "created_at": "2025-03-02T04:00:00.000000-08:00",
            "updated_at": None,
            "user_id": "sam",
            "categories": ["food"],
            **more,
        }
        for index, memory in enumerate(memories)
    ]
    return {"results": results, "relations": [{"source": "sam", "relationship": "likes", "target": "graphs"}]}


LETTA: JsonValue = {
    "agents": [
        {
            "agent_type": "memgpt_agent",
            "llm_config": {"model": "any"},
            "messages": [
                {"role": "system", "content": "You are kind."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": json.dumps({"type": "user_message", "message": "I like figs."})}
                    ],
                    "created_at": "2025-03-02T12:00:00+00:00",
                },
                {"role": "user", "content": json.dumps({"type": "heartbeat", "reason": "I like heartbeats."})},
                {"role": "assistant", "content": "I like helping."},
            ],
        }
    ],
    "groups": [],
    "blocks": [
        {"id": "block-0", "label": "persona", "value": "I like being an agent."},
        {"id": "block-1", "label": "human", "value": "First name: Sam\nUser likes plums.\n- Prefers tea"},
    ],
    "files": [],
    "tools": [{"name": "search", "source_code": "def search(): ...", "description": "I like tools."}],
    "passages": [{"id": "passage-1", "text": "The user loves pears.", "created_at": "2025-03-02T12:00:00Z"}],
}


def dumped(value: JsonValue) -> bytes:
    """As JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def lines(records: Sequence[JsonValue]) -> bytes:
    """JSONL."""
    return b"".join(dumped(record) + b"\n" for record in records)
