"""What is spent with a key beside whole turns: what passes through, and turns whose client left before their end."""

import logging
from collections.abc import Callable
from functools import partial

from fastapi import Request

from idiolect.assistant import Assistant
from idiolect.errors import StoreError
from idiolect.memory.keys import Key
from idiolect.schema import Cost
from idiolect.server.keys import key_of

logger = logging.getLogger(__name__)


def spender(request: Request) -> Callable[[Cost], None]:
    """What counts a cost for the key of a request; without a key nobody counts."""
    return partial(spend, request.app.state.assistant, key_of(request))


def spend(assistant: Assistant, key: Key | None, cost: Cost) -> None:
    """Where it cannot be counted, the person is answered all the same. It blocks."""
    if key is None:
        return
    try:
        assistant.store.keys.spend(key, cost.prompt_tokens + cost.completion_tokens, cost.dollars or 0.0)
    except StoreError as failed:
        logger.warning("what key %s spent was not counted: %s", key.id, failed)
