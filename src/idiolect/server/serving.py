"""What every route needs: the assistant of the key's tenant, who is speaking, and what was said before."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel, Field

from idiolect.assistant import Assistant
from idiolect.errors import AnswerNotFound
from idiolect.memory.keys import Key
from idiolect.memory.store import UserStore
from idiolect.memory.tenants import Tenant
from idiolect.schema import Answer, Interaction, UserId
from idiolect.server.keys import key_of
from idiolect.server.memory_views import DRAWN
from idiolect.server.metrics import Metrics
from idiolect.server.spending import spend
from idiolect.server.wire import DEFAULT_USER


async def _assistant(request: Request) -> Assistant:
    assistant = request.app.state.assistant
    assert isinstance(assistant, Assistant)
    metrics = request.app.state.metrics
    assert isinstance(metrics, Metrics)
    key = key_of(request)
    return assistant.of(Tenant() if key is None else key.whose, partial(_count, assistant, metrics, key))


def _count(assistant: Assistant, metrics: Metrics, key: Key | None, answer: Answer) -> None:
    metrics.answered(answer)
    if answer.trace.cost is not None:
        spend(assistant, key, answer.trace.cost)


Serving = Annotated[Assistant, Depends(_assistant)]


class Speaking(BaseModel):
    """Who is speaking; every form of the page says it."""

    user: UserId = DEFAULT_USER
    drawn: int = Field(DRAWN, ge=DRAWN)  # of each list of what is believed, so that the panel stays as long as it was


UserHeader = Annotated[
    UserId | None,
    Header(alias="X-Idiolect-User", description="The person who is served; it goes before `user` in the body."),
]


def person(header: str | None, body: str | None) -> str:
    """The header, which a proxy can set, goes before what the client says of itself."""
    return header or body or DEFAULT_USER


def kept(store: UserStore, turns: Sequence[str]) -> list[tuple[str, Interaction]]:
    """The turns of a conversation, without those that were forgotten since. Raises AnswerNotFound if none is left."""
    found, missing = list[tuple[str, Interaction]](), None
    for identifier in turns:
        try:
            found.append((identifier, store.interaction(identifier)))
        except AnswerNotFound as gone:
            missing = gone
    if missing is not None and not found:
        raise missing
    return found
