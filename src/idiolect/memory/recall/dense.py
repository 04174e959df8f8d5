"""Unit vectors that come and go, compared with a query one by one: exact, 0.5 ms for 10,000 of 384 dimensions.

`products` is a product for each row and not one of matrices: for that the library would wake threads, which on cores
that are busy with a language model cost twenty times what they save.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import FeatureMismatch

Floats: TypeAlias = NDArray[np.float32]
Bytes: TypeAlias = NDArray[np.uint8]
Vector: TypeAlias = NDArray[np.float32] | NDArray[np.float64]


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


def products(rows: Floats, vector: Floats) -> Floats:
    """(n, d), (d,) -> (n,), in the calling thread alone."""
    return np.asarray(np.vecdot(rows, vector))


class Rows:
    """A matrix that grows: row i is of place i."""

    def __init__(self, dim: int, room: int = 64) -> None:
        """`dim` columns."""
        self.dim = dim
        self._matrix = np.zeros((room, dim), np.float32)
        self._count = 0

    def __len__(self) -> int:
        """How many rows there are, emptied ones too."""
        return self._count

    @property
    def matrix(self) -> Floats:
        """(n, dim)"""
        return self._matrix[: self._count]

    def add(self, row: Vector | None) -> int:
        """Append a row; None is a row of noughts. Returns its place. Raises FeatureMismatch for another width."""
        if row is not None and row.shape != (self.dim,):
            raise FeatureMismatch(f"a vector of shape {row.shape} does not fit {self.dim} columns: embed the text anew")
        if self._count == len(self._matrix):
            self._matrix = np.concatenate([self._matrix, np.zeros_like(self._matrix)])
        self._matrix[self._count] = 0 if row is None else row
        self._count += 1
        return self._count - 1

    def clear(self, place: int) -> None:
        """Overwrite a row with noughts."""
        self._matrix[place] = 0


class Profiles:
    """Rows that lie on their side, in steps of 1 / 255: a prompt looks at few of the columns, each in one piece."""

    def __init__(self, width: int, room: int = 64) -> None:
        """`width` numbers each, from 0 to 1."""
        self._matrix = np.zeros((width, room), np.uint8)
        self._count = 0

    @property
    def matrix(self) -> Bytes:
        """(width, n), 255 times the numbers"""
        return self._matrix[:, : self._count]

    def add(self, row: Floats | None) -> None:
        """Append; None is noughts."""
        if self._count == self._matrix.shape[1]:
            self._matrix = np.concatenate([self._matrix, np.zeros_like(self._matrix)], axis=1)
        self._matrix[:, self._count] = 0 if row is None else steps(row)
        self._count += 1

    def clear(self, place: int) -> None:
        """Overwrite with noughts."""
        self._matrix[:, place] = 0
