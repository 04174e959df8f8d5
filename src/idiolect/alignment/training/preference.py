"""A policy of Panacea set to one preference: an ordinary LoRA, made in no time and served like any other.

What a training leaves is set to all objectives alike, with the objectives' names beside it, in the order of the last
ranks; a weight enters its rank linearly, so that another preference is another multiple of these rows.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from idiolect.errors import BadInput, WeightsError

OBJECTIVES = "objectives.json"
WEIGHTS = "adapter_model.safetensors"  # PEFT's name


def set_to(policy: Path, weights: Mapping[str, float], out: Path) -> Path:
    """Write the adapter for these weights, which are divided by their sum; the folder.

    Raises WeightsError where a folder holds no such policy, BadInput for other objectives.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file, save_file

    try:
        names: list[str] = json.loads((policy / OBJECTIVES).read_text(encoding="utf-8"))
        arrays = load_file(policy / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as broken:
        raise WeightsError(
            f"{policy} holds no policy that a preference can be set for ({broken}): `idiolect train panacea` makes one"
        ) from broken
    total = sum(weights.values())
    if not weights or not set(weights) <= set(names) or min(weights.values()) < 0 or total <= 0:
        raise BadInput(f"a preference is weights, not negative and not all 0, of {', '.join(names)}: {dict(weights)}")
    m = len(names)
    rows = np.array([m * weights.get(name, 0.0) / total for name in names], np.float32)
    for name, array in arrays.items():
        if ".lora_A." in name:
            array[-m:] *= rows[:, None]
    out.mkdir(parents=True, exist_ok=True)
    save_file(arrays, out / WEIGHTS)
    shutil.copyfile(policy / "adapter_config.json", out / "adapter_config.json")
    return out
