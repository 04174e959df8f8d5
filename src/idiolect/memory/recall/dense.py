"""Vectors that come and go, compared with a query one by one: exact, a millisecond for 10,000 of 384 dimensions.

They are held as whole numbers of a byte, as they are kept on the disk, and widened to floats a few at a time, in a room
that stays in the processor's cache: most of a scan's time goes by while it waits for memory. `products` is a product
for each row and not one of matrices: for that the library would wake threads, which on cores that are busy with a
language model cost twenty times what they save.
"""

from threading import local
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import FeatureMismatch

Floats: TypeAlias = NDArray[np.float32]
Bytes: TypeAlias = NDArray[np.uint8]
Vector: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

ROOM = 64  # rows at first
WIDENED = 1 << 17  # numbers that are widened at a time: half a megabyte of floats


class _Widening(local):
    """Each thread's room for what it widens."""

    def __init__(self) -> None:
        self.room = np.empty(WIDENED, np.float32)


_widening = _Widening()


def widened(block: NDArray[np.int8] | Bytes) -> Floats:
    """A block of at most WIDENED numbers as floats; the next call in this thread writes over it."""
    room = _widening.room[: block.size].reshape(block.shape)
    np.copyto(room, block)
    return room


def from_int8(row: NDArray[np.int8], scale: float) -> Floats:
    """A vector that was kept as whole numbers and a scale, again of unit length."""
    return unit(row.astype(np.float32) * np.float32(scale))


def unit(vector: Vector) -> Floats:
    """The vector (..., d) at unit length; nought stays nought."""
    row = np.asarray(vector, np.float32)
    return np.asarray(row / np.maximum(np.linalg.norm(row, axis=-1, keepdims=True), 1e-12), np.float32)


def steps(shares: Floats) -> Bytes:
    """Numbers from 0 to 1 in steps of 1 / 255."""
    return np.asarray(np.rint(np.clip(shares, 0, 1) * 255), np.uint8)


def room_for(count: int) -> int:
    """Rows that so many make room for, with an eighth to spare: a person's memory is mostly this."""
    return count + max(count // 8, ROOM)


class Rows:
    """A matrix that grows: row i is of place i, nought where there is no vector."""

    def __init__(self, dim: int) -> None:
        """`dim` columns."""
        self.dim = dim
        self._matrix = np.zeros((ROOM, dim), np.int8)
        self._scales = np.zeros(ROOM, np.float32)
        self._count = 0

    def __len__(self) -> int:
        """How many rows there are, emptied ones too."""
        return self._count

    @property
    def filled(self) -> NDArray[np.bool_]:
        """(n,) where there is a vector."""
        return np.asarray(self._scales[: self._count] > 0)

    def add(self, row: Vector | None) -> int:
        """Append a row; None is a row of noughts. Returns its place. Raises FeatureMismatch for another width."""
        if self._count == len(self._matrix):
            more = room_for(self._count + 1) - self._count
            self._matrix = np.concatenate([self._matrix, np.zeros((more, self.dim), np.int8)])
            self._scales = np.concatenate([self._scales, np.zeros(more, np.float32)])
        self._count += 1
        if row is not None:
            self.put(self._count - 1, row)
        return self._count - 1

    def put(self, place: int, row: Vector) -> None:
        """Write a row that there is. Raises FeatureMismatch for another width."""
        if row.shape != (self.dim,):
            raise FeatureMismatch(f"a vector of shape {row.shape} does not fit {self.dim} columns: embed the text anew")
        scale = max(float(np.abs(row).max()), 1e-12) / 127
        self._matrix[place] = np.rint(np.asarray(row, np.float32) / np.float32(scale))
        self._scales[place] = scale

    def at(self, place: int) -> Floats:
        """(dim,)"""
        return np.asarray(self._matrix[place] * self._scales[place], np.float32)

    def products(self, vector: Vector) -> Floats:
        """(n,) with a query (dim,), in the calling thread alone."""
        query, found = np.asarray(vector, np.float32), np.empty(self._count, np.float32)
        size = max(WIDENED // max(self.dim, 1), 1)
        for start in range(0, self._count, size):
            end = min(start + size, self._count)
            np.vecdot(widened(self._matrix[start:end]), query, out=found[start:end])
        found *= self._scales[: self._count]
        return found

    def clear(self, place: int) -> None:
        """Overwrite a row with noughts."""
        self._matrix[place] = 0
        self._scales[place] = 0


class Profiles:
    """Rows that lie on their side, in steps of 1 / 255: a prompt looks at few of the columns, each in one piece."""

    def __init__(self, width: int) -> None:
        """`width` numbers each, from 0 to 1."""
        self._matrix = np.zeros((width, ROOM), np.uint8)
        self._count = 0

    def sums(self, columns: NDArray[np.int64], weights: Floats) -> Floats:
        """(n,) of these columns, weighted (k,)."""
        found, scaled = np.empty(self._count, np.float32), np.asarray(weights / np.float32(255))
        size = max(WIDENED // max(len(columns), 1), 1)
        for start in range(0, self._count, size):
            end = min(start + size, self._count)
            np.einsum("k,kn->n", scaled, widened(self._matrix[columns, start:end]), out=found[start:end])
        return found

    def add(self, rows: Floats) -> None:
        """Append (m, width)."""
        end = self._count + len(rows)
        if end > self._matrix.shape[1]:
            more = np.zeros((len(self._matrix), room_for(end) - self._matrix.shape[1]), np.uint8)
            self._matrix = np.concatenate([self._matrix, more], axis=1)
        self._matrix[:, self._count : end] = steps(rows).T
        self._count = end

    def clear(self, place: int) -> None:
        """Overwrite with noughts."""
        self._matrix[:, place] = 0
