"""frames.toml as phrases and patterns."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

Form: TypeAlias = Literal["verb", "be", "have", "act", "impossible", "my", "after", "is"]

WORD: Final = r"[\w'&/-]{1,24}"
UNBENT: Final = re.compile(
    r"am|can|cannot|could|do|does|have|has|had|would|will|must|need|should|was|won't|never|rather|sooner"
)


class Frame(BaseModel):
    """A family of phrases that mean the same; frames.toml says what each field is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Form
    kind: Literal["topic", "constraint", "about_me"]
    polarity: Literal[-1, 1]
    strength: float
    heads: str = ""
    needs: Literal["", "not"] = ""
    is_state: bool = False


class Frames(BaseModel):
    """The whole of frames.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: Mapping[str, str]
    frame: tuple[Frame, ...]


@cache
def words(name: str) -> tuple[str, ...]:
    """A list of [words], longest first."""
    return tuple(sorted(_phrases(_frames().words[name]), key=len, reverse=True))


@cache
def word_pattern(name: str) -> re.Pattern[str]:
    """Any phrase of a list of [words]."""
    return re.compile(rf"\b(?:{any_of(words(name))})\b", re.IGNORECASE)


@cache
def heads(form: Form) -> Mapping[str, Frame]:
    """Each phrase of a form with its frame, longest first."""
    found: dict[str, Frame] = {}
    for frame in _frames().frame:
        for phrase in _phrases(frame.heads) if frame.form == form else ():
            found |= dict.fromkeys(_spellings(phrase), frame)
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def any_of(phrases: Iterable[str]) -> str:
    """A pattern of these phrases in this order; ~ is up to four words."""
    return "|".join(_escaped(phrase) for phrase in phrases)


def bent(phrase: str) -> str:
    """A pattern of a verb with its endings: "hate", "hates", "hated"."""
    first, space, rest = phrase.partition(" ")
    if UNBENT.fullmatch(first) or "'" in first:
        return _escaped(phrase)
    stem = first.removesuffix("e")
    ending = "(?:es|ed|e)" if first.endswith("e") else "(?:e?s|ed)?"
    return f"{re.escape(stem)}{ending}{space}{_escaped(rest)}"


def participle(phrase: str) -> str:
    """As in "avoid any" as "avoiding any"."""
    first, space, rest = phrase.partition(" ")
    return f"{first.removesuffix('e')}ing{space}{rest}"


def frame_of(form: Form, spelt: str) -> tuple[Frame, str]:
    """The frame of a phrase as it was said, and the phrase as the list has it."""
    plain = " ".join(spelt.lower().split())
    known = heads(form)
    if plain in known:
        return known[plain], plain
    for phrase, pattern in _patterns(form):
        if pattern.fullmatch(plain) or (form == "have" and pattern.search(plain)):
            return known[phrase], phrase
    raise LookupError(plain)


@cache
def _patterns(form: Form) -> tuple[tuple[str, re.Pattern[str]], ...]:
    spell = bent if form == "verb" else _escaped
    return tuple(
        (phrase, re.compile(rf"(?:.* )?{spell(phrase)}" if form == "have" else spell(phrase))) for phrase in heads(form)
    )


@cache
def _frames() -> Frames:
    return Frames.model_validate(tomllib.loads((Path(__file__).parent / "frames.toml").read_text(encoding="utf-8")))


def _phrases(text: str) -> Iterator[str]:
    return (" ".join(phrase.lower().split()) for phrase in re.split(r"[,\n]", text) if phrase.strip())


def _spellings(phrase: str) -> Iterator[str]:
    """Two where a word holds a /, or begins with "can't"; one for each of the ills where it names them."""
    if "<ills>" in phrase:
        for ill in words("ills"):
            yield from _spellings(phrase.replace("<ills>", ill))
        return
    if phrase.startswith("can't "):
        yield "cannot " + phrase.removeprefix("can't ")
    parts = phrase.split(" ")
    for place, part in enumerate(parts):
        if "/" in part:
            for spelling in part.split("/"):
                yield from _spellings(" ".join((*parts[:place], spelling, *parts[place + 1 :])))
            return
    yield phrase


def _escaped(phrase: str) -> str:
    return re.escape(phrase).replace(r"\ ", " ").replace(r"\~", "~").replace("~", rf"{WORD}(?: {WORD}){{0,3}}?")
