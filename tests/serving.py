"""A real server on a free port, in a thread, for tests of its faces."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from idiolect.assistant import Assistant
from idiolect.server.run import address, listen
from idiolect.settings import Settings


def assistant_in(folder: Path, **settings: object) -> Assistant:
    """The scripted model, attributes alone, a store of its own."""
    said = {
        "model": "scripted",
        "embedder": "none",
        "method": "profile",
        "store": f"sqlite:///{folder / 'people.db'}",
    } | settings
    return Assistant(settings=Settings.model_validate(said))


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """Serve until the block ends; yields the address."""
    with listen("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield address("127.0.0.1", listening)
        finally:
            server.should_exit = True
            thread.join()
