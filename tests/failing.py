"""A database whose N-th call fails, for tests of what is left then."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError


@contextmanager
def failing(at: int) -> Iterator[list[int]]:
    """The database fails at this call, commits counted; the number of calls there were, in a list."""
    calls = [0]

    def fail(*_: object) -> None:
        calls[0] += 1
        if calls[0] == at:
            raise OperationalError("a call", {}, sqlite3.OperationalError("disk I/O error"))

    for name in ("before_cursor_execute", "commit"):
        event.listen(Engine, name, fail)
    try:
        yield calls
    finally:
        for name in ("before_cursor_execute", "commit"):
            event.remove(Engine, name, fail)
