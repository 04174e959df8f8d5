"""A LoRA as arrays, in PEFT's form on disk, and two ways of mixing several.

W + s B A,   B (d_out, r), A (r, d_in), s = alpha / r            (Hu et al., 2021, arXiv 2106.09685, 4.1)
product:  sum_i w_i B_i A_i, exactly, of rank n r                (the change itself is averaged)
factors:  (sum_i w_i B_i) (sum_i w_i A_i), of rank r             (as the code of Per-Pcs and of the soups does; it
                                                                  has cross terms B_i A_j that nobody trained)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import BadInput, WeightsError
from idiolect.schema import Array

Combine: TypeAlias = Literal["product", "factors"]
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"  # PEFT's names
BEFORE = "base_model.model."  # PEFT's, before the name of a module


@dataclass(frozen=True)
class Factors:
    """The change of one matrix, but for the scale."""

    a: NDArray[np.float32]  # (r, d_in)
    b: NDArray[np.float32]  # (d_out, r)


@dataclass(frozen=True)
class Lora:
    """Changes by the name of a module, such as `model.layers.0.self_attn.q_proj`; all of one rank."""

    factors: Mapping[str, Factors]
    scale: float  # s

    @property
    def rank(self) -> int:
        """r"""
        return len(next(iter(self.factors.values())).a)

    def delta(self, module: str) -> Array:
        """(d_out, d_in): what is added to the weights of one module."""
        found = self.factors[module]
        return np.asarray(self.scale * found.b.astype(np.float64) @ found.a.astype(np.float64))

    def save(self, folder: Path, base: str) -> None:
        """Write PEFT's two files, the weights as float16. `base` is the name of the model that it is for."""
        from safetensors.numpy import save_file

        arrays: dict[str, NDArray[Any]] = {}  # Any: safetensors' own signature
        for module, each in self.factors.items():
            arrays[f"{BEFORE}{module}.lora_A.weight"] = np.ascontiguousarray(each.a, np.float16)
            arrays[f"{BEFORE}{module}.lora_B.weight"] = np.ascontiguousarray(each.b, np.float16)
        config = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base,
            "r": self.rank,
            "lora_alpha": self.scale * self.rank,
            "lora_dropout": 0.0,
            "target_modules": sorted({module.rpartition(".")[2] for module in self.factors}),
            "bias": "none",
            "inference_mode": True,
        }
        save_file(arrays, folder / WEIGHTS)
        (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Lora":
        """Raises WeightsError where a file is missing, cut short or of another form."""
        arrays = arrays_of(folder / WEIGHTS)
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            modules = [key.removeprefix(BEFORE).removesuffix(".lora_A.weight") for key in arrays if ".lora_A." in key]
            factors = {
                module: Factors(
                    arrays[f"{BEFORE}{module}.lora_A.weight"].astype(np.float32),
                    arrays[f"{BEFORE}{module}.lora_B.weight"].astype(np.float32),
                )
                for module in modules
            }
            return cls(factors, float(config["lora_alpha"]) / int(config["r"]))
        except (OSError, ValueError, KeyError, TypeError) as broken:
            raise WeightsError(f"{folder} does not hold a LoRA in PEFT's form ({broken}); train it again") from broken


def arrays_of(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a safetensors file. Raises WeightsError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as broken:
        raise WeightsError(f"{path} cannot be read, it may have been cut short ({broken}); train it again") from broken


def joined(parts: Sequence[Factors], weights: Sequence[float], combine: Combine) -> Factors:
    """The changes of one matrix, mixed. Weights are those of the parts, and are taken as they are."""
    if combine == "product":
        return Factors(
            np.concatenate([each.a for each in parts]),
            np.concatenate([np.float32(w) * each.b for w, each in zip(weights, parts, strict=True)], axis=1),
        )
    mixed_a = sum(np.float32(w) * each.a for w, each in zip(weights, parts, strict=True))
    mixed_b = sum(np.float32(w) * each.b for w, each in zip(weights, parts, strict=True))
    return Factors(np.asarray(mixed_a, np.float32), np.asarray(mixed_b, np.float32))


def mixed(loras: Sequence[Lora], weights: Sequence[float], combine: Combine = "product") -> Lora:
    """One LoRA of several, by weights that sum to 1; those of weight 0 are left out (Rame et al., 2306.04488).

    Raises BadInput for other weights, and for LoRAs that change different modules by different scales.
    """
    if len(loras) != len(weights) or min(weights, default=-1) < 0 or abs(sum(weights) - 1) > 1e-6:
        raise BadInput(f"weights of a mixture are not negative and sum to 1, one for each of {len(loras)}: {weights}")
    kept = [(lora, weight) for lora, weight in zip(loras, weights, strict=True) if weight > 0]
    first = alike([lora for lora, _ in kept])
    shares = [weight for _, weight in kept]
    factors = {module: joined([lora.factors[module] for lora, _ in kept], shares, combine) for module in first.factors}
    return Lora(factors, first.scale)


def alike(loras: Sequence[Lora]) -> Lora:
    """The first of some LoRAs that change the same modules at the same scale. Raises BadInput."""
    first = loras[0]
    for lora in loras:
        if lora.factors.keys() != first.factors.keys() or lora.scale != first.scale:
            raise BadInput("these LoRAs change different modules, or by different scales: train them by equal settings")
    return first
