"""What every route needs: the assistant, and who is speaking."""

from typing import Annotated

from fastapi import Depends, Header, Request

from idiolect.assistant import Assistant
from idiolect.schema import UserId
from idiolect.server.wire import DEFAULT_USER


async def _assistant(request: Request) -> Assistant:
    assistant = request.app.state.assistant
    assert isinstance(assistant, Assistant)
    return assistant


Serving = Annotated[Assistant, Depends(_assistant)]
UserHeader = Annotated[
    UserId | None,
    Header(alias="X-Idiolect-User", description="The person who is served; it goes before `user` in the body."),
]


def person(header: str | None, body: str | None) -> str:
    """The header, which a proxy can set, goes before what the client says of itself."""
    return header or body or DEFAULT_USER
