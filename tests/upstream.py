"""An endpoint in OpenAI's form that says what a test wants, behind a real socket, and notes what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from serving import running


@dataclass
class Upstream:
    """What it says next, and what it was asked."""

    address: str = ""
    reply: dict[str, Any] = field(default_factory=dict)  # to whoever does not stream
    chunks: list[dict[str, Any]] = field(default_factory=list)  # to whoever does
    is_silent: bool = False  # it takes a request and never answers
    stalls: bool = False  # it never ends a stream
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    asked: Event = field(default_factory=Event)
    left: Event = field(default_factory=Event)  # the client hung up before the end

    def begin_anew(self) -> None:
        """Forget all of it but the address."""
        vars(self).update(vars(Upstream(self.address)))

    @property
    def body(self) -> dict[str, Any]:
        """Of the newest request."""
        return self.seen[-1]


def message(text: str | None, **beside: Any) -> dict[str, Any]:
    """A whole chat completion."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text} | beside}
    return {"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 4}}


def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A piece of one."""
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta} | more]}


async def _waits(up: Upstream, request: Request) -> None:
    """Until the client leaves."""
    try:
        while not await request.is_disconnected():
            await asyncio.sleep(0.02)
    finally:  # a stream is cancelled when its client leaves
        up.left.set()


async def _events(up: Upstream, request: Request) -> AsyncIterator[str]:
    for each in up.chunks:
        yield f"data: {json.dumps(each)}\n\n"
    if up.stalls:
        await _waits(up, request)
    yield "data: [DONE]\n\n"


@contextmanager
def upstream() -> Iterator[Upstream]:
    """Serve until the block ends."""
    up, app = Upstream(), FastAPI()

    @app.api_route("/v1/{path:path}", methods=["GET", "POST"])
    async def answer(path: str, request: Request) -> Response:
        body = await request.json() if request.method == "POST" else {}
        up.seen.append({"path": path, **body})
        up.asked.set()
        if up.is_silent:
            await _waits(up, request)
        if up.raw is not None:
            return Response(up.raw, up.status, {"content-type": "application/json"} | up.headers)
        if up.chunks and body.get("stream"):
            return StreamingResponse(_events(up, request), media_type="text/event-stream")
        return JSONResponse(up.reply, up.status, up.headers)

    with running(app) as address:
        up.address = f"{address}/v1"
        yield up
