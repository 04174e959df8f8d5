"""Arrays as plain bytes beside a JSON line that says how to read them: never a pickle, which runs code when read."""

import json
from collections.abc import Mapping

import numpy as np

from idiolect.errors import StoreError
from idiolect.schema import Array

VECTOR = np.dtype("<f4")


def packed(arrays: Mapping[str, Array]) -> tuple[str, bytes]:
    """Layout (JSON) and bytes."""
    plain = {name: np.asarray(array, dtype="<f8") for name, array in arrays.items()}
    layout = {name: {"dtype": array.dtype.str, "shape": array.shape} for name, array in plain.items()}
    return json.dumps(layout), b"".join(array.tobytes() for array in plain.values())


def unpacked(layout: str, data: bytes) -> dict[str, Array]:
    """The way back. Raises StoreError where the two do not fit."""
    arrays, offset = {}, 0
    try:
        for name, form in json.loads(layout).items():
            dtype, shape = np.dtype(form["dtype"]), tuple(form["shape"])
            count = int(np.prod(shape, dtype=np.int64))
            arrays[name] = np.frombuffer(data, dtype, count, offset).reshape(shape).astype(np.float64)
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
