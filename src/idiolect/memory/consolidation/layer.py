"""A mapping over another that stays as it is: what is looked at is copied first, what is put or taken out is noted."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Layer(MutableMapping[K, V], Generic[K, V]):
    """Keys in the order in which a dictionary would have them. The one below must not change while this is used."""

    def __init__(self, below: Mapping[K, V], copied: Callable[[V], V]) -> None:
        """`copied` makes of a value one that may change."""
        self._below, self._copied = below, copied
        self._own: dict[K, V] = {}  # instead of those below
        self._added: dict[K, V] = {}
        self._gone: set[K] = set()

    def __getitem__(self, key: K) -> V:
        if key in self._added:
            return self._added[key]
        if key in self._gone:
            raise KeyError(key)
        if key not in self._own:
            self._own[key] = self._copied(self._below[key])
        return self._own[key]

    def __setitem__(self, key: K, value: V) -> None:
        place = self._own if key in self._below and key not in self._gone else self._added
        place[key] = value

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        if self._added.pop(key, None) is None:
            self._own.pop(key, None)
            self._gone.add(key)

    def __contains__(self, key: object) -> bool:
        return key in self._added or (key in self._below and key not in self._gone)

    def __iter__(self) -> Iterator[K]:
        return chain((key for key in self._below if key not in self._gone), self._added)

    def __len__(self) -> int:
        return len(self._below) - len(self._gone) + len(self._added)
