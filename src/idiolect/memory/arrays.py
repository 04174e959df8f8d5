"""Arrays as plain bytes beside a JSON line that says how to read them: never a pickle, which runs code when read."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import StoreError
from idiolect.schema import Array

VECTOR = np.dtype("<f4")
STEPS = 127  # of int8 to either side of nought


def packed(arrays: Mapping[str, Array]) -> tuple[str, bytes]:
    """Layout (JSON) and bytes, each array in its own type of number."""
    plain = {name: array.astype(array.dtype.newbyteorder("<")) for name, array in arrays.items()}
    layout = {name: {"dtype": array.dtype.str, "shape": array.shape} for name, array in plain.items()}
    return json.dumps(layout), b"".join(array.tobytes() for array in plain.values())


def unpacked(layout: str, data: bytes) -> dict[str, Array]:
    """The way back. Raises StoreError where the two do not fit."""
    arrays, offset = {}, 0
    try:
        for name, form in json.loads(layout).items():
            dtype, shape = np.dtype(form["dtype"]), tuple(form["shape"])
            count = int(np.prod(shape, dtype=np.int64))
            arrays[name] = np.frombuffer(data, dtype, count, offset).reshape(shape).copy()
            offset += count * dtype.itemsize
    except (ValueError, TypeError, KeyError, AttributeError) as damaged:
        raise StoreError(f"a stored belief cannot be read ({damaged}): run `idiolect doctor`") from damaged
    return arrays


def vector_bytes(vector: Array) -> bytes:
    """(d,) as float32."""
    return np.asarray(vector, dtype=VECTOR).tobytes()


def vector_of(data: bytes) -> Array:
    """(d,) from float32."""
    return np.frombuffer(data, VECTOR).astype(np.float64)


def embedding_bytes(vector: Array | NDArray[np.float32]) -> tuple[float, bytes]:
    """(d,) as a scale and int8: a quarter of float32, at a cosine of more than .9999 to it.

    Linear, with one scale for each row, so that the largest entry takes all of the 127 steps.
    """
    scale = float(np.abs(vector).max(initial=0.0)) / STEPS
    entries = np.asarray(vector, dtype=np.float64)  # in float32 the scale of a tiny vector would be nought
    rounded = np.rint(entries / scale) if scale else np.zeros(len(vector))
    return scale, rounded.astype(np.int8).tobytes()


def embeddings_of(scales: Sequence[float], data: Sequence[bytes]) -> NDArray[np.float32]:
    """n scales and rows of int8 -> (n, d). Raises StoreError for rows of unequal length."""
    try:
        rows = np.frombuffer(b"".join(data), np.int8).reshape(len(data), len(data[0]) if data else 0)
    except ValueError as damaged:
        raise StoreError(f"a stored embedding cannot be read ({damaged}): run `idiolect doctor`") from damaged
    return rows.astype(np.float32) * np.asarray(scales, np.float32)[:, None]
