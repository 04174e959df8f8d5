"""Compliance without a language model: how far an answer is or has what a statement is about, signed by its polarity.

    g(o, y) = max over windows v of y of  e_o . W e_v  +  h named(o, y) - k denied(o, y)  +  e_o . u  +  b
    P(y respects s) = sigmoid(polarity_s g(object_s, y))

e_o, e_v (384,): embeddings, of unit length. W (384, 384) = a I + D: the cosine, and what was learnt of which things are
of which kinds (oysters are seafood, a rooftop bar is nightlife). named, denied: `mentions`. Of a statement that
prefers its object to another, g is half the difference of the two. The question takes no part: it is the same for all
answers that are compared, and the answers carry its subject themselves.

Shared: W, u, a, b, h, k, fitted by `idiolect reward fit-compliance` on text that this project wrote. Per user: nothing.
Cold start: no statements, zeros. Without an embedder only the words are left: g = h named - k denied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import FeatureMismatch, WeightsError
from idiolect.features.embedder import Embedder
from idiolect.reward.compliance.mentions import called, compared, read
from idiolect.reward.compliance.protocol import Claim, Compliance
from idiolect.schema import Array

KEY = "compliance"
SHIPPED = "compliance.safetensors"
MEND = "fit it anew with `idiolect reward fit-compliance`"

Floats = NDArray[np.float32]


class About(BaseModel):
    """What the weights were fitted from; the file's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedder: str
    areas: tuple[str, ...]
    names: int
    answers: int
    bias: float  # b
    named: float  # h
    denied: float  # k
    held_out: dict[str, float]  # figures on areas of life that were left out of the fit


@dataclass(frozen=True)
class Weights:
    """What is shared."""

    matrix: Floats  # W (dim, dim)
    offset: Floats  # u (dim,)
    about: About

    @property
    def dim(self) -> int:
        """Of an embedding."""
        return len(self.offset)

    def save(self, path: Path) -> None:
        """Write one safetensors file, in half precision."""
        from safetensors.numpy import save_file

        arrays = {"matrix": self.matrix.astype(np.float16), "offset": self.offset.astype(np.float16)}
        save_file(arrays, path, metadata={KEY: self.about.model_dump_json()})
        path.chmod(0o644)  # it ships: whoever installs it may read it

    @classmethod
    def load(cls, path: Path) -> "Weights":
        """Raises WeightsError where the file is missing, cut short or not of this form."""
        from safetensors import SafetensorError, safe_open

        if not path.is_file():
            raise WeightsError(f"there are no weights of compliance at {path}: {MEND}")
        try:
            with safe_open(path, framework="numpy") as file:
                about = About.model_validate_json((file.metadata() or {}).get(KEY, ""))
                matrix, offset = (np.asarray(file.get_tensor(name), np.float32) for name in ("matrix", "offset"))
        except (SafetensorError, OSError, ValidationError) as broken:
            raise WeightsError(f"{path} cannot be read as weights of compliance ({broken}): {MEND}") from broken
        if matrix.shape != (len(offset), len(offset)) or not np.isfinite(matrix).all():
            raise WeightsError(f"{path} holds a matrix of shape {matrix.shape} that cannot be used: {MEND}")
        return cls(matrix, offset, about)

    @classmethod
    def shipped(cls) -> "Weights":
        """Those in the package, read once."""
        return _shipped()


@cache
def _shipped() -> Weights:
    return Weights.load(Path(str(files("idiolect").joinpath("resources", SHIPPED))))


@dataclass(frozen=True)
class LearntCompliance(Compliance):
    """The scorer that needs no language model."""

    weights: Weights
    embedder: Embedder | None

    @classmethod
    def shipped(cls, embedder: Embedder | None) -> "LearntCompliance":
        """With the package's own weights. Raises FeatureMismatch for an embedder that they were not fitted with."""
        weights = Weights.shipped()
        if embedder is not None and (embedder.name, embedder.dim) != (weights.about.embedder, weights.dim):
            raise FeatureMismatch(
                f"the weights of compliance were fitted with {weights.about.embedder} ({weights.dim} dimensions), not "
                f"with {embedder.name} ({embedder.dim}): {MEND}"
            )
        return cls(weights, embedder)

    def respects(self, statements: Sequence[Claim], prompt: str, answers: Sequence[str]) -> Array:
        """(m, n)"""
        return sigmoid(self.margins(statements, answers))

    def margins(self, statements: Sequence[Claim], answers: Sequence[str]) -> Array:
        """(m, n): the logit of P(y respects s). Flipping a statement's polarity flips its sign."""
        things = list(dict.fromkeys(thing for said in statements for thing in (said.object, said.over) if thing))
        rows = dict(zip(things, self._has(things, answers), strict=True))
        found = np.zeros((len(statements), len(answers)))
        for index, said in enumerate(statements):
            if said.object:
                has = rows[said.object]
                found[index] = said.polarity * ((has - rows[said.over]) / 2 if said.over else has)
        return found

    def _has(self, things: Sequence[str], answers: Sequence[str]) -> Array:
        """(t, n): g, the logit of whether each answer is or has each thing."""
        about = self.weights.about
        told = [read(answer) for answer in answers]
        named = np.array([[compared(wanted, each) for each in told] for wanted in map(called, things)], float)
        found: Array = named.reshape(len(things), len(answers), 2) @ np.array([about.named, -about.denied])
        if self.embedder is None or not things or not answers:
            return found
        rows = self.embedder.embed(things)
        along = rows @ self.weights.matrix  # (t, dim)
        near = [(along @ self.embedder.windows(answer).T).max(axis=1) for answer in answers]
        return np.asarray(found + np.stack(near, axis=1) + (rows @ self.weights.offset + about.bias)[:, None])


def sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))))
