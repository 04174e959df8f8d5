"""Covariances as they are kept: the upper triangle row by row, in single precision, half the room and a fourth."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from idiolect.schema import Array

Places = NDArray[np.intp]


@cache
def places(k: int) -> tuple[Places, Places]:
    """Rows and columns (k (k + 1) / 2,) of the triangle of a (k, k) matrix."""
    rows, columns = np.triu_indices(k)
    return rows, columns


@cache
def _unfolding(k: int) -> Places:
    """(k, k): where each entry of the matrix stands in its triangle."""
    found = np.zeros((k, k), np.intp)
    rows, columns = places(k)
    found[rows, columns] = found[columns, rows] = np.arange(len(rows))
    return found


def folded_in(matrix: Array) -> Array:
    """(k, k), symmetric -> (k (k + 1) / 2,)."""
    kept: Array = matrix[places(len(matrix))].astype(np.float32)
    return kept


def unfolded(triangle: Array, k: int) -> Array:
    """(k (k + 1) / 2,) -> (k, k) in double precision."""
    return triangle.astype(np.float64)[_unfolding(k)]
