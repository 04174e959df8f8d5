"""A client that leaves stops the model."""

from collections.abc import AsyncGenerator, Generator, Sequence
from pathlib import Path
from threading import Event

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from idiolect.assistant import Assistant
from idiolect.models.protocol import OnCompletion, Request
from idiolect.models.scripted import Scripted
from idiolect.schema import Completion
from idiolect.server.app import create_app
from idiolect.server.relay import EventStream, event, relay
from idiolect.settings import Settings
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


class Slow(Scripted):
    """A model that writes until whoever asked has left."""

    def __init__(self) -> None:
        super().__init__()
        self.has_stopped = Event()

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        assert stop is not None
        assert stop.wait(10)
        self.has_stopped.set()
        return super().complete(request, n, on_completion, stop)


class Slowly(Assistant):
    """The assistant with a slow model."""

    def __init__(self, folder: Path, slow: Slow) -> None:
        super().__init__(slow, settings=Settings(embedder="none", store=f"sqlite:///{folder}/people.db"))


@pytest.mark.parametrize(("n", "candidates"), [(1, 4), (3, 4)])
def test_leaving_while_candidates_are_written_stops_the_model(tmp_path: Path, n: int, candidates: int) -> None:
    slow = Slow()
    body = {
        "messages": [{"role": "user", "content": "How do I repot a fern?"}],
        "stream": True,
        "n": n,
        "idiolect": {"candidates": candidates},
    }
    with Slowly(tmp_path, slow) as assistant, running(create_app(assistant)) as at:
        with httpx.stream("POST", f"{at}/v1/chat/completions", json=body, timeout=5) as reply:
            assert reply.status_code == 200  # the headers come while the candidates are written
            assert not slow.has_stopped.is_set()
        assert slow.has_stopped.wait(5)
        assert assistant.store.users() == 0


def test_leaving_the_page_while_candidates_are_written_stops_the_model(tmp_path: Path) -> None:
    slow = Slow()
    with Slowly(tmp_path, slow) as assistant, running(create_app(assistant)) as at:
        with httpx.stream("POST", f"{at}/page/messages", data={"message": "How do I repot a fern?"}) as reply:
            assert reply.status_code == 200
        assert slow.has_stopped.wait(5)


@pytest.mark.parametrize("text", ["one", "two\nlines", "old\rmac", "dos\r\nlines", ""])
def test_an_event_carries_its_lines(text: str) -> None:
    lines = [line.removeprefix("data: ") for line in event(text).removesuffix("\n\n").split("\n")]
    assert lines == text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
