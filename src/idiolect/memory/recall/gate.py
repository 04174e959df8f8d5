"""The gate: the probability that a statement of a person bears on a prompt.

    logit p = a e_q . e_s  +  h A(q, s)  +  g F(q, s)  +  r sum_k P(k | q) R(k | s)  +  w overlap(q, s)  +  c
    A(q, s) = sum over areas k of sqrt(P(k | q) P(k | s));  F: the same over families of areas

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
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import FeatureMismatch, WeightsError
from idiolect.memory.recall.dense import Floats, Profiles, Rows, Vector

KEY = "recall gate"
SHIPPED = "recall-gate.safetensors"
HEADS = ("asked", "said", "reaches")
UNSEEN = 0.003  # chance of an area below which it is not looked at: a dozen areas are left of a prompt


class Weights(BaseModel):
    """Of the terms of the formula."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cosine: float  # a
    area: float  # h
    family: float  # g
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
    families: Floats  # (k, f): 1 where the area is of the family

    def of_statement(self, rows: Vector) -> Floats:
        """sqrt(P(k | s)), sqrt(P(f | s)), R(k | s), side by side: (..., 2k + f)"""
        areas = softmax(self.said(rows))
        return np.concatenate([np.sqrt(areas), np.sqrt(areas @ self.families), sigmoid(self.reaches(rows))], axis=-1)

    def of_query(self, rows: Vector) -> tuple[Floats, Floats, Floats]:
        """sqrt(P(k | q)), sqrt(P(f | q)), P(k | q): what P lacks to 1 is of no area."""
        areas = softmax(self.asked(rows))[..., :-1]
        return np.sqrt(areas), np.sqrt(areas @ self.families), areas


@dataclass(frozen=True)
class Asked:
    """A prompt, prepared for the gate."""

    vector: Floats  # (dim,) times the cosine's weight
    columns: NDArray[np.int64]  # of a statement's profile that matter
    weights: Floats  # of these columns
    bias: float

    def logits(self, vectors: Rows, profiles: Profiles) -> Floats:
        """(n,) without the words, from n vectors of dim and n profiles of 2k + f."""
        found = vectors.products(self.vector)
        found += profiles.sums(self.columns, self.weights)
        found += np.float32(self.bias)
        return found


@dataclass(frozen=True)
class Gate:
    """The heads and what they weigh."""

    heads: Heads
    about: AboutGate

    @property
    def dim(self) -> int:
        """Of an embedding."""
        return int(self.heads.said.weights.shape[0])

    @property
    def profile_width(self) -> int:
        """2k + f."""
        areas, families = self.heads.families.shape
        return int(2 * areas + families)

    def profile(self, vector: Vector) -> Floats:
        """What a statement's embedding (384,) says of areas, prepared once for any prompt: (2k + f,)"""
        return self.heads.of_statement(self.checked(vector))

    def of_query(self, vector: Vector) -> Asked:
        """A prompt's embedding (384,), prepared for any statement."""
        row, weights = self.checked(vector), self.about.weights
        areas, families, chances = self.heads.of_query(row)
        scaled = (weights.area * areas, weights.family * families, weights.reach * chances)
        seen = [areas**2 > UNSEEN, families**2 > UNSEEN, chances > UNSEEN]
        columns = np.flatnonzero(np.concatenate(seen))
        of_columns = np.concatenate(scaled)[columns].astype(np.float32)
        return Asked(np.float32(weights.cosine) * row, columns, of_columns, weights.bias)

    def probabilities(self, logits: Floats, overlap: Floats) -> Floats:
        """(n,) from the logits without the words (n,) and the overlap of words, 0 to 1 (n,)."""
        return sigmoid(logits + np.float32(self.about.weights.overlap) * overlap)

    def lexical(self, overlap: Floats) -> Floats:
        """(n,) from the overlap of words alone; without a shared word nothing speaks for it."""
        base, slope = self.about.weights.lexical
        return np.where(overlap > 0, sigmoid(np.float32(base) + np.float32(slope) * overlap), np.float32(0))

    def checked(self, vector: Vector) -> Floats:
        """In single precision. Raises FeatureMismatch for another width."""
        row = np.asarray(vector, np.float32)
        if row.shape[-1:] != (self.dim,):
            raise FeatureMismatch(
                f"a vector of shape {row.shape} does not fit a gate for {self.dim} dimensions: "
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
        arrays["families"] = self.heads.families.astype(np.float16)
        save_file(arrays, path, metadata={KEY: self.about.model_dump_json()})
        path.chmod(0o644)  # it ships: whoever installs it may read it

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
                families = np.asarray(file.get_tensor("families"), np.float32)
        except (SafetensorError, OSError, ValidationError) as broken:
            raise WeightsError(f"{path} cannot be read as a recall gate ({broken}): {mend}") from broken
        asked, said, reaches = (Head(np.asarray(w, np.float32), np.asarray(v, np.float32)) for w, v in parts)
        return cls(Heads(asked, said, reaches, families), about)

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
