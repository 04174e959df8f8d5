"""The gate: the probability that a statement of a person bears on a prompt.

    logit p = a e_q . e_s  +  h sum_k sqrt(P(k | q) P(k | s))  +  r sum_k P(k | q) R(k | s)  +  w overlap(q, s)  +  c

e_q, e_s (384,): the embeddings of prompt and statement, of unit length. P(k | .): the chance that a text is of area of
life k, so that "some thrilling series?" and "I can't stand zombies" meet in the area that they share, where words and
cosine do not. R(k | s): the chance that s bears on what is asked in area k (a nut allergy on restaurants and baking).
A prompt of no area (code, sums, translations) meets nothing. overlap: BM25 over the most it could be.

Shared: all of it, fitted on texts that this project wrote (`fit_gate.py`). Per user: nothing. Without an embedding of
either side the gate is lexical: logit p = l_0 + l_1 overlap.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import FeatureMismatch, WeightsError
from idiolect.memory.recall.dense import Floats, Vector

KEY = "recall gate"
SHIPPED = "recall-gate.safetensors"
HEADS = ("asked", "said", "reaches")


class Weights(BaseModel):
    """Of the terms of the formula."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cosine: float  # a
    area: float  # h
    reach: float  # r
    overlap: float  # w
    bias: float  # c
    lexical: tuple[float, float]  # l_0, l_1


class AboutGate(BaseModel):
    """What a gate was fitted from; the file's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedder: str
    areas: tuple[str, ...]
    statements: int
    questions: int
    weights: Weights
    threshold: float  # least p that is injected
    held_out: dict[str, float]  # figures on texts and on areas of life that were left out of the fit


@dataclass(frozen=True)
class Head:
    """x (384,) -> x W + v, one logit an area."""

    weights: Floats  # (384, k)
    bias: Floats  # (k,)

    def __call__(self, rows: Vector) -> Floats:
        """(..., 384) -> (..., k)"""
        return np.asarray(np.asarray(rows, np.float32) @ self.weights + self.bias)


@dataclass(frozen=True)
class Heads:
    """What areas of life a text belongs to."""

    asked: Head  # of prompts; the last column is of no area at all
    said: Head  # of statements
    reaches: Head  # of statements: on which areas they bear

    def of_statement(self, rows: Vector) -> tuple[Floats, Floats]:
        """sqrt(P(k | s)) and R(k | s), (..., k) each."""
        return np.sqrt(softmax(self.said(rows))), sigmoid(self.reaches(rows))

    def of_query(self, rows: Vector) -> Floats:
        """P(k | q), (..., k): what is missing to 1 is of no area."""
        return softmax(self.asked(rows))[..., :-1]


@dataclass(frozen=True)
class Gate:
    """The heads and what they weigh."""

    heads: Heads
    about: AboutGate

    @property
    def width(self) -> int:
        """Of a prepared row."""
        dim, areas = self.heads.said.weights.shape
        return int(dim + 2 * areas + 1)

    def of_statement(self, vector: Vector | None) -> Floats | None:
        """A statement's embedding (384,) or many (n, 384), prepared for any prompt: (..., width)."""
        if vector is None:
            return None
        row = self._checked(vector)
        return np.concatenate([row, *self.heads.of_statement(row), np.ones_like(row[..., :1])], axis=-1)

    def of_query(self, vector: Vector) -> Floats:
        """A prompt's embedding (384,), prepared: its product with a statement's row is the logit without the words."""
        row, weights = self._checked(vector), self.about.weights
        areas = self.heads.of_query(row)
        bias = np.full_like(row[..., :1], weights.bias)
        parts = (weights.cosine * row, weights.area * np.sqrt(areas), weights.reach * areas, bias)
        return np.concatenate(parts, axis=-1).astype(np.float32)

    def probabilities(self, logits: Floats, overlap: Floats) -> Floats:
        """(n,) from the products with the prompt's row (n,) and the overlap of words, 0 to 1 (n,)."""
        return sigmoid(logits + np.float32(self.about.weights.overlap) * overlap)

    def lexical(self, overlap: Floats) -> Floats:
        """(n,) from the overlap of words alone."""
        base, slope = self.about.weights.lexical
        return sigmoid(np.float32(base) + np.float32(slope) * overlap)

    def _checked(self, vector: Vector) -> Floats:
        row, dim = np.asarray(vector, np.float32), len(self.heads.said.weights)
        if row.shape[-1:] != (dim,):
            raise FeatureMismatch(
                f"a vector of shape {row.shape} does not fit a gate for {dim} dimensions: "
                f"embed with {self.about.embedder}, or fit a gate with `idiolect memory fit-gate`"
            )
        return row

    def save(self, path: Path) -> None:
        """Write one safetensors file, in half precision."""
        from safetensors.numpy import save_file

        arrays = {}
        for name in HEADS:
            head: Head = getattr(self.heads, name)
            arrays[name], arrays[f"{name}_bias"] = head.weights.astype(np.float16), head.bias.astype(np.float16)
        save_file(arrays, path, metadata={KEY: self.about.model_dump_json()})

    @classmethod
    def load(cls, path: Path) -> "Gate":
        """Raises WeightsError where the file is missing, cut short or not of this form."""
        from safetensors import SafetensorError, safe_open

        mend = "fit it anew with `idiolect memory fit-gate`"
        if not path.is_file():
            raise WeightsError(f"there is no recall gate at {path}: {mend}")
        try:
            with safe_open(path, framework="numpy") as file:
                about = AboutGate.model_validate_json((file.metadata() or {}).get(KEY, ""))
                parts = [(file.get_tensor(name), file.get_tensor(f"{name}_bias")) for name in HEADS]
        except (SafetensorError, OSError, ValidationError) as broken:
            raise WeightsError(f"{path} cannot be read as a recall gate ({broken}): {mend}") from broken
        heads = [Head(np.asarray(matrix, np.float32), np.asarray(bias, np.float32)) for matrix, bias in parts]
        return cls(Heads(*heads), about)

    @classmethod
    def shipped(cls) -> "Gate":
        """The one in the package, read once."""
        return _shipped()


@cache
def _shipped() -> Gate:
    return Gate.load(Path(str(files("idiolect").joinpath("resources", SHIPPED))))


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)


def softmax(logits: Floats) -> Floats:
    """Along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)
