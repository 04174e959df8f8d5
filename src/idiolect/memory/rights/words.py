"""The words that an event holds, and which events hold the same words."""

import re
from collections.abc import Iterable, Iterator, Sequence

from idiolect.memory.extraction import own_words
from idiolect.schema import AnyEvent, Edit, Interaction, Message, Preference, Proposal, Revision, Slots, Statement


def texts_of(event: AnyEvent) -> Iterator[str]:
    """Every text in it that somebody said, wrote or answered."""
    match event:
        case Interaction(prompt=prompt, answer=answer, own=own):
            yield from (prompt, answer.text, own or "", *(candidate.text for candidate in answer.candidates))
        case Edit(text=text):
            yield text
        case Statement(text=text) | Proposal(text=text):
            yield text
    yield from _words(slots_of(event))


def measured(events: Sequence[AnyEvent], statements: Iterable[Preference]) -> list[str]:
    """Every text of these that an embedder may have been given, as it was given."""
    texts = [text for event in events for text in texts_of(event)]
    asked = [event.prompt for event in events if isinstance(event, Interaction)]
    texts += (own_words([Message(role="user", content=prompt)]) for prompt in asked)  # recall asks by these
    texts += (text for each in statements for text in (each.text, each.object, each.over, each.scope))
    return list(dict.fromkeys(filter(None, texts)))


def slots_of(event: AnyEvent) -> tuple[Slots, ...]:
    """What it states, as data."""
    match event:
        case Statement(slots=slots):
            return slots or ()
        case Proposal(slots=Slots() as told) | Revision(slots=Slots() as told):
            return (told,)
    return ()


def said_in(event: AnyEvent) -> Iterator[str]:
    """The words with which a statement or proposal was made: the whole, and the part it was read from."""
    if isinstance(event, Statement | Proposal):
        yield from (event.text, *(each.span for each in slots_of(event)))


def holding(words: Iterable[str], events: Iterable[AnyEvent]) -> set[str]:
    """Ids of the events that repeat any of these words, whatever the case and the spaces between them."""
    sought = {plain for each in words if " " in (plain := _plain(each))}  # one word alone proves nothing
    if not sought:
        return set()
    whole = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(sought)))})(?!\w)")
    telling = {max(each.split(), key=len) for each in sought}  # most texts have not even this of it

    def repeats(text: str) -> bool:
        folded = text.casefold()
        return any(word in folded for word in telling) and whole.search(_plain(text)) is not None

    return {event.id for event in events if any(map(repeats, texts_of(event)))}


def _words(slots: Iterable[Slots]) -> Iterator[str]:
    for each in slots:
        yield from filter(None, (each.span, each.object, each.over, each.scope))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!?,;:")
