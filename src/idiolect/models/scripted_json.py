"""What the scripted model answers where a JSON schema is asked for: the least that fits, about the prompt's topic."""

import json

from pydantic import JsonValue

MOST_DEEP = 12  # levels of a schema


def asked_schema(response_format: JsonValue) -> JsonValue:
    """The schema of `response_format`, or None where none is asked for."""
    form = response_format.get("json_schema") if isinstance(response_format, dict) else None
    return form.get("schema") if isinstance(form, dict) else None


def fitted(schema: JsonValue, topic: str) -> str:
    """A JSON text that fits: one item in a list, the topic for every text, the last of an enumeration's values."""
    return json.dumps(_value(schema, topic, MOST_DEEP))


def _value(schema: JsonValue, topic: str, deep: int) -> JsonValue:
    if not isinstance(schema, dict) or not deep:
        return None
    values, properties = schema.get("enum"), schema.get("properties")
    if isinstance(values, list) and values:
        return values[-1]
    if isinstance(properties, dict):
        return {name: _value(each, topic, deep - 1) for name, each in properties.items()}
    plain: dict[str, JsonValue] = {"string": topic, "number": 1, "integer": 1, "boolean": False}
    kind = schema.get("type")
    return [_value(schema.get("items"), topic, deep - 1)] if kind == "array" else plain.get(str(kind))
