"""What a language model is told of a person: texts of what they chose, rated and said, kept in a belief as plain data.

An array of bytes holds it as JSON. Pieces without texts (no `asked`, or no answers in it) cannot be read by a language
model: they are counted and leave no record.
"""

from collections.abc import Mapping, Sequence
from typing import Self, cast

import numpy as np
from pydantic import BaseModel, ConfigDict

from idiolect.errors import DataError, FeatureMismatch
from idiolect.features.attributes import ATTRIBUTES
from idiolect.features.space import PreferenceSpace
from idiolect.reward.factored import same_dim
from idiolect.reward.protocol import Asked, Chosen, Evidence, Rated, Said, Tied
from idiolect.schema import Array

RECORD = "record"  # its name among a belief's arrays
LONGEST = 1500  # characters of a text that are kept
CLEAR = 0.05  # a stated weight nearer to 0 says that there is no taste


class Pick(BaseModel):
    """One answer was preferred to another, or, `tied`, neither was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str
    chosen: str
    rejected: str
    tied: bool = False


class Mark(BaseModel):
    """An answer's rating, from 1 to 5."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str
    answer: str
    value: float


class Record(BaseModel):
    """Of one person, in the order in which it came. `traits` are the words for attributes that they said they want."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    picks: tuple[Pick, ...] = ()
    marks: tuple[Mark, ...] = ()
    traits: tuple[str, ...] = ()

    @classmethod
    def of(cls, evidence: Sequence[Evidence], space: PreferenceSpace) -> Self:
        """What can be read of the evidence."""
        return cls(
            picks=tuple(pick for piece in evidence for pick in _picks(piece)),
            marks=tuple(mark for piece in evidence for mark in _marks(piece)),
            traits=tuple(trait for piece in evidence for trait in _traits(piece, space)),
        )

    def plus(self, other: Self) -> Self:
        """Both, this one first."""
        return type(self)(
            picks=self.picks + other.picks, marks=self.marks + other.marks, traits=self.traits + other.traits
        )


def as_bytes(text: str) -> Array:
    """A text as an array (n,) of bytes; `Array` says float64, which is what a store may make of it."""
    return cast("Array", np.frombuffer(text.encode(), np.uint8))


def as_text(array: Array) -> str:
    """The way back, also from what a store made of it."""
    return array.astype(np.uint8).tobytes().decode()


def recorded(arrays: Mapping[str, Array]) -> Record:
    """The record that a belief holds."""
    return Record.model_validate_json(as_text(arrays[RECORD]))


def texts(phi: Array, asked: Asked | None, dim: int) -> tuple[str, ...]:
    """The answers to be judged. Raises FeatureMismatch for other features, DataError where texts are missing."""
    same_dim(phi, dim)
    if asked is None or len(asked.answers) != len(phi):
        number = 0 if asked is None else len(asked.answers)
        raise DataError(
            f"a judge reads the answers, and {number} texts came with {len(phi)} answers: give them as `asked.answers`"
        )
    return asked.answers


def _picks(piece: Evidence) -> tuple[Pick, ...]:
    if not isinstance(piece, Chosen | Tied) or piece.asked is None or len(piece.asked.answers) != len(piece.phi):
        return ()
    first, *rest = (answer[:LONGEST] for answer in piece.asked.answers)
    prompt = piece.asked.prompt[:LONGEST]
    if isinstance(piece, Tied):
        first, *rest = sorted([first, *rest])  # neither stands first
    tied = isinstance(piece, Tied)
    return tuple(Pick(prompt=prompt, chosen=first, rejected=other, tied=tied) for other in rest)


def _marks(piece: Evidence) -> tuple[Mark, ...]:
    if not isinstance(piece, Rated) or piece.asked is None or len(piece.asked.answers) != 1:
        return ()
    asked = piece.asked
    return (Mark(prompt=asked.prompt[:LONGEST], answer=asked.answers[0][:LONGEST], value=piece.value),)


def _traits(piece: Evidence, space: PreferenceSpace) -> tuple[str, ...]:
    """The words for a statement about one named attribute; a direction that no attribute names has none."""
    if not isinstance(piece, Said):
        return ()
    if len(piece.direction) != space.dim:
        raise FeatureMismatch(
            f"a statement is about one of {len(piece.direction)} directions where the space has {space.dim}: "
            "it was made by another version of Idiolect"
        )
    at = int(np.abs(piece.direction).argmax())
    wanted = float(piece.direction[at]) * piece.target
    known = ATTRIBUTES.get(space.names[at])
    if known is None or np.count_nonzero(piece.direction) != 1 or abs(wanted) < CLEAR:
        return ()
    return (known.high if wanted > 0 else known.low,)
