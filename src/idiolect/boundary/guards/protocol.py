"""What a guard is: a model behind an endpoint that says how harmful a request, or an answer to it, is."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from idiolect.schema import Message

SPOKEN = ("user", "assistant")
TURNS = 7  # of a conversation that a guard reads, newest last
LONGEST = 12_000  # characters of one of them, from both its ends


class Guard(Protocol):
    """Gets the client's own messages, and nothing that Idiolect added. Thread-safe."""

    name: str  # what a verdict's rule says
    categories: frozenset[str]  # of the policy, that it may name

    def risks(self, turns: Sequence[Message], answer: str | None) -> Mapping[str, float]:
        """How likely harm is, by category of the policy; one half is where the guard itself would act.

        Of the answer, in the light of the turns; where it is None, of the last turn. Raises ModelError.
        """


def spoken(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The newest turns of the person and the model in turn, up to the person's last; neighbours of one role joined."""
    last = max((place for place, each in enumerate(messages) if each.role == "user"), default=-1)
    joined = list[Message]()
    for each in messages[: last + 1]:
        if each.role not in SPOKEN or not each.text.strip():
            continue
        if joined and joined[-1].role == each.role:
            joined[-1] = Message(role=each.role, content=f"{joined[-1].text}\n{each.text}")
        else:
            joined.append(Message(role=each.role, content=each.text))
    newest = joined[-TURNS:]
    first = 1 if newest and newest[0].role == "assistant" else 0
    return tuple(Message(role=each.role, content=shortened(each.text)) for each in newest[first:])


def shortened(text: str) -> str:
    """Both ends of a huge text."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}\n...\n{text[-LONGEST // 2 :]}"
