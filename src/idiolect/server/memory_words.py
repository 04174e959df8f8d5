"""A statement as a sentence to the person it is about: "You avoid hotels with a loud nightlife"."""

import re
from collections.abc import Callable
from typing import Final

from idiolect.features.attributes import ATTRIBUTES
from idiolect.schema import Preference

LONGEST: Final = 160  # characters of a sentence in a list

_FIRST: Final = re.compile(r"(?:I\b|my\b|mine\b|we\b|our\b)", re.IGNORECASE)
_SECOND: Final = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)
_TURNS: Final = {
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "we": "you",
    "us": "you",
    "our": "your",
    "ours": "yours",
    "ourselves": "yourselves",
    "am": "are",
}
_WORD: Final = re.compile(r"\b[a-z]+(?:['\N{RIGHT SINGLE QUOTATION MARK}](?:m|ve|d|ll|re))?\b", re.IGNORECASE)
_WAS: Final = re.compile(r"\byou was\b", re.IGNORECASE)


def plain(preference: Preference) -> str:
    """The sentence. Words in the first person are turned to the second; what has none is put together from its slots.

    >>> from idiolect.schema import now
    >>> plain(Preference(id="1", kind="topic", text="I avoid loud hotels when I travel.", at=now()))
    'You avoid loud hotels when you travel'
    """
    said = " ".join(preference.text.split()).rstrip(" .!;,")
    if preference.kind != "style" and preference.origin != "chosen" and _is_of_oneself(said):
        return _cut(_capital(second_person(said)))
    if preference.kind != "style" and preference.object.strip(" .!;,") == said:  # nothing was made out in it
        return _cut(f"You said: \N{LEFT DOUBLE QUOTATION MARK}{said}\N{RIGHT DOUBLE QUOTATION MARK}")
    words = _MAKERS[preference.kind](preference)
    scope = second_person(preference.scope)
    return _cut(_capital(words if not scope or scope in words else f"{words}, {scope}"))


def second_person(text: str) -> str:
    """From "when I travel" to "when you travel"."""
    return _WAS.sub("you were", _WORD.sub(_turned, text))


def _is_of_oneself(said: str) -> bool:
    return bool(_FIRST.match(said)) and not _SECOND.search(said)


def _turned(found: re.Match[str]) -> str:
    word = found[0]
    stem, mark, ending = word.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").partition("'")
    other = _TURNS.get(stem.lower())
    if other is None or stem == "US":
        return word
    return other + mark + ("re" if ending == "m" else ending)


def _style(preference: Preference) -> str:
    attribute = ATTRIBUTES.get(preference.attribute or "")
    if attribute is None:
        return _topic(preference)
    return f"You want {attribute.high if preference.polarity > 0 else attribute.low}"


def _topic(preference: Preference) -> str:
    thing, likes = _thing(preference), preference.polarity > 0
    if preference.origin == "chosen":
        return f"You picked {thing}" if likes else f"You picked something other than {thing}"
    if preference.over:
        other = second_person(preference.over)
        return f"You prefer {thing} to {other}" if likes else f"You like {thing} less than {other}"
    return f"You like {thing}" if likes else f"You don't like {thing}"


def _constraint(preference: Preference) -> str:
    return f"You {'need' if preference.polarity > 0 else 'must do without'} {_thing(preference)}"


def _about_me(preference: Preference) -> str:
    return f"About you: {_thing(preference)}"


def _thing(preference: Preference) -> str:
    return second_person(preference.object or preference.text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


_MAKERS: Final[dict[str, Callable[[Preference], str]]] = {
    "style": _style,
    "topic": _topic,
    "constraint": _constraint,
    "about_me": _about_me,
}
