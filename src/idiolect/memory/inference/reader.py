"""What a kind of inference is, and a turn as it reads it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import ClassVar, NamedTuple, TypeAlias

from idiolect.memory.consolidation.lasting import HALF_LIFE
from idiolect.memory.extraction.documents import words_of_turn
from idiolect.schema import AnyEvent, Hint, Inference, Inferred, Interaction, Proposal

Found: TypeAlias = Hint | Proposal
Place: TypeAlias = tuple[str, str]  # the conversation before a turn, or the day of its beginning; and what was asked


class Reader(ABC):
    """One kind of inference over the events since its consent, in order. What it holds goes with the process."""

    name: ClassVar[Inference]
    means: ClassVar[str]  # what is read of a person who allows it, in words for them

    def __init__(self, consent: str) -> None:
        """`consent` is the id of the event by which the person allowed it."""
        self.consent = consent

    @abstractmethod
    def take(self, event: AnyEvent) -> Iterator[Found]:
        """The next event, and what is found by it. It depends on the events until then alone."""

    def basis(self, turns: tuple[str, ...]) -> Inferred:
        """What a find of these turns rests on."""
        return Inferred(by=self.name, consent=self.consent, turns=turns)

    def identifier(self, *of: str) -> str:
        """The same find of the same consent has the same id, whenever it is found."""
        return f"inf-{sha256(chr(31).join((self.name, self.consent, *of)).encode()).hexdigest()[:32]}"


class Told(NamedTuple):
    """A turn with words of the person's own."""

    answer: str  # its id
    place: Place
    own: str
    day: date


def told(event: AnyEvent) -> Told | None:
    """None for what is no turn, was refused, or holds no words of the person's own: background calls and pastes."""
    if not isinstance(event, Interaction) or event.answer.refused:
        return None
    own = words_of_turn(event)
    return Told(event.answer.id, place(event), own, day(event)) if own else None


def place(event: Interaction) -> Place:
    """The same for every time that a turn is sent; of conversations that begin with the same words, those of a day."""
    return event.prefix or day(event).isoformat(), event.prompt


def day(event: Interaction) -> date:
    """In UTC, as the store keeps it."""
    return event.at.astimezone(UTC).date()


def left_of(since: datetime, at: datetime) -> float:
    """Of what was seen then: half after every half-life, by whole days, so that it changes once a day."""
    days = (at.astimezone(UTC).date() - since.astimezone(UTC).date()).days
    return float(2 ** (-max(days, 0) / HALF_LIFE.days))
