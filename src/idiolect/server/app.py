"""The server: OpenAI's API, the API about people, and the page, in front of one assistant."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from idiolect.assistant import Assistant
from idiolect.server import (
    errors,
    interview_api,
    interview_page,
    memory_api,
    memory_page,
    metrics,
    openai_api,
    page,
    passing,
    user_api,
)
from idiolect.server.describing import describe
from idiolect.server.keys import Lock
from idiolect.server.middleware import LOCAL_HOSTS, BodyLimit, Doorkeeper, LastResort, SafeHeaders

THREADS = 512  # a turn waits for the model in a thread of its own


def create_app(
    assistant: Assistant, *, hosts: Collection[str] | None = LOCAL_HOSTS, needs_key: bool = False
) -> FastAPI:
    """The application; `hosts` are the names it answers to (None: any). The assistant stays the caller's to close.

    With `needs_key` nobody is answered without a key; else from the first key on that is made.
    """
    app = FastAPI(title="Idiolect", version=version("idiolect"), lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.assistant, app.state.metrics = assistant, metrics.Metrics()
    for part in (passing, openai_api, user_api, interview_api, memory_api, page, interview_page, memory_page, metrics):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    errors.install(app)
    describe(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Lock, keys=assistant.store.keys, is_demanded=needs_key)
    app.add_middleware(Doorkeeper, hosts=hosts)
    app.add_middleware(LastResort)
    app.add_middleware(metrics.Measured, metrics=app.state.metrics)
    app.add_middleware(SafeHeaders)  # the last one added is the first one passed
    return app


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield
