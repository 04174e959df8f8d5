"""Waiting for work that blocks, so that whoever waits can leave at any time."""

from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")

BEAT_S = 0.1  # what fails at once has failed by the first beat


def awaited(work: Callable[[Event], T]) -> Generator[str, None, T]:
    """An empty text at every beat until `work` has returned. Closing the generator sets the event that `work` is given.

    Leaving does not wait for `work` to heed it: an endpoint that is silent must not keep its client.
    """
    left, result = Event(), Future[T]()

    def run() -> None:
        try:
            result.set_result(work(left))
        except BaseException as failure:  # noqa: BLE001 - raised below, where it is waited for
            result.set_exception(failure)

    Thread(target=run, name="idiolect-work", daemon=True).start()
    try:
        while not wait([result], BEAT_S).done:
            yield ""
    finally:
        left.set()
    return result.result()
