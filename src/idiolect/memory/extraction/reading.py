"""A person's own words as statements in slots, by patterns: no language model, in time proportional to the text."""

import re
from collections.abc import Iterator
from itertools import chain, islice, pairwise
from typing import Final, Literal

from idiolect.features.attributes import ATTRIBUTES
from idiolect.features.embedder import Embedder
from idiolect.memory.extraction.admission import is_for, kind_of
from idiolect.memory.extraction.documents import is_background, without_documents
from idiolect.memory.extraction.englishes import put
from idiolect.memory.extraction.filling import corrects, filled
from idiolect.memory.extraction.frames import hits
from idiolect.memory.extraction.objects import EMPTY, PRONOUN, TEMPORARY, phrase
from idiolect.memory.extraction.openings import opens_clause
from idiolect.memory.extraction.remarks import remarks
from idiolect.memory.extraction.sentences import Sentence, sentences
from idiolect.memory.extraction.style import style_statements, unread
from idiolect.memory.extraction.topics import sensitive_of, topic_of
from idiolect.schema import Slots

BROKEN: Final = re.compile(r"[\ud800-\udfff]")  # half of a character: what holds it is left alone
USED_TO: Final = re.compile(
    r"\bi (?:really )?used to (?P<verb>love|like|enjoy|adore|prefer|eat|drink|hate|dislike|avoid|detest"
    r"|be (?:a fan of|into)) ",
    re.IGNORECASE,
)
LASTING: Final = re.compile(
    r"\b(?:from now on|in (?:the )?future|always|never|every time|going forward|in general|generally|by default"
    r"|whenever|each time|as a rule|for all|stop|no longer|any ?more|your (?:answers|responses|replies|messages"
    r"|explanations)|"
    r"answers|responses|replies|explanations|you (?:use|are|write|give|talk|always)|you're)\b"
    r"|\bi (?:\w+ ){0,2}(?:like|love|prefer|hate|dislike|enjoy|don't like|rather|can't stand|appreciate"
    r"|find) (?!you )\b",
    re.IGNORECASE,
)
ONE_OFF: Final = re.compile(
    r"\b(?:this|it|that) (?:answer|response|time|one|again|text|email|essay|paragraph|summary|story|poem)\b"
    r"|\bmake (?:it|this|that)\b",
    re.IGNORECASE,
)
JOINT: Final = re.compile(
    r"(?:,?\s+(?:and|but|so|plus|also)|,)\s+(?=(?:also\s+)?(?:i|i'(?:m|d|ve|ll)|please|my|keep|give|no|prefer)\b)",
    re.IGNORECASE,
)
UNWANTED: Final = re.compile(
    r"\bi (?:really |definitely |absolutely )?(?:do not|don't|never) want (?=(?:any|an?|pets|animals|anything) )",
    re.IGNORECASE,
)
TASKS: Final = frozenset({"", "technology", "work", "language", "learning", "news"})  # what tasks are about


def extract(text: str, embedder: Embedder | None = None) -> tuple[Slots, ...]:
    """What one message, in a person's own words, says of them; empty where it says nothing that lasts.

    Every span is a substring of the text. The embedder adds remarks that no pattern knows, and names the area of life
    where no word does.
    """
    if is_background(text):
        return ()
    own = put(BROKEN.sub("\n", without_documents(text)))
    found: dict[tuple[str, str], Slots] = {}
    last = ""
    for slots in _said(own.text, embedder):
        named = slots.model_copy(update={"span": own.original(slots.span, text)})
        if PRONOUN.match(slots.object):
            if not last:
                continue
            named = named.model_copy(update={"object": last})
        last = named.object
        key = (named.attribute or "", named.object.casefold())
        found.pop(key, None)  # said again: the last word counts
        found[key] = named
    return tuple(_with_topic(slots, embedder) for slots in found.values())


def stated(text: str, embedder: Embedder | None = None) -> tuple[Slots, ...]:
    """What is told to the memory on purpose: every text says something, at the least itself.

    Wishes about answers count whether or not they are meant to last; so does what `extract` leaves alone.
    """
    found = extract(text, embedder)
    others = tuple(each for each in found if each.kind != "style")
    pieces = (
        chain.from_iterable(map(_apart, _all_sentences(text))) if others else [Sentence(text, 0, is_question=False)]
    )
    wishes = [(piece.text, pair) for piece in pieces for pair in style_statements(piece.text)]
    if wishes:
        return (*(_styled(*pair, words) for words, pair in wishes), *others)
    if found:
        return found
    polarity: Literal[-1, 1] = 1 if is_for(text) else -1
    plain = " ".join(text.split()).rstrip(".!")
    slots = Slots(kind=kind_of(text), object=plain, polarity=polarity, sensitive=sensitive_of(text), span=text.strip())
    return (_with_topic(slots, embedder),)


def _said(own: str, embedder: Embedder | None) -> Iterator[Slots]:
    yield from _style(own)
    others = []
    for sentence in chain.from_iterable(map(_apart, sentences(own))):
        found = [*_changes(sentence, own), *_unwanted(sentence, own), *_framed(sentence, own)]
        yield from found
        if not found:
            others.append(sentence)
    if embedder is not None:
        yield from remarks([each for each in others if not style_statements(each.text)], own, embedder)


def _apart(sentence: Sentence) -> list[Sentence]:
    """As in "I have a nut allergy and I like short answers": a wish about answers, and what is none, each by itself."""
    if not style_statements(sentence.text):
        return [sentence]
    cuts = [(found.start(), found.end()) for found in JOINT.finditer(sentence.text)]
    bounds = pairwise([0, *chain.from_iterable(cuts), len(sentence.text)])
    pieces = [
        Sentence(sentence.text[start:end], sentence.start + start, sentence.is_question)
        for start, end in islice(bounds, 0, None, 2)
    ]
    says_more = any(hits(piece) and not style_statements(piece.text) for piece in pieces)
    return pieces if says_more else [sentence]


def _framed(sentence: Sentence, text: str) -> Iterator[Slots]:
    found = hits(sentence)
    if not found or style_statements(sentence.text):
        return
    ends = [*(hit.start for hit in found[1:]), len(sentence.text)]
    for hit, until in zip(found, ends, strict=True):
        slots = filled(hit, sentence, text, until)
        if slots is not None:
            yield slots


def _unwanted(sentence: Sentence, text: str) -> Iterator[Slots]:
    """As in "I don't want a dog that barks": of a thing of daily life, not of the task at hand."""
    for found in () if sentence.is_question else UNWANTED.finditer(sentence.text):
        cut = phrase(sentence.text[found.end() :], compares=False)
        is_task = topic_of(cut.object) in TASKS or len(cut.object.split()) < 2
        if (
            opens_clause(sentence.text[: found.start()], is_question=False)
            and not is_task
            and not TEMPORARY.search(sentence.text)
        ):
            start = sentence.start + found.start()
            span = text[start : sentence.start + found.end() + cut.length].strip()
            yield Slots(kind="topic", object=cut.object, polarity=-1, strength=0.6, span=span)


def _changes(sentence: Sentence, text: str) -> Iterator[Slots]:
    """As in "I used to love sushi": no longer."""
    found = USED_TO.search(sentence.text)
    if found is None or sentence.is_question:
        return
    cut = phrase(sentence.text[found.end() :], compares=False)
    if cut.object and not EMPTY.match(cut.object):
        disliked = found["verb"].lower() in {"hate", "dislike", "avoid", "detest"}
        start = sentence.start + found.start()
        yield Slots(
            kind="topic",
            object=cut.object,
            polarity=1 if disliked else -1,
            strength=0.4,
            corrects=True,
            span=text[start : sentence.start + found.end() + cut.length],
        )


def _style(own: str) -> Iterator[Slots]:
    """How answers should be, where it is meant for more than the answer at hand."""
    for sentence in chain.from_iterable(map(_apart, _all_sentences(own))):
        pairs = style_statements(sentence.text)
        if not pairs or sentence.is_question or ONE_OFF.search(sentence.text):
            continue
        is_whole = not unread(sentence.text) and not any(unread(other.text) for other in _all_sentences(own))
        forbids = is_whole and re.match(
            r"\W*(?:please\W+)?(?:no|stop|don't|do not|avoid|never|without|skip)\b", sentence.text, re.IGNORECASE
        )
        if not (LASTING.search(sentence.text) or forbids):
            continue
        for attribute, polarity in pairs:
            yield _styled(attribute, polarity, sentence.text)


def _styled(attribute: str, polarity: int, words: str) -> Slots:
    return Slots(
        kind="style",
        object=ATTRIBUTES[attribute].high,
        attribute=attribute,
        polarity=1 if polarity > 0 else -1,
        temporary=TEMPORARY.search(words) is not None,
        corrects=corrects(words),
        span=words.strip(),
    )


def _all_sentences(own: str) -> Iterator[Sentence]:
    place = 0
    for piece in re.split(r"(?<=[.!?;\n])", own[:2000]):
        if piece.strip():
            yield Sentence(piece, place, is_question="?" in piece)
        place += len(piece)


def _with_topic(slots: Slots, embedder: Embedder | None) -> Slots:
    if slots.kind == "style":
        return slots
    topic = topic_of(slots.object) or topic_of(slots.span, embedder)
    return slots.model_copy(update={"topic": topic})
