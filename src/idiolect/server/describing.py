"""The OpenAPI document: what FastAPI finds in the code, with an example of every body, the key, and the errors."""

from http import HTTPStatus
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import JsonValue

from idiolect.server.keys import door_of

ABOUT = (
    "Chat completions in OpenAI's form for each person that is named, and what is believed and kept of them. "
    "Errors have OpenAI's shape, and every response has an `X-Request-Id`."
)
MESSAGES: JsonValue = [{"role": "user", "content": "How should I plan three days in the mountains?"}]
EXAMPLES: dict[str, JsonValue] = {  # by "method path", of what is sent
    "post /v1/chat/completions": {
        "model": "idiolect",
        "user": "ana",
        "messages": MESSAGES,
        "idiolect": {"candidates": 4},
    },
    "post /v1/responses": {
        "model": "idiolect",
        "user": "ana",
        "input": "How should I plan three days in the mountains?",
    },
    "post /v1/embeddings": {"model": "text-embedding-3-small", "input": "a quiet hotel"},
    "post /v1/feedback": {"user": "ana", "kind": "statement", "value": "shorter answers, please"},
    "put /v1/users/{user}/method": {"method": "profile"},
    "post /v1/users/{user}/interview": {"question": "pictures", "said": "first"},
    "post /v1/users/{user}/memory": {"text": "I prefer quiet hotels."},
    "patch /v1/users/{user}/memory/{statement}": {"pinned": True},
    "post /v1/users/{user}/forget": {"topic": "travel", "dry_run": True},
    "post /v1/users/{user}/conflicts": {"keep": "evt-3f0c"},
    "post /v1/users/{user}/proposals": {"accept": ["evt-3f0c"], "refuse": []},
    "post /v1/users/{user}/consents": {"inference": "repeats", "allowed": True},
}
PLACES: dict[str, JsonValue] = {"user": "ana", "answer": "chatcmpl-3f0c", "statement": "evt-3f0c", "name": "idiolect"}
ERRORS = {
    HTTPStatus.BAD_REQUEST: "It cannot be taken as it is; the message names the field.",
    HTTPStatus.UNAUTHORIZED: "There is no key, or one that opens nothing.",
    HTTPStatus.FORBIDDEN: "The key does not open this, or the person does not allow it.",
    HTTPStatus.NOT_FOUND: "There is no such thing of this person, or no such person of this tenant.",
    HTTPStatus.CONFLICT: "The Idempotency-Key was used for something else.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.TOO_MANY_REQUESTS: "The key has made or spent what it may; `Retry-After` tells the seconds.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database cannot be read or written just now.",
}
ERROR: JsonValue = {"$ref": "#/components/schemas/ErrorBody"}
UPSTREAM = {
    HTTPStatus.BAD_GATEWAY: "The model failed to answer.",
    HTTPStatus.GATEWAY_TIMEOUT: "The model did not answer in time.",
}
KEY: JsonValue = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of `idiolect keys create`; a server on this machine asks for one once there is one.",
}
Operation: TypeAlias = dict[str, Any]  # OpenAPI's own shape, as FastAPI builds it


def describe(app: FastAPI) -> None:
    """Let an application serve the whole document, which is made when it is first asked for."""

    def document() -> dict[str, JsonValue]:
        if app.openapi_schema is None:
            app.openapi_schema = described(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's own way to change the document


def described(app: FastAPI) -> dict[str, JsonValue]:
    """The document."""
    found = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(method, path, operation)
    schemas = found["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's shape of errors, which is not ours
        schemas.pop(name, None)
    found["components"]["securitySchemes"] = {"key": KEY}
    return found


def _complete(method: str, path: str, operation: Operation) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["example"] = PLACES[parameter["name"]]
    body = operation.get("requestBody", {}).get("content", {})
    if "application/json" in body:
        body["application/json"]["example"] = EXAMPLES[f"{method} {path}"]
    door = door_of(method.upper(), path)
    if door is not None:
        operation["security"] = [{"key": []}]
        operation["x-idiolect-scope"] = door
    for name in ("422", "4XX"):
        operation["responses"].pop(name, None)
    told = ERRORS | (UPSTREAM if door == "chat" else {}) if door is not None else {}
    for status, words in told.items():
        operation["responses"][str(status.value)] = {
            "description": words,
            "content": {"application/json": {"schema": ERROR}},
        }
