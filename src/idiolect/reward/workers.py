"""People side by side: calls run in as many processes as there are cores.

Processes and not threads: what is computed for one person is many small steps, which threads would take in turns. Each
process starts anew (nothing that runs in this one is copied into it), computes with one thread, so that every number of
processes gives the same digits, and ends when this one does.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

S = TypeVar("S")
T = TypeVar("T")
Item = TypeVar("Item")
P = ParamSpec("P")

AHEAD = 4  # calls that wait for each process, so that none is idle and little is held
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers(Generic[S]):
    """Processes that hold one thing, with which every call begins; it, arguments and results travel between them."""

    def __init__(self, count: int, shared: S) -> None:
        """0 for as many as there are cores."""
        self.count = count or cores()
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(self.count, context, initializer=_begin, initargs=(shared,))
        with _one_thread():
            for started in [self._pool.submit(_ready) for _ in range(self.count)]:
                started.result()

    def call(self, function: Callable[Concatenate[S, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """function(shared, ...), in one of the processes; it must be a module's own. Waits for the result."""
        return self._pool.submit(_call, function, args, kwargs).result()

    def each(self, function: Callable[[S, Item], T], items: Iterable[Item]) -> Iterator[T]:
        """function(shared, item) of every item, in their order, a few of them ahead."""
        waiting = deque[Future[T]]()
        for item in items:
            waiting.append(self._pool.submit(_call, function, (item,), {}))
            if len(waiting) > AHEAD * self.count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


class _Held:
    """What this process was begun with."""

    shared: Any = None


def _begin(shared: object) -> None:
    _Held.shared = shared
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """Whoever is killed ends nothing in order."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _ready() -> None:
    """Once this has run, the process is there."""


def _call(function: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
    return function(_Held.shared, *args, **kwargs)


@contextmanager
def _one_thread() -> Iterator[None]:
    """For processes that start meanwhile: libraries read these when they are loaded."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
