"""A person's conversations, told from their turns: each turn knows the hash of what was said before it.

A conversation that a client began with words of its own (a system message) is known by no turn of the person, so it is
left to that client.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from idiolect.memory.extraction.documents import is_background
from idiolect.memory.store import UserStore
from idiolect.schema import Interaction, Message
from idiolect.turn import hashed

NEWEST = 100  # turns that are looked at


@dataclass(frozen=True)
class Said:
    """A turn of a conversation, by the id of the candidate that it went on from."""

    id: str
    event: Interaction

    @property
    def messages(self) -> tuple[Message, Message]:
        """What was asked and answered."""
        answer = self.event.answer
        texts = {candidate.id: candidate.text for candidate in answer.candidates}
        told = texts.get(self.id, answer.text)
        return Message(role="user", content=self.event.prompt), Message(role="assistant", content=told)


@dataclass(frozen=True)
class Conversation:
    """Turns that follow one another."""

    turns: tuple[Said, ...]

    @property
    def at(self) -> datetime:
        """When it was spoken in last."""
        return self.turns[-1].event.at

    @property
    def messages(self) -> tuple[Message, ...]:
        """All of it, to go on from."""
        return tuple(message for said in self.turns for message in said.messages)


def recent(person: UserStore, most: int) -> tuple[Conversation, ...]:
    """The newest conversations, the newest first. An answer that was written anew stands in place of the older one."""
    known = dict[str, tuple[Said, ...]]()  # by the hash of all that was said
    ends = dict[tuple[str, str], Conversation]()  # by what was said before the last turn, and its prompt
    for event in reversed(person.interactions(NEWEST)):
        before = known.get(event.prefix) if event.prefix else ()
        if before is None or is_background(event.prompt):
            continue
        for said in _shown(event):
            turns = (*before, said)
            known[hashed(Conversation(turns).messages)] = turns
        if before:
            ends.pop((before[-1].event.prefix, before[-1].event.prompt), None)
        ends.pop((event.prefix, event.prompt), None)
        ends[event.prefix, event.prompt] = Conversation((*before, Said(event.answer.id, event)))
    return tuple(reversed(ends.values()))[:most]


def _shown(event: Interaction) -> Iterator[Said]:
    """Each answer that the conversation may go on from; the one that was chosen last, under the answer's own id."""
    yield from (Said(candidate.id, event) for candidate in event.answer.candidates)
    yield Said(event.answer.id, event)
