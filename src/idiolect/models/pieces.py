"""The one stream of every engine: an iterator of pieces that ends with the whole."""

import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Self
from weakref import finalize

from pydantic import JsonValue

from idiolect.errors import ModelError
from idiolect.schema import Completion


class Beside(str):
    """A piece without words: what a model says beside them, such as a part of a tool call."""

    __slots__ = ("fields",)

    fields: Mapping[str, JsonValue]

    def __new__(cls, fields: Mapping[str, JsonValue]) -> Self:
        """`fields` are those of a message, as far as they have come."""
        piece = super().__new__(cls, "")
        piece.fields = fields
        return piece


class Pieces:
    """Text as it is written. It takes the first piece when it is made, so that a refused request raises there."""

    def __init__(self, source: Iterator[str | Completion], stop: Callable[[], None]) -> None:
        self._closed = threading.Event()
        self._stop = finalize(self, stop)  # a stream that is dropped unread stops too
        self._completion: Completion | None = None
        first = next(source, None)
        self._source = source if first is None else chain([first], source)

    def __iter__(self) -> Iterator[str]:
        try:
            for item in self._source:
                if isinstance(item, Completion):
                    self._completion = item
                elif not self._closed.is_set():
                    yield item
                else:
                    return
        except ModelError:
            if not self._closed.is_set():  # a connection that was closed on purpose breaks what was read from it
                raise
        finally:
            self.close()

    def close(self) -> None:
        """Stop writing. Any thread may call it, more than once."""
        self._closed.set()
        self._stop()

    @property
    def completion(self) -> Completion:
        """The whole answer, once the iterator has ended."""
        if self._completion is None:
            raise ModelError("the answer was not read to its end: its stream was stopped, or is still running")
        return self._completion
