"""Which area of life a statement is about, by a list of words (topics.toml); whether it is of a special category."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, get_args

from pydantic import BaseModel, ConfigDict

from idiolect.features.embedder import Embedder
from idiolect.schema import Array, Category

WORD: Final = re.compile(r"[^\W_]+(?:['&-][^\W_]+)*")
ENDINGS: Final = ("ing", "ed", "s")
SIBILANT: Final = re.compile(r"(sh|ch|x|ss)es\Z")
LONGEST: Final = 3  # words of a phrase in the list
HEAD_END: Final = re.compile(
    r"\s(?:that|which|who|with|without|containing|involving|made|located|in|of|for|on|at|like|such|from|due|by"
    r"|because|when)\b"
)
HEAD_WEIGHT: Final = 2.0  # of what stands before a relative clause or a preposition: "hotels" in "hotels with a gym"
CENTRAL: Final = 40  # phrases of an area that stand for it
NEAR: Final = 0.3  # cosine of a text to the words of an area, under which no area is named


class Lists(BaseModel):
    """The whole of topics.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topics: Mapping[str, str]
    sensitive: Mapping[Category, str]


def topics() -> tuple[str, ...]:
    """Every area of life."""
    return tuple(_lists().topics)


def topic_of(text: str, embedder: Embedder | None = None) -> str:
    """The area that most words of the text tell, the nearest by the embedder where none does; or ""."""
    votes: dict[str, float] = {}
    head = HEAD_END.split(text, maxsplit=1)[0]
    noun = head.rpartition(" ")[2]
    for part, weight in ((text, 1.0), (head, HEAD_WEIGHT), (noun, HEAD_WEIGHT)):
        _vote(votes, part, weight)
    if votes:
        return max(votes, key=lambda topic: (votes[topic], -topics().index(topic)))
    return "" if embedder is None or not text.strip() else _nearest(text, embedder)


def _vote(votes: dict[str, float], text: str, weight: float) -> None:
    words = [_stem(word) for word in WORD.findall(text.casefold())]
    for start in range(len(words)):
        for length in range(1, min(LONGEST, len(words) - start) + 1):
            for topic in _index().get(" ".join(words[start : start + length]), ()):
                votes[topic] = votes.get(topic, 0) + weight * (2 * length - 1)


def sensitive_of(text: str) -> Category | None:
    """The special category that the text names in so many words."""
    return next(iter(categories_of(text)), None)


def categories_of(text: str) -> tuple[Category, ...]:
    """All special categories that the text names in so many words."""
    plain = text.replace("\u2019", "'")
    return tuple(category for category, pattern in _categories().items() if pattern.search(plain))


@cache
def _lists() -> Lists:
    return Lists.model_validate(tomllib.loads((Path(__file__).parent / "topics.toml").read_text(encoding="utf-8")))


def _split(phrases: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in phrases.split(",") if phrase.strip())


@cache
def _index() -> Mapping[str, tuple[str, ...]]:
    """Stems of a phrase -> the areas that it tells."""
    found: dict[str, tuple[str, ...]] = {}
    for topic, phrases in _lists().topics.items():
        for phrase in _split(phrases):
            key = " ".join(_stem(word) for word in WORD.findall(phrase))
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), topic)))
    return found


def _stem(word: str) -> str:
    """Without a usual ending, where three letters are left: "puppies" and "puppy", "jogging" and "jog"."""
    bare = SIBILANT.sub(r"\1", word) if SIBILANT.search(word) else word
    if bare == word:
        bare = next((word[: -len(end)] for end in ENDINGS if word.endswith(end) and len(word) - len(end) >= 3), word)
    if bare != word and bare[-1] == bare[-2] and bare[-1] not in "ls":
        bare = bare[:-1]
    return bare.removesuffix("ie").removesuffix("y") if len(bare) > 4 else bare


@cache
def _categories() -> Mapping[Category, re.Pattern[str]]:
    lists = _lists().sensitive
    assert set(lists) == set(get_args(Category))
    return {name: re.compile(rf"\b(?:{'|'.join(_split(words))})\b", re.IGNORECASE) for name, words in lists.items()}


def _nearest(text: str, embedder: Embedder) -> str:
    near = _centres(embedder) @ embedder.embed([text])[0]
    best = int(near.argmax())
    return topics()[best] if near[best] >= NEAR else ""


def _centres(embedder: Embedder) -> Array:
    """(topics, dim): each area's words as one vector."""
    if embedder.name not in _KEPT:
        _KEPT[embedder.name] = embedder.embed(
            [", ".join(_split(phrases)[:CENTRAL]) for phrases in _lists().topics.values()]
        )
    return _KEPT[embedder.name]


_KEPT: Final[dict[str, Array]] = {}  # the vectors of the lists, and of nothing that anybody said
