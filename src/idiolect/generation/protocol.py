"""What a generation method is: it changes how a model is asked, so that the answer is this person's."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol, Self

from idiolect.errors import BadInput
from idiolect.generation.system_text import SystemText
from idiolect.memory.quotable import PastText, Rewritten
from idiolect.models import WhiteBox
from idiolect.models.protocol import Model, Request
from idiolect.prompting import Prompting
from idiolect.schema import Array, EarlierTurn, Preference


@dataclass(frozen=True)
class Host:
    """The model that will answer, and what a method may need beside it when it is opened."""

    model: Model
    space: str  # version of the preference space that beliefs are in
    system_prompt: str  # what the model is told when the client sends no system message
    token_values: Path | None = None  # a file fitted for this model; None: the one that comes with the package
    kl_budget: float | None = None  # nats per token that a method may move the model; None: the method's own
    opened: Callable[[], WhiteBox] | None = None  # opens the same model, for methods that work inside it
    prompting: Prompting = field(default_factory=Prompting)
    context: int | None = None  # tokens of prompt and answer together; None: as the model tells
    embed: Callable[[Sequence[str]], Array] | None = None  # texts -> unit rows (n, dim)
    is_able: bool = True  # to say in words what a person's edit tells of them
    steering: Path | None = None  # vectors fitted for this model; None: those that come with the package
    soft_prompt: Path | None = None  # a map fitted for this model; None: there is none
    values: Path | None = None  # of the next token, fitted for this model; None: there are none
    adapters: Path | None = None  # the folder of adapters, with the experts of soups; None: there is none

    @property
    def inside(self) -> WhiteBox:
        """The model, open. Raises BadInput where it can't be."""
        if isinstance(self.model, WhiteBox):
            return self.model
        if self.opened is None:
            raise BadInput(f"{self.model.name} is not open: methods that work inside a model need transformers:NAME")
        return self.opened()

    @property
    def system_text(self) -> SystemText:
        """Where personal texts go."""
        return SystemText(self.system_prompt, self.model.count_tokens, self.context or self.model.context)


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
    chosen_in: Sequence[EarlierTurn] = ()  # the turns of the choices, one for each, where they are kept
    texts: Sequence[PastText] = ()  # with what they answered, newest last, for retrieval
    edits: Sequence[Rewritten] = ()  # newest last
    explained: MutableMapping[str, str] = field(default_factory=dict)  # what edits tell, by ids: derived, kept for them
    adapters: Mapping[str, Path] = field(default_factory=dict)  # by kind, lora or pieces: folders in PEFT's form


@dataclass(frozen=True)
class Prepared:
    """A request made personal, with what the trace should say of it."""

    request: Request
    strength: float = 0.0
    notes: tuple[str, ...] = field(default=())
    turns: tuple[EarlierTurn, ...] = ()  # that are quoted in it
    is_told: bool = False  # something of the person stands in its messages

    def then(self, other: "Prepared") -> "Prepared":
        """`other` was prepared from this one's request: keep what both say."""
        return replace(
            other,
            strength=max(self.strength, other.strength),
            notes=self.notes + other.notes,
            turns=tuple(dict.fromkeys(self.turns + other.turns)),
        )


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
