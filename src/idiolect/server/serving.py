"""What every route needs: the assistant of the key's tenant, who is speaking, and what was said before."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel, Field

from idiolect.assistant import Assistant
from idiolect.errors import AnswerNotFound, StoreError
from idiolect.memory.keys import Key
from idiolect.memory.store import UserStore
from idiolect.memory.tenants import Tenant
from idiolect.schema import Cost, Interaction, UserId
from idiolect.server.keys import key_of
from idiolect.server.memory_views import DRAWN
from idiolect.server.wire import DEFAULT_USER

logger = logging.getLogger(__name__)


async def _assistant(request: Request) -> Assistant:
    assistant = request.app.state.assistant
    assert isinstance(assistant, Assistant)
    key = key_of(request)
    return assistant.of(Tenant()) if key is None else assistant.of(key.whose, partial(_count, assistant, key))


def _count(assistant: Assistant, key: Key, cost: Cost) -> None:
    """What a turn took is the key's; where that cannot be counted, the person is answered all the same."""
    try:
        assistant.store.keys.spend(key, cost.prompt_tokens + cost.completion_tokens, cost.dollars or 0.0)
    except StoreError as failed:
        logger.warning("what key %s spent was not counted: %s", key.id, failed)


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
