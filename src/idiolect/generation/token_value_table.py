"""What token values are made of: tau (rows of tokens x attributes) and the contexts that its KL cap is measured on.

One safetensors file, bound to one model by its fingerprint and to one version of the preference space.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import WeightsError
from idiolect.generation.array_files import read_arrays
from idiolect.schema import Array

KEY = "token values"


class About(BaseModel):
    """What a table was fitted from; the file's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str  # of the model
    space: str  # version of the preference space
    names: tuple[str, ...]  # of the columns of tau
    answers: int
    prompts: int
    ridge: float
    correlation: dict[str, float]  # of predicted with true differences between answers, on prompts left out of the fit


@dataclass(frozen=True)
class Contexts:
    """The plain model's next-token distributions in some contexts: the likeliest k tokens, and the rest's mass."""

    tokens: NDArray[np.int32]  # (c, k)
    logprobs: Array  # (c, k), in nats

    @property
    def tail(self) -> Array:
        """(c,) the mass outside the k likeliest."""
        return np.asarray((1.0 - np.exp(self.logprobs).sum(axis=1)).clip(0.0, 1.0))


@dataclass(frozen=True)
class TokenValueTable:
    """tau: what one more use of a token adds to each standardised attribute of an answer."""

    tokens: NDArray[np.int32]  # (r,) ids of the rows, ascending
    values: Array  # (r, a)
    frequency: Array  # (r,) share of each token among all tokens of the plain model's answers; sums to at most 1
    contexts: Contexts
    about: About

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        from safetensors.numpy import save_file

        arrays: dict[str, NDArray[Any]] = {  # Any: safetensors' own signature
            "tokens": self.tokens.astype(np.int32),
            "values": self.values.astype(np.float16),
            "frequency": self.frequency.astype(np.float32),
            "context_tokens": self.contexts.tokens.astype(np.int32),
            "context_logprobs": self.contexts.logprobs.astype(np.float16),
        }
        save_file(arrays, path, metadata={KEY: self.about.model_dump_json()})

    @classmethod
    def load(cls, path: Path) -> "TokenValueTable":
        """Raises WeightsError where the file is missing, cut short or not of this form."""
        about, arrays = read_arrays(path, KEY, _mend())
        try:
            table = cls(
                tokens=arrays["tokens"].astype(np.int32),
                values=arrays["values"].astype(np.float64),
                frequency=arrays["frequency"].astype(np.float64),
                contexts=Contexts(
                    arrays["context_tokens"].astype(np.int32), arrays["context_logprobs"].astype(np.float64)
                ),
                about=About.model_validate_json(about),
            )
        except (KeyError, ValidationError) as wrong:
            raise WeightsError(f"{path} is not a file of token values: {_mend()}") from wrong
        rows = len(table.tokens)
        if table.values.shape != (rows, len(table.about.names)) or table.frequency.shape != (rows,):
            raise WeightsError(f"{path} has arrays of shapes that do not belong together: {_mend()}")
        return table


def _mend() -> str:
    return "fit it anew with `idiolect models fit-token-values`"
