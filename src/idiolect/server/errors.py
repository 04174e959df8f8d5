"""Every error leaves in OpenAI's shape, as one sentence with the next step; the page gets the same sentence as HTML."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from idiolect.errors import IdiolectError, UnknownModel
from idiolect.server.templates import render

BESIDE = {"/page/statements": "#untold"}  # where the page tells what is wrong beside the field; else above all
API = ("/v1/", "/healthz", "/readyz", "/metrics", "/mcp", "/openapi.json")
EMPTY = "it is empty: give at least one"  # pydantic tells it of a list "after validation"
LONGEST_QUOTE = 100  # characters of a path that are repeated in a message


class WireError(BaseModel):
    """OpenAI's error."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """OpenAI's envelope of an error."""

    error: WireError


def as_wire(error: IdiolectError) -> WireError:
    """An error that was raised on purpose."""
    code = "model_not_found" if isinstance(error, UnknownModel) else _snake(type(error).__name__)
    return wire_error(error.status, str(error), code=code)


def wire_error(status: HTTPStatus, message: str, *, param: str | None = None, code: str | None = None) -> WireError:
    """Any error; what a client sent may hold lone surrogates, which no answer can carry."""
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    sayable = message.encode("utf-8", "replace").decode()
    return WireError(message=sayable, type=kind, param=param, code=code)


def json_reply(status: HTTPStatus, error: WireError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error for programs."""
    return JSONResponse(ErrorBody(error=error).model_dump(), status, headers)


def reply(request: Request, status: HTTPStatus, error: WireError, headers: Mapping[str, str] | None = None) -> Response:
    """An error for whoever asked: a program, a part of the page, or a person."""
    if request.url.path.startswith(API):
        return json_reply(status, error, headers)
    if request.headers.get("hx-request"):
        place = {"HX-Retarget": BESIDE.get(request.url.path, "#problem"), "HX-Reswap": "innerHTML", **(headers or {})}
        return render("_problem.html", status=status, headers=place, message=error.message)
    return render(
        "error.html", status=status, headers=headers, code=status.value, title=status.phrase, message=error.message
    )


def retrying(error: IdiolectError) -> dict[str, str]:
    """The header that tells when it is worth asking again, in whole seconds."""
    return {} if error.retry_after_s is None else {"Retry-After": str(max(1, ceil(error.retry_after_s)))}


def install(app: FastAPI) -> None:
    """Let every expected error leave by `reply`; what nobody expected is `middleware.LastResort`'s."""
    app.add_exception_handler(IdiolectError, _on_purpose)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _by_status)


async def _on_purpose(request: Request, error: Exception) -> Response:
    assert isinstance(error, IdiolectError)
    return reply(request, error.status, as_wire(error), retrying(error))


async def _not_understood(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    complaint = error.errors()[0]
    place = field(complaint["loc"])
    if complaint["type"] == "json_invalid":
        reason = str(complaint.get("ctx", {}).get("error", "it ends too early"))
        return reply(
            request,
            HTTPStatus.BAD_REQUEST,
            wire_error(HTTPStatus.BAD_REQUEST, f"the body is not valid JSON: {_lower(reason)}", code="invalid_json"),
        )
    said = EMPTY if complaint["type"] == "too_short" else _lower(str(complaint["msg"]))
    message = f"`{place}` cannot be taken as it is: {said}" if place else f"the body cannot be taken as it is: {said}"
    wire = wire_error(HTTPStatus.BAD_REQUEST, message, param=place or None, code=str(complaint["type"]))
    return reply(request, HTTPStatus.BAD_REQUEST, wire)


async def _by_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    path = request.url.path[:LONGEST_QUOTE]
    said = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.method} {path}; GET /openapi.json lists what there is",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{path} does not take {request.method}; GET /openapi.json lists what it takes",
        HTTPStatus.BAD_REQUEST: "the body cannot be read: send JSON, UTF-8, not nested hundreds of levels deep",
    }.get(status, str(error.detail))
    return reply(
        request, status, wire_error(status, said, code=_snake(status.name.title().replace("_", ""))), error.headers
    )


def field(place: Sequence[int | str]) -> str:
    """("body", "messages", 0, "role") -> "messages[0].role"."""
    written = ""
    for part in place[1:]:
        written += f"[{part}]" if isinstance(part, int) else f"{'.' if written else ''}{part}"
    return written


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
