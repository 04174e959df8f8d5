"""What a generation method is: it changes how a model is asked, so that the answer is this person's."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from idiolect.models.protocol import Request
from idiolect.schema import Array, Preference


@dataclass(frozen=True)
class Person:
    """What a method may know of a person: statements that were recalled, and the posterior's mean and sd (d,)."""

    preferences: Sequence[Preference]
    mean: Array
    sd: Array
    names: Sequence[str]  # of the d directions
    evidence: int  # pieces of feedback seen
    choices: Sequence[tuple[str, str, str]] = ()  # (prompt, chosen, rejected), newest last, for in-context methods


@dataclass(frozen=True)
class Prepared:
    """A request made personal, with what the trace should say of it."""

    request: Request
    strength: float = 0.0
    notes: tuple[str, ...] = field(default=())

    def then(self, other: "Prepared") -> "Prepared":
        """`other` was prepared from this one's request: keep what both say."""
        return replace(other, strength=max(self.strength, other.strength), notes=self.notes + other.notes)


class Generation(Protocol):
    """A method of the room. With no evidence and no statements it returns the request unchanged, byte for byte."""

    family: ClassVar[str]  # prompting, encoding, parameters or agent

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Make the request personal."""
