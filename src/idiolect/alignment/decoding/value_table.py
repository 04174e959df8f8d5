"""What value-guided decoding reads: how much of each attribute a next token promises, seen from the model's state.

    A_j(s, v) = theta_j . (e_v (x) [1, z]),   z = P (h - mu):  e_v (q,): the token, z (p,): the state

Linear in the attributes, so that any person's values are one matrix. One safetensors file, bound to one model by its
fingerprint and to one version of the preference space.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import WeightsError
from idiolect.generation.array_files import read_arrays
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor

KEY = "values"
MEND = "fit them anew with `idiolect models fit-values`"


class About(BaseModel):
    """What a table was fitted from; the file's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str  # of the model
    space: str  # version of the preference space
    names: tuple[str, ...]  # of the attributes
    answers: int
    prompts: int
    ridge: float
    ease: float  # of what the state adds to a token's value: 0 where it added nothing on prompts left out
    correlation: dict[str, float]  # of predicted with true differences between answers, on prompts left out
    of_tokens: dict[str, float]  # the same, of the tokens' values alone


@dataclass(frozen=True)
class Values:
    """Values of the next token in a state."""

    tokens: Array  # (V, q) e_v
    centre: Array  # (width,) mu
    projection: Array  # (width, p) P
    theta: Array  # (a, q, 1 + p)
    fisher: Array  # (a, a): KL(guided || plain) ~ c' F c / 2, in nats a token, for weights c of the attributes
    about: About

    @cached_property
    def _placed(self) -> "dict[str, tuple[Tensor, Tensor, Tensor]]":
        return {}

    def tensors(self, like: "Tensor") -> "tuple[Tensor, Tensor, Tensor]":
        """Tokens (q, V), centre and projection in float32 where `like` is; kept, since there are megabytes of them."""
        key = str(like.device)
        if key not in self._placed:
            tokens, centre, projection = (
                like.new_tensor(each) for each in (self.tokens.T.copy(), self.centre, self.projection)
            )
            self._placed[key] = (tokens, centre, projection)
        return self._placed[key]

    def of(self, weights: Array) -> Array:
        """A person's matrix (1 + p, q), for weights (a,) of the attributes."""
        return np.asarray(np.tensordot(weights, self.theta, axes=1).T)

    def kl(self, weights: Array) -> float:
        """Nats a token, to the second order."""
        return float(weights @ self.fisher @ weights / 2)

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        from safetensors.numpy import save_file

        arrays: dict[str, NDArray[Any]] = {  # Any: safetensors' own signature
            "tokens": self.tokens.astype(np.float16),
            **{name: getattr(self, name).astype(np.float32) for name in ("centre", "projection", "theta", "fisher")},
        }
        save_file(arrays, path, metadata={KEY: self.about.model_dump_json()})

    @classmethod
    def load(cls, path: Path) -> "Values":
        """Raises WeightsError where the file is missing, cut short or not of this form."""
        about, arrays = read_arrays(path, KEY, MEND)
        try:
            made = cls(
                tokens=arrays["tokens"].astype(np.float32),
                centre=arrays["centre"].astype(np.float64),
                projection=arrays["projection"].astype(np.float64),
                theta=arrays["theta"].astype(np.float64),
                fisher=arrays["fisher"].astype(np.float64),
                about=About.model_validate_json(about),
            )
        except (KeyError, ValidationError) as wrong:
            raise WeightsError(f"{path} is not a file of {KEY}: {MEND}") from wrong
        a, p = len(made.about.names), made.projection.shape[-1]
        expected = ((a, made.tokens.shape[-1], 1 + p), (a, a), (len(made.centre), p))
        if (made.theta.shape, made.fisher.shape, made.projection.shape) != expected:
            raise WeightsError(f"{path} has arrays of shapes that do not belong together: {MEND}")
        return made
