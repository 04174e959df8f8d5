"""Words: their length, syllables, frequency, and the lists of words.toml that they stand in.

What is worked out for a word is kept, but only for words of the common vocabulary: a name is personal, so it is not.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from math import log10

LONG = 7  # letters
RARE = 4.0  # Zipf: below, a word is met less than 10 times in a million
UNLISTED = 2.7  # Zipf of a word outside the list, which ends at 3
_LATINATE = re.compile(
    r"(?:[ts]ions?|ments?|it(?:y|ies)|[ae]n(?:ce|cy|ces)|i[sz]e[sd]?|i[sz]ing|ives?|ous|ates?|ated|ating|ically|als?|ably|isms?)$"
)
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(r"(?:[^laeiouy]e|[^tdaeiouy]ed|[^sxzcgaeiouyh]es)$")


@dataclass(frozen=True, slots=True)
class Word:
    """What is known of one word; `lists` names those of words.toml that hold it."""

    letters: int
    syllables: int
    is_long: bool
    is_rare: bool
    is_latinate: bool
    lists: tuple[str, ...]


@dataclass(frozen=True)
class Lists:
    """The lists turned round: phrase -> names of the lists that hold it."""

    words: Mapping[str, tuple[str, ...]]
    prefixes: Mapping[str, tuple[str, ...]]
    pairs: Mapping[tuple[str, str], tuple[str, ...]]
    triples: Mapping[tuple[str, str, str], tuple[str, ...]]


@cache
def lists() -> Lists:
    """The word lists of the package, read once."""
    table = tomllib.loads(files("idiolect").joinpath("resources", "words.toml").read_text("utf-8"))
    turned: dict[tuple[str, ...], tuple[str, ...]] = {}
    for key, entries in table.items():
        name = key.removesuffix("_phrases")
        for entry in entries.split() if isinstance(entries, str) else entries:
            phrase = tuple(entry.split())
            if name not in turned.get(phrase, ()):
                turned[phrase] = (*turned.get(phrase, ()), name)
    return Lists(
        words={p[0]: names for p, names in turned.items() if len(p) == 1 and not p[0].endswith("*")},
        prefixes={p[0][:-1]: names for p, names in turned.items() if len(p) == 1 and p[0].endswith("*")},
        pairs={(p[0], p[1]): names for p, names in turned.items() if len(p) == 2},
        triples={(p[0], p[1], p[2]): names for p, names in turned.items() if len(p) == 3},
    )


@cache
def _frequencies() -> Mapping[str, float]:
    """Frequencies of the 29,000 commonest English words."""
    from wordfreq import get_frequency_dict  # a quarter of a second, which `idiolect --help` need not pay

    return get_frequency_dict("en", "small")


def word(text: str) -> Word:
    """What is known of a lower-case word."""
    return _kept(text) if text in _frequencies() else _look_at(text)


@lru_cache(maxsize=32_768)
def _kept(text: str) -> Word:
    return _look_at(text)


def _look_at(text: str) -> Word:
    letters = min(len(text.replace("'", "")), 20)
    if not text.isascii():  # no list and no rule of English speaks of it
        return Word(letters, 1 + letters // 4, letters >= LONG, is_rare=False, is_latinate=False, lists=())
    plain = text.isalpha()
    zipf = log10(_frequencies()[text] * 1e9) if text in _frequencies() else UNLISTED
    return Word(
        letters=letters,
        syllables=_syllables(text[:40]),
        is_long=letters >= LONG,
        is_rare=plain and letters > 2 and zipf < RARE,
        is_latinate=plain and letters >= LONG and _LATINATE.search(text) is not None,
        lists=lists().words.get(text, ()) + _by_prefix(text[:20]),
    )


def _by_prefix(text: str) -> tuple[str, ...]:
    prefixes = lists().prefixes
    return next((prefixes[text[:end]] for end in range(4, len(text) + 1) if text[:end] in prefixes), ())


def _syllables(text: str) -> int:
    """Groups of vowels less a silent last e; right for about nine English words in ten."""
    return max(1, len(_VOWELS.findall(text)) - (_SILENT.search(text) is not None))
