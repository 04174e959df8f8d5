"""Noticing that a client has left, so that nobody writes for nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Event

from fastapi import Request


@asynccontextmanager
async def until_gone(request: Request, stop: Event) -> AsyncIterator[None]:
    """Set `stop` when the client leaves before the block has ended. The body must have been read."""

    async def listen() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        stop.set()

    listening = asyncio.create_task(listen())
    try:
        yield
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
