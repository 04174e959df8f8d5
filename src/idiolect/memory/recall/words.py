"""Words as recall compares them: lower case, without marks, stemmed (Porter's English stemmer), stop words apart.

Nothing is kept of a word: it may be a name, which is personal. The stemmer takes half a microsecond a word.
"""

import re
import unicodedata
from functools import cache
from threading import local
from typing import Final

import Stemmer

WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
POSSESSIVE: Final = re.compile(r"['\u2019]s?$")
STOPPED: Final = """
a about after again all also am an and any are as at be because been before being but by can could did do does doing
don't for from get had has have having he her here hers him his how i i'd i'll i'm i've if in into is isn't it it's its
just let let's like me more most my myself no nor not now of off on once only or other our ours out over own please
she should so some such than that that's the their theirs them then there these they this those to too under until up
us very was we were what what's when where which while who whom why will with would you you're your yours
"""


class _Stemmers(local):
    """One stemmer a thread: it is not safe to share. It keeps no words."""

    def __init__(self) -> None:
        self.english = Stemmer.Stemmer("english", 0)


_stemmers = _Stemmers()


@cache
def stop_words() -> frozenset[str]:
    """Words that say nothing of what a text is about."""
    return frozenset(STOPPED.split())


def words(text: str) -> list[str]:
    """The words of a text in lower case, without accents and possessive endings, in order."""
    plain = unicodedata.normalize("NFKD", text).lower()
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark)) if not plain.isascii() else plain
    return [POSSESSIVE.sub("", word).replace("\u2019", "'") for word in WORD.findall(plain)]


def stems(text: str) -> list[str]:
    """The stems of the words that are not stop words, in order, with repeats."""
    stopped = stop_words()
    found: list[str] = _stemmers.english.stemWords([word for word in words(text) if word not in stopped])
    return found
