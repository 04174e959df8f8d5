"""Steering vectors of the named attributes, with how they were measured.

One safetensors file, bound to one model by its fingerprint and to one version of the preference space.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import WeightsError
from idiolect.generation.array_files import read_arrays
from idiolect.schema import Array

KEY = "steering vectors"
MEND = "fit them anew with `idiolect models fit-steering`"


class Measured(BaseModel):
    """One vector as it was measured on prompts left out of the fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: int
    strength: float  # the vector's length at coefficient 1, as a share of what the layer says
    correlation: float  # of the attribute with what the vector does to an answer's likelihood
    moved: float | None = None  # from coefficient -2 to +2, in standard deviations, over generated answers
    rise: float | None = None  # of the negative log-likelihood a token under the plain model, the mean of both ends


By: TypeAlias = Literal["caa", "bipo"]  # how vectors are made: `fit_steering`, `bipo`


class About(BaseModel):
    """What vectors were fitted from; the file's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str  # of the model
    space: str  # version of the preference space
    answers: int
    prompts: int
    attributes: dict[str, Measured]  # in the order of the vectors
    by: By = "caa"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the attributes."""
        return tuple(self.attributes)

    @property
    def layers(self) -> tuple[int, ...]:
        """Of each vector."""
        return tuple(each.layer for each in self.attributes.values())


@dataclass(frozen=True)
class SteeringVectors:
    """v (a, width): added to what its layer says, times the coefficient of its attribute."""

    vectors: Array  # (a, width)
    fisher: Array  # (a, a): KL(steered || plain) ~ c' F c / 2, in nats a token, for coefficients c
    about: About

    def at(self, coefficients: Array) -> Mapping[int, Array]:
        """Coefficients (a,) -> layer -> (width,); nothing where all are nought."""
        found: dict[int, Array] = {}
        for layer, vector, c in zip(self.about.layers, self.vectors, coefficients, strict=True):
            if c:
                found[layer] = found.get(layer, 0.0) + c * vector
        return found

    def kl(self, coefficients: Array) -> float:
        """Nats a token, to the second order."""
        return float(coefficients @ self.fisher @ coefficients / 2)

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        from safetensors.numpy import save_file

        arrays: dict[str, NDArray[Any]] = {
            "vectors": self.vectors.astype(np.float16),
            "fisher": self.fisher.astype(np.float32),
        }  # Any: safetensors
        save_file(arrays, path, metadata={KEY: self.about.model_dump_json()})

    @classmethod
    def load(cls, path: Path) -> "SteeringVectors":
        """Raises WeightsError where the file is missing, cut short or not of this form."""
        about, arrays = read_arrays(path, KEY, MEND)
        try:
            made = cls(
                arrays["vectors"].astype(np.float64),
                arrays["fisher"].astype(np.float64),
                About.model_validate_json(about),
            )
        except (KeyError, ValidationError) as wrong:
            raise WeightsError(f"{path} is not a file of {KEY}: {MEND}") from wrong
        count = len(made.about.names)
        if made.vectors.ndim != 2 or len(made.vectors) != count or made.fisher.shape != (count, count):
            raise WeightsError(f"{path} has arrays of shapes that do not belong together: {MEND}")
        return made


def orthogonal(vectors: Array, groups: Sequence[int]) -> Array:
    """Vectors (a, width) of one length each, those of one group turned as little as makes them orthogonal (Löwdin).

    No order matters, and a vector whose sign is turned comes out as before with its sign turned.
    """
    made = np.array(vectors, dtype=np.float64)
    at = np.array(groups)
    for group in set(groups):
        rows = made[at == group]
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        u, _, w = np.linalg.svd(rows / lengths.clip(1e-12), full_matrices=False)
        made[at == group] = (u @ w) * lengths
    return made
