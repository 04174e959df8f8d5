"""The one door by which what a person says in conversation is remembered: their own words, of the newest turn, once.

Nothing is read from a temporary chat, a refused request, a background call, what was pasted or quoted, or the answers
of a model. What may not be kept (see door.py) is left out. A pick among options that the last answer offered is
remembered with less confidence, and fades. What a language model reads of the same words later passes the same door.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from idiolect.errors import BadInput
from idiolect.memory.consolidation.sameness import identity
from idiolect.memory.door import admit
from idiolect.memory.extraction import extract, own_words, picked
from idiolect.memory.store import Transaction
from idiolect.schema import Interaction, Message, Slots, Statement

LONGEST = 1000  # characters of one statement event
PICKED, SAID = "choice", "conversation"
READ = "read-"  # of a turn's key, where a language model has read it


@dataclass(frozen=True)
class Heard:
    """What the newest turn says of the person, and what tells it from any other turn."""

    key: str
    own: str = ""  # the person's own words
    said: tuple[Slots, ...] = ()
    picked: tuple[Slots, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.said or self.picked)


def heard(messages: Sequence[Message], prefix: str, at: datetime) -> Heard:
    """Read the newest turn; `prefix` is the hash of the conversation before it, empty at its beginning.

    The same turn of the same conversation has the same key whenever it is sent; of conversations that begin with the
    same words, those of one day.
    """
    own = own_words(messages)
    key = sha256(f"{prefix or at.date().isoformat()}\x1f{own}".encode()).hexdigest()
    if not own:
        return Heard(key)
    said = read_from(own)
    known = {(slots.object.casefold(), slots.polarity) for slots in said}
    picks = (slots for slots in picked(_offer(messages), own) if (slots.object.casefold(), slots.polarity) not in known)
    return Heard(key, own, said, tuple(_kept(picks)))


def read_from(own: str) -> tuple[Slots, ...]:
    """What a person's own words say of them and may be kept."""
    return tuple(_kept(extract(own)))


def remember(transaction: Transaction, event: Interaction, words: Heard) -> tuple[Statement, ...]:
    """Record a turn with what it says of the person, all or nothing; what was heard before is not learnt again."""
    seq = transaction.append(event)
    if not words or not transaction.is_first(words.key, seq):
        return ()
    statements = (*_statements(event, SAID, words.said), *_statements(event, PICKED, words.picked))
    for statement in statements:
        transaction.append(statement)
    return statements


def remember_too(transaction: Transaction, answer: str, key: str, read: Iterable[Slots]) -> tuple[Statement, ...]:
    """Record what else was read of a turn that is kept, once. Raises AnswerNotFound for one forgotten by now."""
    turn = transaction.turn(answer)
    known = [slots for statement in transaction.of_turn(answer) for slots in statement.slots or ()]
    fresh = [slots for slots in _kept(read) if not any(_is_same(slots, other) for other in known)]
    if not fresh or not transaction.is_first(f"{READ}{key}", turn.seq):
        return ()
    assert isinstance(turn.event, Interaction)
    statements = tuple(_statements(turn.event, SAID, fresh))
    for statement in statements:
        transaction.append(statement)
    return statements


def _statements(event: Interaction, source: str, read: Iterable[Slots]) -> Iterator[Statement]:
    for some in _batches(read):
        text = "\n".join(dict.fromkeys(slots.span for slots in some))
        fields = {"text": text, "source": source, "turn": event.answer.id, "slots": some, "at": event.at}
        yield Statement.model_validate(fields)


def _is_same(slots: Slots, other: Slots) -> bool:
    """Whether two readings are of the same words, or of the same thing."""
    if slots.attribute is not None or other.attribute is not None:
        return slots.attribute == other.attribute
    one, two = identity(slots.object), identity(other.object)
    return slots.span in other.span or other.span in slots.span or one <= two or two <= one


def _batches(read: Iterable[Slots]) -> Iterator[tuple[Slots, ...]]:
    """As many together as one event may hold."""
    some: list[Slots] = []
    length = 0
    for slots in read:
        if some and length + len(slots.span) >= LONGEST:
            yield tuple(some)
            some, length = [], 0
        some.append(slots)
        length += len(slots.span) + 1
    if some:
        yield tuple(some)


def _kept(read: Iterable[Slots]) -> Iterator[Slots]:
    """Those that may be kept."""
    for slots in read:
        named = slots if slots.span else slots.model_copy(update={"span": slots.object})
        try:
            admit(named.span, (named,))
        except BadInput:
            continue
        yield named


def _offer(messages: Sequence[Message]) -> str:
    """What the assistant said just before the newest user turn."""
    newest = next(index for index in reversed(range(len(messages))) if messages[index].role == "user")
    before = messages[newest - 1] if newest else None
    return before.text if before is not None and before.role == "assistant" else ""
