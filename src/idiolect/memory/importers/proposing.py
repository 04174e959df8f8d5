"""From what was found to proposals: the one place where an export's words are read, admitted or refused."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias

from idiolect.errors import BadInput
from idiolect.memory.extraction import admitted, extract, of_oneself, own_words
from idiolect.memory.extraction.topics import sensitive_of, topic_of, topics
from idiolect.memory.importers.found import Found, Left, Remembered, Said
from idiolect.memory.importers.person import as_said
from idiolect.schema import Message, Proposal, Slots

LONGEST = 20_000  # characters of own words in one message; nobody types more at once, so it is a document

NUMBER: Final = re.compile(r"\d[\d,.]*")
BROKEN: Final = re.compile(r"[\ud800-\udfff\ufffd]")


@dataclass(frozen=True)
class Refused:
    """Something that may not be kept: why, where it stood, and its words for the person who imports."""

    why: str
    source: str = ""
    text: str = ""


@dataclass(frozen=True)
class Quiet:
    """A message that says nothing about how the person is or likes things: most of them."""


Outcome: TypeAlias = Proposal | Refused | Quiet


def outcomes(found: Found) -> Iterator[Outcome]:
    """What becomes of it. Nothing that raises BadInput at the door gets through; each says why."""
    match found:
        case Left(why=why):
            yield Refused(why)
        case Said():
            yield from _of_message(found)
        case Remembered():
            yield from _of_memory(found)


def _of_message(said: Said) -> Iterator[Outcome]:
    if BROKEN.search(said.text):
        yield Refused("it has characters that were broken on the way", said.source, said.text)
        return
    text = own_words([Message(role="user", content=said.text)])
    if len(text) > LONGEST:
        yield Refused("a message too long to be one's own words", said.source, text)
        return
    read = extract(text) if text.strip() else ()
    for slots in read:
        yield _proposed(slots.span or slots.object, slots, said)
    if not read:
        yield Quiet()


def _of_memory(entry: Remembered) -> Iterator[Outcome]:
    if BROKEN.search(entry.text):
        yield Refused("it has characters that were broken on the way", entry.source, entry.text)
        return
    refusal = _refusal(entry.text)
    if refusal:
        yield Refused(refusal, entry.source, entry.text)
        return
    said = as_said(entry.text)
    text = said or entry.text
    read = extract(text)
    if (
        said and not read and _is_of_oneself(said)
    ):  # every entry that speaks of the person states something, be it of no form that is known
        read = (Slots(kind="about_me", object=text, topic=topic_of(text), sensitive=sensitive_of(text), span=text),)
    if not read:
        yield Refused("it does not speak of the person", entry.source, entry.text)
    topic = entry.topic if entry.topic in topics() else topic_of(entry.topic)
    for slots in read:
        told = slots.topic or slots.kind == "style"
        yield _proposed(text, slots if told else slots.model_copy(update={"topic": topic}), entry)


def _proposed(text: str, slots: Slots, found: Said | Remembered) -> Outcome:
    shown = (text, slots.span or text, slots.scope or text)  # as the door has it: what a model may be shown
    refusal = next(filter(None, map(_refusal, shown)), "")
    if refusal:
        return Refused(refusal, found.source, text)
    return Proposal(
        id=_identifier(found, text, slots),
        text=text,
        slots=slots,
        origin="import",
        source=found.source,
        said_at=found.when.at,
    )


def _is_of_oneself(text: str) -> bool:
    try:
        of_oneself(text)
    except BadInput:
        return False
    return True


def _refusal(text: str) -> str:
    """Why the door refuses it, without what differs from case to case; "" where it does not."""
    try:
        admitted(text)
    except BadInput as refused:
        return NUMBER.sub("too many", str(refused).partition(":")[0])
    return ""


def _identifier(found: Said | Remembered, text: str, slots: Slots) -> str:
    """The same words from the same place have the same id, so that importing again adds nothing."""
    place = (found.source, found.where, text, slots.kind, slots.object, slots.attribute, slots.polarity)
    return f"imp-{sha256(json.dumps(place).encode()).hexdigest()[:32]}"
