"""A person's own words, told from what stands beside them: quotations, code, pasted documents, background calls.

A message with the role `user` is not yet the person's own words: clients put retrieved text into it, resend the whole
history and ask for titles and tags in the person's name. A client that knows better says so in an `idiolect` field of
the message, `{"own_words": "..."}`, or in parts of the content that carry `"own_words": true`.
"""

import re
from collections.abc import Sequence
from typing import Final

from idiolect.schema import Interaction, Message

LONG_MESSAGE: Final = 2000  # characters; in a longer one only short paragraphs at its two ends are the person's own
LONG_PARAGRAPH: Final = 700  # characters
AFTER_COLON: Final = 200  # characters; what follows "here is the text:" and is longer was pasted
QUOTED_WORDS: Final = 7  # a shorter quotation without a first person is a title
TAGS: Final = (
    "context|document|documents|source|sources|file|files|attachment|attachments|article|text|quote|email|transcript"
)

BACKGROUND: Final = re.compile(
    r"""\A\W*(?:
        (?:\#+\s*)?\**task\**\s*:\**\s*(?:\#*\s*)?
            (?:generate|suggest|analy[sz]e|create|write|provide|determine|you\ are)\b
      | (?:please\s+)?(?:generate|create|write|provide|give|suggest|summari[sz]e|come\ up\ with)\b[^.\n]{0,60}
            \b(?:title|name)\b[^.\n]{0,30}\b(?:chat|conversation|discussion|exchange|dialogue|session)\b
      | summari[sz]e\b[^.\n]{0,60}\b(?:into|as|in)\ an?\b[^.\n]{0,30}\btitle\b
      | (?:given|based\ on)\ the\ (?:following\ |above\ )?(?:conversation|chat\ history)\b[^.\n]{0,60}
            \b(?:rephrase|generate|suggest|determine|rewrite|formulate|create)\b
      | (?:please\s+)?(?:generate|suggest|provide)\b[^.\n]{0,40}\b(?:tags|follow-?up\ questions|search\ quer(?:y|ies))\b
            [^.\n]{0,80}\b(?:chat|conversation|history|user)\b
      | you\ are\ an?\ (?:autocompletion|auto-complete|title[- ]generat\w+|tagging)\b
      | your\ task\ is\ to\ (?:reflect\ the\ speaker|generate\ (?:a\ )?(?:concise\ |short\ )?(?:title|tags|search))
      | (?:detect|determine|identify)\ the\ (?:detected\ )?language\ (?:of|and)\b
      | (?:progressively\ )?summari[sz]e\ the\ (?:lines\ of\ )?conversation\b
      | use\ the\ following\ (?:pieces\ of\ )?context\b | respond\ to\ the\ user\ query\ using\ the\ provided\ context
    )""",
    re.IGNORECASE | re.VERBOSE,
)
HISTORY: Final = re.compile(r"</?chat_history>|</?conversation_history>|\n#+ ?chat history\b", re.IGNORECASE)
FENCE: Final = re.compile(r"```|~~~")
BOUNDED: Final = re.compile(rf"<({TAGS})\b[^<>\n]{{0,80}}>", re.IGNORECASE)
QUOTED_LINE: Final = re.compile(r"^[ \t]{0,3}(?:>|\|)[^\n]*", re.MULTILINE)
SPEAKER: Final = re.compile(
    r"^[ \t]{0,3}(?!I\b)[A-Z][\w.'-]{0,20}(?: [A-Z0-9][\w.'-]{0,20}){0,2}: (?=\S)", re.MULTILINE
)
OWN_LABEL: Final = re.compile(
    r"\W*(?:me|myself|about me|note|ps|p\.s|btw|fyi|diet|allergies|budget|preferences?|my \w+|context|background|"
    r"edit|update|correction|reminder|hi|hello|hey|question|also|important|remember)\W*\Z",
    re.IGNORECASE,
)
QUOTES: Final = re.compile(
    r"\"[^\"\n]{2,2000}\"|\u201c[^\u201c\u201d\n]{2,2000}\u201d|\u00ab[^\u00ab\u00bb\n]{2,2000}\u00bb"
)
FIRST_PERSON: Final = re.compile(r"\b(?:i|i['\u2019](?:m|ve|d|ll)|me|my|we|our)\b", re.IGNORECASE)
PARAGRAPH: Final = re.compile(r"[^\n](?:[^\n]|\n(?![ \t]*\n))*")
CODE_LINE: Final = re.compile(
    r"^(?:[ \t]*(?=\S)(?:(?:def|class|import|from|return|const|let|var|public|private|static|function|for|while"
    r"|if|else|elif"
    r"|try|catch|SELECT|INSERT|UPDATE|package|using|#include|@\w+)\b[^\n]*[;:{}()=][^\n]*|</?\w[^\n]*>[ \t]*)"
    r"|[^\n]*[;{}][ \t]*)$",
    re.MULTILINE,
)


def own_words(messages: Sequence[Message]) -> str:
    """The newest user turn without quotations, code and pasted text; "" for a background call, or where none is."""
    newest = next((message for message in reversed(messages) if message.role == "user"), None)
    if newest is None:
        return ""
    marked = _marked(newest)
    return words_of(newest.text) if marked is None else marked


def words_of(text: str) -> str:
    """The same of a text of which the client said nothing: the lines that have words of the person's own."""
    if is_background(text):
        return ""
    lines = (line.strip() for line in without_documents(text).split("\n"))
    return "\n".join(line for line in lines if line)


def words_of_turn(event: Interaction) -> str:
    """The same of a turn that is kept."""
    return words_of(event.prompt) if event.own is None else event.own.strip()


def marked_words(messages: Sequence[Message]) -> str | None:
    """What the client says are the person's own words in the newest user turn; None where it says nothing."""
    newest = next((message for message in reversed(messages) if message.role == "user"), None)
    return None if newest is None else _marked(newest)


def is_background(text: str) -> bool:
    """Whether a program asks for a title, tags, follow-up questions or the like in the person's name."""
    head = text[:1000]
    return BACKGROUND.search(head) is not None or HISTORY.search(text) is not None


def without_documents(text: str) -> str:
    """The text, as long as before, with line ends in place of what is not the person's own words."""
    whole = text.strip()
    if len(whole) <= LONG_PARAGRAPH and QUOTES.fullmatch(whole):
        return text  # all of it in quotation marks: nothing beside it says that somebody else is quoted
    shown = _without_fences(text)
    shown = QUOTED_LINE.sub(_blank, shown)
    shown = _without_bounded(shown)
    shown = CODE_LINE.sub(_blank, shown)
    shown = QUOTES.sub(_unless_title, shown)
    return _without_pastes(shown)


def _marked(message: Message) -> str | None:
    """What the client says are the person's own words, or None."""
    extra = message.model_extra or {}
    told = extra.get("idiolect")
    if isinstance(told, dict) and isinstance(told.get("own_words"), str):
        return str(told["own_words"])
    if isinstance(message.content, list) and any("own_words" in part for part in message.content):
        own = (part for part in message.content if part.get("own_words") is True and part.get("type") == "text")
        return "\n".join(str(part.get("text", "")) for part in own)
    return None


def _blank(found: re.Match[str]) -> str:
    return "\n" * len(found[0])


def _unless_title(found: re.Match[str]) -> str:
    inside = found[0][1:-1]
    is_title = len(inside.split()) <= QUOTED_WORDS and not FIRST_PERSON.search(inside)
    return found[0] if is_title else _blank(found)


def _without_fences(text: str) -> str:
    """An opened fence that never closes runs to the end."""
    marks = [found.start() for found in FENCE.finditer(text)]
    shown, place = [], 0
    for start, end in zip(marks[::2], [*(mark + 3 for mark in marks[1::2]), len(text)], strict=False):
        shown += [text[place:start], "\n" * (end - start)]
        place = end
    return "".join((*shown, text[place:]))


def _without_bounded(text: str) -> str:
    """Without what stands between tags such as <document> and </document>."""
    shown, place = [], 0
    lowered = text.casefold() if len(text.casefold()) == len(text) else text
    for opened in BOUNDED.finditer(text):
        if opened.start() < place:
            continue
        closing = f"</{opened[1].casefold()}>"
        closed = lowered.find(closing, opened.end())
        end = len(text) if closed < 0 else closed + len(closing)
        shown += [text[place : opened.start()], "\n" * (end - opened.start())]
        place = end
    return "".join((*shown, text[place:]))


def _without_pastes(text: str) -> str:
    """Without long blocks, transcripts, and what follows an announcement that ends in a colon."""
    paragraphs = [(found.start(), found.end()) for found in PARAGRAPH.finditer(text)]
    ends = {0, len(paragraphs) - 1}
    is_long = len(text.strip()) > LONG_MESSAGE
    pieces, place, is_announced = [], 0, False
    for number, (start, end) in enumerate(paragraphs):
        block = text[start:end]
        is_pasted = is_announced or len(block) > LONG_PARAGRAPH * 2 or _is_transcript(block)
        is_pasted = is_pasted or (is_long and (number not in ends or len(block) > LONG_PARAGRAPH))
        if is_pasted:
            pieces += [text[place:start], "\n" * (end - start)]
            place = end
        is_announced = is_announced or (block.rstrip().endswith(":") and len(text) - end > AFTER_COLON)
    return "".join((*pieces, text[place:]))


def _is_transcript(block: str) -> bool:
    labels = [found[0] for found in SPEAKER.finditer(block)]
    return bool(labels) and not any(OWN_LABEL.match(label) for label in labels)
