"""Sentences in which a person can speak of themselves: without tasks, fiction, and what is merely supposed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 600  # characters; nobody says what they like in a longer sentence
END: Final = re.compile(r"[.!?\u2026]+(?=[\s\"')\]]|$)|[;\n]|\s[\u2013\u2014-]+\s")
NO_END: Final = re.compile(r"\b(?:e\.g|i\.e|vs|mr|mrs|dr|approx|u\.s|a\.m|p\.m)\Z", re.IGNORECASE)
FIRST: Final = re.compile(
    r"(?<!\w)(?:i|i'(?:m|ve|d|ll)|im|me|my|mine|we|we're|we've|not an?|not into|not keen|big fan|huge fan"
    r"|allergic|can't stand)(?!\w)",
    re.IGNORECASE,
)
POLITE: Final = (
    r"(?:please|pls|kindly|now|then|ok|okay|hi|hello|hey|so|and|also|can you|could you|would you|will you"
    r"|i want you to|i need you to"
    r"|i would like you to|i'd like you to|help me(?: to)?|let's|try to|your task is to|you should|you must)"
)
# A work of fiction, a part to play, or a text to work on: what follows is not about the person.
FICTION: Final = re.compile(
    r"\b(?:role-?play\w*|pretend|imagine|suppose|supposing|assume (?:that )?(?:i|you|we)|hypothetical\w*"
    r"|in this scenario|let's say"
    r"|you (?:are|will be|'re) (?:an?|the|my|now)\b|you're (?:an?|the|my|now)\b|act (?:as|like)"
    r"|from now on,? you|i want you to (?:act|be|play|pretend)"
    r"|as if (?:i|you|we) (?:were|was|had|am)|from the (?:perspective|point of view|viewpoint) of"
    r"|in the (?:voice|style|persona) of"
    r"|play the (?:role|part)|your (?:name|character|persona|role) is|fill in the blanks?)\b",
    re.IGNORECASE,
)
WRITING: Final = re.compile(
    rf"^\W*(?:{POLITE}[\s,]+){{0,4}}(?:write|compose|draft|generate|create|make up|tell|continue|complete"
    rf"|finish|invent|produce|craft)\b"
    r"[^\n]{0,80}?\b(?:story|stories|tale|poem|song|lyrics|rap|haiku|limerick|novel|fan ?fic\w*|fiction|scene"
    r"|script|dialog(?:ue)?|monologue|"
    r"conversation|play|skit|sketch|character|diary|journal|joke|speech|essay|letter|email|e-mail|message|text"
    r"|tweet|post|review|article|paragraph|"
    r"cover letter|bio|introduction|statement|testimonial|sentence|sentences|prompt|reply|response|answer)\b",
    re.IGNORECASE,
)
WORKING: Final = re.compile(
    rf"^\W*(?:{POLITE}[\s,]+){{0,4}}(?:translate|rewrite|re-?write|rephrase|paraphrase|reword|proofread"
    rf"|summari[sz]e|correct|edit|fix|improve|check|polish|shorten|"
    r"classify|label|annotate|analy[sz]e|parse|extract|convert|repeat|answer the following|respond to|reply to"
    r"|continue|complete|spell-?check|debug|explain|grade)\b",
    re.IGNORECASE,
)
TEXT_COMES: Final = re.compile(
    r"\b(?:this|the following|following|below|these|it|sentence|sentences|text|paragraph|email|letter|passage"
    r"|code)\b",
    re.IGNORECASE,
)
SUPPOSED: Final = re.compile(
    r"^\W*(?:(?:and|but|so|ok|well)\W+)?(?:if i (?:were|was|had|could|didn't|don't|am|like|love|hate)"
    r"|if we (?:were|had)|say i|let us say|what if|as though|i wish|i used to wish"
    r"|once upon|in my (?:story|novel|book|game|dream)|the (?:user|customer|client|character|narrator|speaker"
    r"|person|patient)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sentence:
    """A piece of a text: text[start:end]."""

    text: str
    start: int
    is_question: bool


def sentences(text: str) -> Iterator[Sentence]:
    """Those in which the person can be speaking of themselves."""
    for sentence in _split(text):
        shown = sentence.text
        if FICTION.search(shown):
            before = shown[: FICTION.search(shown).start()]  # type: ignore[union-attr]  # found the line before
            if len(before) > 8 and FIRST.search(before):
                yield Sentence(before, sentence.start, is_question=False)
            return
        if WRITING.match(shown):
            if ":" in shown:
                return
            continue
        if WORKING.match(shown):
            if TEXT_COMES.search(shown) or ":" in shown:
                return
            continue
        if len(shown) <= LONGEST and FIRST.search(shown) and not SUPPOSED.match(shown):
            yield sentence


def _split(text: str) -> Iterator[Sentence]:
    start = 0
    for found in END.finditer(text):
        if found[0] == "." and NO_END.search(text, max(0, found.start() - 8), found.start()):
            continue
        if text[start : found.start()].strip():
            yield Sentence(text[start : found.start()], start, is_question="?" in found[0])
        start = found.end()
    if text[start:].strip():
        yield Sentence(text[start:], start, is_question=False)
