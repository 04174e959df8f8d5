"""What a generation method is: it changes how a model is asked, so that the answer is this person's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol, Self

from idiolect.errors import BadInput
from idiolect.models import WhiteBox
from idiolect.models.protocol import Model, Request
from idiolect.schema import Array, Preference


@dataclass(frozen=True)
class Host:
    """The model that will answer, and what a method may need beside it when it is opened."""

    model: Model
    space: str  # version of the preference space that beliefs are in
    system_prompt: str  # what the model is told when the client sends no system message
    token_values: Path | None = None  # a file fitted for this model; None: the one that comes with the package
    kl_budget: float | None = None  # nats per token that token values may move the model; None: the method's own
    opened: Callable[[], WhiteBox] | None = None  # opens the same model, for methods that work inside it

    @property
    def inside(self) -> WhiteBox:
        """The model, open. Raises BadInput where it can't be."""
        if isinstance(self.model, WhiteBox):
            return self.model
        if self.opened is None:
            raise BadInput(f"{self.model.name} is not open: methods that work inside a model need transformers:NAME")
        return self.opened()


@dataclass(frozen=True)
class PastTurn:
    """What a person once asked, and what they were answered, perhaps shortened."""

    at: datetime
    asked: str
    answered: str


@dataclass(frozen=True)
class Person:
    """What a method may know of a person: what was recalled, and the posterior's mean and sd (d,)."""

    preferences: Sequence[Preference]
    mean: Array
    sd: Array
    names: Sequence[str]  # of the d directions
    evidence: int  # pieces of feedback seen
    choices: Sequence[tuple[str, str, str]] = ()  # (prompt, chosen, rejected), newest last, for in-context methods
    turns: Sequence[PastTurn] = ()  # of earlier conversations, best first


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
    """Changes a request. With no evidence and no statements it returns the request unchanged, byte for byte."""

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Make the request personal."""


class Method(Generation, Protocol):
    """A method of the room, opened by name for one model."""

    family: ClassVar[str]  # prompting, decoding, encoding, parameters or agent

    @classmethod
    def open(cls, host: Host) -> Self:
        """The method for one model."""
