"""A client that leaves stops the model."""

from collections.abc import AsyncGenerator, Generator
from threading import Event

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from idiolect.server.relay import EventStream, event, relay
from serving import running


def counting(is_closed: Event) -> Generator[int, None, None]:
    try:
        yield from range(1_000_000)
    finally:
        is_closed.set()


def test_everything_passes_in_its_order() -> None:
    async def collect() -> list[int]:
        return [item async for item in relay(iter([1, 2, 3]))]

    assert anyio.run(collect) == [1, 2, 3]


def test_leaving_early_closes_the_blocking_generator() -> None:
    is_closed = Event()

    async def leave() -> None:
        items = relay(counting(is_closed))
        assert await anext(items) == 0
        await items.aclose()

    anyio.run(leave)
    assert is_closed.is_set()


def test_a_client_that_leaves_in_the_middle_closes_the_blocking_generator() -> None:
    is_closed, sent = Event(), []

    async def lines() -> AsyncGenerator[str, None]:
        async for item in relay(counting(is_closed)):
            yield event(str(item))

    async def leaves() -> Message:
        await anyio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def respond() -> None:
        await EventStream(lines())({"type": "http", "asgi": {"spec_version": "2.3"}}, leaves, send)

    anyio.run(respond)
    assert len(sent) > 1
    assert is_closed.is_set()


def test_a_client_that_hangs_up_stops_the_model() -> None:
    app, is_closed = FastAPI(), Event()

    async def lines() -> AsyncGenerator[str, None]:
        async for item in relay(counting(is_closed)):
            yield event(str(item))

    @app.get("/")
    async def endless() -> EventStream:
        return EventStream(lines())

    with running(app) as at:
        with httpx.stream("GET", at) as reply:
            assert next(reply.iter_lines()) == "data: 0"
        assert is_closed.wait(10)


@pytest.mark.parametrize("text", ["one", "two\nlines", "old\rmac", "dos\r\nlines", ""])
def test_an_event_carries_its_lines(text: str) -> None:
    lines = [line.removeprefix("data: ") for line in event(text).removesuffix("\n\n").split("\n")]
    assert lines == text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
