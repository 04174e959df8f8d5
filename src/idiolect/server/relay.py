"""From a blocking generator to a stream that stops when the client leaves."""

from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing
from threading import Event
from typing import TypeVar

import anyio
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Send

T = TypeVar("T")

ALIVE = ": writing\n\n"  # a comment, which every client of server-sent events passes over


class _End:
    """What `next` says at the end; a StopIteration cannot leave a thread."""


_END = _End()


async def relay(blocking: Iterator[T]) -> AsyncGenerator[T, None]:
    """The same items; the blocking generator is closed, in a thread, however this one ends."""
    try:
        while not isinstance(item := await run_in_threadpool(next, blocking, _END), _End):
            yield item
    finally:
        # A cancelled request still waits for its thread, so that the generator is at rest when it is closed.
        with anyio.CancelScope(shield=True):
            if isinstance(blocking, Generator):
                await run_in_threadpool(blocking.close)


class EventStream(StreamingResponse):
    """Server-sent events that are closed at once, not by the garbage collector, when the client leaves."""

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncGenerator[str, None], *, stop: Event | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """`stop` is set when the client leaves, before whoever writes is waited for."""
        super().__init__(events, headers={"X-Accel-Buffering": "no", **(headers or {})})
        self._events = events
        self._stop = stop

    async def listen_for_disconnect(self, receive: Receive) -> None:
        """Return when the client has left."""
        await super().listen_for_disconnect(receive)
        if self._stop is not None:
            self._stop.set()

    async def stream_response(self, send: Send) -> None:
        """Send every event, then close."""
        async with aclosing(self._events):
            await super().stream_response(send)


def event(data: str) -> str:
    """One server-sent event; in it all line ends are one."""
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "".join(f"data: {line}\n" for line in lines) + "\n"
