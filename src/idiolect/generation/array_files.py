"""Files of arrays that were fitted for a model: safetensors, with a card in the metadata."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import WeightsError


def read_arrays(path: Path, key: str, mend: str) -> tuple[str, Mapping[str, NDArray[np.generic]]]:
    """A safetensors file: what stands in its metadata under the key, and its arrays. Raises WeightsError."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise WeightsError(f"there is no file of {key} at {path}: {mend}")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            return metadata.get(key, ""), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as broken:
        raise WeightsError(f"{path} cannot be read as {key} ({broken}): {mend}") from broken
