"""What is sent to a person's memory; what comes back are the library's own nouns."""

from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.datastructures import UploadFile

from idiolect.errors import BadInput


class Sent(BaseModel):
    """A request's body; what it does not know is refused, so that a misspelt field changes nothing unseen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NewStatement(Sent):
    """Something to remember."""

    text: str = Field(description='The person\'s own words: "I prefer quiet hotels", "Shorter answers, please."')


class Settling(Sent):
    """Which of several statements that contradict each other holds."""

    keep: str = Field(description="Its id; what contradicts it ends.")


class File(BaseModel):
    """A file that was sent, as the body itself or in a form."""

    model_config = ConfigDict(frozen=True)

    name: str
    data: bytes


async def _file(
    request: Request,
    name: Annotated[str | None, Query(description="What the file is called, for messages about it.")] = None,
) -> File:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return File(name=name or "the file", data=await request.body())
    async with request.form() as form:
        for value in form.values():
            if isinstance(value, UploadFile):
                return File(name=name or value.filename or "the file", data=await value.read())
    raise BadInput("the form has no file: send one, or the file itself as the body")


Uploaded = Annotated[File, Depends(_file)]
_BINARY: JsonValue = {"schema": {"type": "string", "format": "binary"}}
_FORM: JsonValue = {"schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}}
UPLOAD: dict[str, JsonValue] = {  # for the description: the body is read as it is, whatever its type
    "requestBody": {"required": True, "content": {"application/octet-stream": _BINARY, "multipart/form-data": _FORM}}
}
