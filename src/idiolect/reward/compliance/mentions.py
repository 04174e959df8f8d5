"""Whether a text names a thing, and whether it names it only to rule it out ("without nuts", "sugar-free")."""

import re
from functools import cache
from threading import local
from typing import Final, NamedTuple

import Stemmer

TOKEN: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?|[.,;:!?()\n]")
FREE_OF: Final = re.compile(r"\bfree (?:of|from) ")
REACH: Final = 4  # words after a "without" that it still rules out
DENYING: Final = frozenset(
    re.findall(
        r"\S+",
        """no not without never avoid avoids avoiding skip skips skipping excluding except minus lacking zero neither
        nor isn't aren't don't doesn't won't can't free-of instead rather unlike""",
    )
)
PASSING: Final = frozenset(re.findall(r"\S+", "of than a an the any from"))  # they take nothing of the reach
STOPPED: Final = frozenset(
    re.findall(
        r"\S+",
        """a an the any all of in on at to for from with and or but that which who is are be being been was it its my
        your our their this these those some very really too much many more most things thing anything something stuff
        kind kinds type types sort sorts when while by as into about""",
    )
)


class Mentions(NamedTuple):
    """Shares, from 0 to 1, of what a thing is called."""

    named: float
    denied: float  # named only where it is ruled out


class Read(NamedTuple):
    """Stems of a text."""

    said: frozenset[str]
    ruled_out: frozenset[str]


class _Stemmers(local):
    """One stemmer a thread: it is not safe to share. It keeps no words."""

    def __init__(self) -> None:
        self.english = Stemmer.Stemmer("english", 0)


_stemmers = _Stemmers()


def mentions(thing: str, text: str) -> Mentions:
    """How much of what a thing is called stands in a text."""
    return compared(called(thing), read(text))


def compared(wanted: frozenset[str], told: Read) -> Mentions:
    """The same, of what was read before."""
    if not wanted:
        return Mentions(0.0, 0.0)
    named, denied = len(wanted & told.said), len(wanted & told.ruled_out - told.said)
    return Mentions(named / len(wanted), denied / len(wanted))


def called(thing: str) -> frozenset[str]:
    """The stems of the words that say what a thing is; of "food without meat" only that it is food."""
    return read(thing).said - _stopped()


@cache
def _stopped() -> frozenset[str]:
    return frozenset(_stems(sorted(STOPPED)))


def read(text: str) -> Read:
    """The stems that a text says, and those that it rules out."""
    tokens = _tokens(text)
    said: set[str] = set()
    ruled_out: set[str] = set()
    left = 0
    for place, (token, stem) in enumerate(zip(tokens, _stems(tokens), strict=True)):
        if token in DENYING:
            left = REACH
        elif not token[0].isalnum():
            left = 0
        elif left and token not in PASSING:
            ruled_out.add(stem)
            left -= 1
        elif tokens[place + 1 : place + 2] == ["free"]:  # sugar-free, free of is read above
            ruled_out.add(stem)
        else:
            said.add(stem)
    return Read(frozenset(said), frozenset(ruled_out))


def _tokens(text: str) -> list[str]:
    plain = FREE_OF.sub("free-of ", text.lower().replace("\u2019", "'"))
    return [token for part in plain.split() for token in ([part] if part == "free-of" else TOKEN.findall(part))]


def _stems(tokens: list[str]) -> list[str]:
    found: list[str] = _stemmers.english.stemWords(tokens)
    return found
