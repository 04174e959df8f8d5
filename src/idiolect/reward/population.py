"""The choices of many people, from which what a reward shares is fitted: pairs as flat arrays, by owner."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import DataError
from idiolect.reward.workers import cores
from idiolect.schema import Array

BLOCK = 1 << 22  # numbers of phi that are read at once
KEPT = 1 << 24  # numbers of deltas; so many are computed once and kept
PIECE = 1 << 20  # numbers of deltas that one thread takes at a time

T = TypeVar("T")

Progress: TypeAlias = Callable[[float, str], None]  # share done in [0, 1], and what is being done


@dataclass(frozen=True)
class Population:
    """m pairs of answers of `users`: phi (m, 2, d), the chosen one first; owner (m,) is an index into `users`.

    The arrays may be memory-mapped: read them in blocks. `asked` (m, e) are the prompts' embeddings, if at hand.
    """

    users: tuple[str, ...]
    phi: NDArray[np.float32]
    owner: NDArray[np.int32]
    weight: NDArray[np.float32]  # (m,) likelihood powers
    asked: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        m = len(self.phi)
        if self.phi.ndim != 3 or self.phi.shape[1] != 2 or len(self.owner) != m or len(self.weight) != m:
            raise DataError(f"choices of shape {self.phi.shape} met {len(self.owner)} owners; (m, 2, d) and m expected")
        if m and not (int(self.owner.min()) >= 0 and int(self.owner.max()) < len(self.users)):
            raise DataError(f"a choice belongs to person {int(self.owner.max())} of {len(self.users)}")

    @property
    def dim(self) -> int:
        """d"""
        return int(self.phi.shape[2])

    def deltas(self) -> Array:
        """(m, d): phi(chosen) - phi(rejected)."""
        return (self.phi[:, 0] - self.phi[:, 1]).astype(np.float64)

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Rows and their deltas (b, d), so many at a time as memory is wanted for; for populations that lie on disk."""
        kept = len(self.phi) * self.dim <= KEPT
        size = max(1, (PIECE if kept else BLOCK // 2) // max(1, self.dim))
        for first in range(0, max(1, len(self.phi)), size):
            rows = slice(first, min(first + size, len(self.phi)))
            if kept:
                yield rows, self._kept[rows]
            else:
                block = np.asarray(self.phi[rows], np.float32)
                yield rows, block[:, 0] - block[:, 1]

    def over_blocks(self, work: Callable[[slice, NDArray[np.float32]], T]) -> Iterator[T]:
        """work(rows, deltas) of every block, in their order; as many side by side as there are cores.

        Threads: what numpy computes of a whole block, it computes beside other threads. The order of the sums, and so
        every digit, is the same for any number of them.
        """
        if len(self.phi) * self.dim <= PIECE:
            yield from (work(rows, delta) for rows, delta in self.blocks())
            return
        count, waiting = cores(), deque[Future[T]]()
        with ThreadPoolExecutor(count) as threads:
            for rows, delta in self.blocks():
                waiting.append(threads.submit(work, rows, delta))
                if len(waiting) > count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    @cached_property
    def _kept(self) -> NDArray[np.float32]:
        block = np.asarray(self.phi, np.float32)
        return block[:, 0] - block[:, 1]

    def checked(self) -> "Population":
        """Itself. Raises DataError for features that are not finite."""
        for rows, delta in self.blocks():
            bad = np.flatnonzero(~np.isfinite(delta).all(axis=1))
            if len(bad):
                raise DataError(f"the features of choice {rows.start + bad[0] + 1} are not finite: compute them again")
        return self

    def per_user(self) -> Array:
        """(m,): each choice's power over the sum of its person's powers, so that everybody weighs 1."""
        totals = np.bincount(self.owner, weights=self.weight, minlength=len(self.users))
        return np.asarray(self.weight / np.maximum(totals[self.owner], 1e-12), dtype=np.float64)

    def of(self, users: Sequence[int]) -> "Population":
        """Only these people, by index, in this order."""
        place = np.full(len(self.users), -1, np.int32)
        place[list(users)] = np.arange(len(users), dtype=np.int32)
        rows = np.flatnonzero(place[self.owner] >= 0)
        asked = None if self.asked is None else taken(self.asked, rows)
        names = tuple(self.users[user] for user in users)
        return Population(names, taken(self.phi, rows), place[self.owner[rows]], self.weight[rows], asked)


def taken(array: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """These rows: of an array that lies on disk, on disk again, in a file that goes with it."""
    if not isinstance(array, np.memmap) or not array.filename:
        return array[rows]
    shape = (len(rows), *array.shape[1:])
    with TemporaryFile(dir=Path(array.filename).parent) as file:
        found = np.memmap(file, np.float32, "w+", shape=shape)
    step = max(1, BLOCK // max(1, int(np.prod(shape[1:]))))
    for first in range(0, len(rows), step):
        found[first : first + step] = array[rows[first : first + step]]
    return found
