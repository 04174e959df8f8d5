"""Entries of other systems' memories speak of "the user": read as the person would say them.

"The user's dog is called Rex" -> "My dog is called Rex"; "Prefers short answers" -> "I prefer short answers".
Only the subject and the verbs that belong to it change; where that is not sure, the words stay as they are.
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

SUBJECT: Final = re.compile(r"(?:the\s+)?users?\s+(?=[a-z])", re.IGNORECASE)
POSSESSOR: Final = re.compile(r"(?:the\s+)?user's\s+", re.IGNORECASE)
INNER: Final = re.compile(r"\b(?:the|this)\s+user's\b", re.IGNORECASE)
FIRST: Final = re.compile(r"(?:i|i'(?:m|ve|d|ll)|my|mine|we|our|me)\b", re.IGNORECASE)
BASES: Final = {"is": "am", "has": "have", "does": "do", "goes": "go", "was": "was"}
NEGATED: Final = {"isn't": "am not", "doesn't": "don't", "hasn't": "haven't"}


def as_said(entry: str) -> str | None:
    """The entry as the person would say it; None where it does not speak of them."""
    text = entry.strip().replace("\u2019", "'")
    if FIRST.match(text):
        return text
    if (found := POSSESSOR.match(text)) is not None:
        return INNER.sub("my", "My " + text[found.end() :])
    if (found := SUBJECT.match(text)) is not None:
        return _subject(text[found.end() :])
    return _without_subject(text)


def _without_subject(text: str) -> str | None:
    """Prefers tea, interested in chess, name is Sam."""
    uncapitalised = text[:1].lower() + text[1:]
    if _beginning("verbs").match(text):
        return _subject(text)
    if _beginning("states").match(text):
        return f"I am {uncapitalised}"
    is_named = _beginning("names").match(text) and re.search(r"\b(?:is|are|was|include)\b", text)
    return INNER.sub("my", f"My {uncapitalised}") if is_named else None


def _subject(predicate: str) -> str | None:
    """What follows "the user", who is "I": perhaps adverbs, then a verb."""
    rest, adverbs = predicate.split(" "), list[str]()
    while len(rest) > 1 and rest[0].lower() in _words()["adverbs"]:
        adverbs.append(rest.pop(0).lower())
    verb = _verb(rest[0].lower())
    if verb is None:
        return None
    said = ["I", verb, *adverbs, *rest[1:]] if verb == "am" else ["I", *adverbs, verb, *rest[1:]]
    return _coordinated().sub(lambda also: also[1] + base(also[2]), INNER.sub("my", " ".join(said)))


def _verb(word: str) -> str | None:
    """As it is said of oneself; None for what is no verb: "user interface ..." is not of a person."""
    if word in _words()["spoken"]:
        return None
    if word in _words()["unchanged"] or word.endswith("ed"):
        return word
    return base(word) if word in _words()["verbs"] or (word.isalpha() and word.endswith("s")) else None


def base(verb: str) -> str:
    """likes -> like, studies -> study, watches -> watch, is -> am."""
    known = NEGATED.get(verb) or BASES.get(verb)
    if known:
        return known
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    return verb[:-2] if verb.endswith(("sses", "shes", "ches", "xes", "zzes")) else verb.removesuffix("s")


@cache
def _words() -> dict[str, frozenset[str]]:
    text = (Path(__file__).parent / "person.toml").read_text(encoding="utf-8")
    lists = TypeAdapter(dict[str, str]).validate_python(tomllib.loads(text))
    return {name: frozenset(words.split()) for name, words in lists.items()}


@cache
def _beginning(kind: str) -> re.Pattern[str]:
    """Adverbs, then one of the words of this kind."""
    return re.compile(rf"(?:(?:{_any('adverbs')})\s+)*(?:{_any(kind)})\b", re.IGNORECASE)


@cache
def _coordinated() -> re.Pattern[str]:
    """Another verb of the same subject: the words before it, and the verb."""
    return re.compile(rf"((?:\b(?:and|but|or)|,)\s+(?:(?:{_any('adverbs')})\s+)*)({_any('coordinate')})\b")


def _any(kind: str) -> str:
    return "|".join(sorted(_words()[kind]))
