"""Turns as a person has them, for what is inferred from them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from idiolect.memory.inference.inferring import infer
from idiolect.memory.inference.reactions import onward
from idiolect.memory.store import UserStore
from idiolect.schema import Consent, Hint, Inference, Interaction, Preference, Proposal
from lives import MONDAY, turn

MINUTE = timedelta(minutes=1)
KINDS: Sequence[Inference] = ("repeats", "reactions", "style")
SHORT = ("ok cool", "yeah nice one", "gimme a tip", "no idea lol", "thx a lot")
KNITTING = (
    "How do I start knitting a scarf?",
    "Which wool is best for knitting socks?",
    "I dropped a stitch while knitting, what now?",
    "Show me a knitting pattern for a hat.",
)


def asked(name: str, prompt: str, at: datetime = MONDAY, before: str = "", own: str | None = None) -> Interaction:
    """A turn of the conversation that `before` stands for; it can be gone on from by its name."""
    made = turn(name, prompt, f"Answer {name}", at)
    marks = {"prefix": prefix_of(before), "onward": onward(prefix_of(name)), "own": own}
    return made.model_copy(update=marks)


def prefix_of(conversation: str) -> str:
    """Of a conversation that ended with the turn of this name."""
    return sha256(conversation.encode()).hexdigest() if conversation else ""


def attempts(gap: timedelta = MINUTE) -> tuple[Interaction, Interaction]:
    """Two answers to one question."""
    return asked("a", "Name a song.", MONDAY), asked("b", "Name a song.", MONDAY + gap)


def on_days(*prompts: str, start: datetime = MONDAY, name: str = "t") -> Iterator[Interaction]:
    """One turn a day."""
    for number, prompt in enumerate(prompts):
        yield asked(f"{name}{number}", prompt, start + timedelta(days=number))


def allow(person: UserStore, inference: Inference, *, given: bool = True) -> Consent:
    """The person allows a kind of inference, or takes it back."""
    consent = Consent(inference=inference, given=given)
    with person.transaction() as transaction:
        transaction.append(consent)
    return consent


def live(person: UserStore, *turns: Interaction) -> None:
    """Each turn with what goes on behind it."""
    for each in turns:
        with person.transaction() as transaction:
            transaction.append(each)
        infer(person)


def hints(person: UserStore) -> list[Hint]:
    """What was inferred in numbers."""
    return [each.event for each in person.events("hint") if isinstance(each.event, Hint)]


def offered(person: UserStore) -> list[Proposal]:
    """What was inferred in words, whatever became of it."""
    return [each.event for each in person.events("proposal") if isinstance(each.event, Proposal)]


def waiting(person: UserStore) -> list[Preference]:
    """What waits for the person."""
    return list(person.proposals())
