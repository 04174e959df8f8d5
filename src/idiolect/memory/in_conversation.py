"""What a person says of themselves holds in its conversation at once, whether or not it may be kept beyond it.

It is read anew from each conversation that comes, for that turn alone, and nothing of it is stored by that. Its words
are the client's own messages, so it goes where they go. What the person has ended or put into other words since does
not hold, though the conversation still has the words.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from idiolect.features.embedder import Embedder
from idiolect.memory.consolidation import Consolidated
from idiolect.memory.extraction import own_words
from idiolect.memory.recall.memories import Embedded, Memories
from idiolect.memory.recall.ranking import recall
from idiolect.memory.recall.recalled import Recalled, RecalledPreference
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.records import Recorded
from idiolect.memory.remembering import read_from
from idiolect.memory.store import UserStore
from idiolect.schema import Correction, Message, Preference, Revision, Statement

HERE: Final = "here-"  # how the id begins of what is not in the store
MOST: Final = 16  # statements of one conversation, the newest, that are held against the prompt
WHY: Final = "said in this conversation"
NOTE: Final = "What you said of yourself in this conversation counted."


def with_conversation(
    found: Recalled, person: UserStore, messages: Sequence[Message], embedder: Embedder | None, at: datetime
) -> Recalled:
    """What was recalled, with what the conversation itself says and bears on its newest words.

    Style is left out: the model reads it where it stands. What the conversation takes back is not recalled.
    """
    said = list(_statements(messages, at)) if own_words(messages) else []
    if not said:
        return found
    ended = _ended(person)
    new = [each for each in said if each.text.casefold() not in ended]
    recalled = {each.preference.id for each in found.preferences}

    def meeting(statements: Consolidated) -> tuple[list[Preference], set[str]]:
        trial = statements.layer()
        for number, event in enumerate(new, start=1):
            trial.take(Recorded(statements.through + number, event))
        here = [each for event in new for each in trial.found(event.id, at)]
        back = {each.id for known in recalled for each in trial.found(known, at) if each.status != "held"}
        return [each for each in here if each.status == "held" and each.kind != "style"], back

    here, back = person.ask(meeting)
    fresh = {each.id: each for each in here if each.id not in recalled}
    bearing = _bearing(list(fresh.values())[-MOST:], _asked(messages, said), embedder, at)
    kept = [each for each in found.preferences if each.preference.id not in back]
    notes = (*found.notes, NOTE) if bearing else found.notes
    return found.model_copy(update={"preferences": (*bearing, *kept), "notes": notes})


def is_of_the_store(identifier: str) -> bool:
    """Whether a statement that held for a turn is kept, so that it can be named beyond it."""
    return not identifier.startswith(HERE)


def _statements(messages: Sequence[Message], at: datetime) -> Iterator[Statement]:
    """Of the person's own turns, oldest first; what comes later is newer."""
    turns = [own_words([each]) for each in messages if each.role == "user"]
    read = [(slots.span, slots) for own in turns if own for slots in read_from(own)]
    for number, (words, slots) in enumerate(read):
        since = at - timedelta(microseconds=len(read) - number)
        yield Statement(id=f"{HERE}{number + 1}", text=words, slots=(slots,), at=since)


def _ended(person: UserStore) -> set[str]:
    """The words of what the person has ended, or put into other words."""
    ids = {
        each.event.statement
        for each in person.events("correction", "revision")
        if isinstance(each.event, Correction) or (isinstance(each.event, Revision) and each.event.slots is not None)
    } - {None}
    if not ids:
        return set()
    said = [each.event for each in person.events("statement") if isinstance(each.event, Statement)]
    return {
        slots.span.casefold()
        for event in said
        for number, slots in enumerate(event.slots or ())
        if not ids.isdisjoint((event.id, f"{event.id}.{number}"))
    }


def _asked(messages: Sequence[Message], said: Sequence[Statement]) -> str:
    """What the newest two turns ask beside what they say of the person: "something quicker" goes on from a question."""
    turns = [own_words([each]) for each in messages if each.role == "user"][-2:]
    asked = "\n".join(turns)
    for statement in said:
        asked = asked.replace(statement.text, " ")
    return asked if any(character.isalnum() for character in asked) else "\n".join(turns)


def _bearing(
    statements: Sequence[Preference], asked: str, embedder: Embedder | None, at: datetime
) -> tuple[RecalledPreference, ...]:
    memories = Memories()
    if embedder is None or not statements:
        memories.add_all([Embedded(each) for each in statements])
        found = recall(asked, None, memories, at, RecallSettings(gated=False))
    else:
        texts = [asked, *(each.text for each in statements), *(each.scope for each in statements if each.scope)]
        rows = dict(zip(texts, embedder.embed(texts).astype(np.float32), strict=True))
        embedder.forget(texts)  # what is not in the store, no erasure would know
        memories.add_all([Embedded(each, rows[each.text], rows.get(each.scope)) for each in statements])
        found = recall(asked, rows[asked], memories, at)
    return tuple(each.model_copy(update={"why": WHY}) for each in found.preferences)
