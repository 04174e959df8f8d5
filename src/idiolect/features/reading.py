"""Reading: one pass over an answer, from which every attribute takes its figure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, pairwise
from math import sqrt

from idiolect.features.words import Word, lists, word

SMOOTHING = 20.0  # words of the typical kind added to every text, so that a rate over one word is no outlier
SENTENCES = 3.0  # likewise sentences

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # written without spaces: each sign counts as a word
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:'[^\W_{_CJK}]+)*")
_FENCE = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_MARKER = re.compile(r"^[ \t]*(?:[-*•+–]|\(?\d{1,2}[.)]|[a-z]\))[ \t]+")
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|etc|vs|mr|mrs|ms|dr|st|no|p\.m|a\.m)\.", re.IGNORECASE)
_END = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]*_]*\s+|(?<=[。！？])")


@dataclass(frozen=True)
class Line:
    """One line of prose that has words: what it is, and its words without a list's marker."""

    text: str
    is_item: bool
    is_numbered: bool


class Reading:
    """A text taken apart. Code in fences is set aside: it is no prose."""

    def __init__(self, text: str) -> None:
        """Find the words; what else an attribute needs is found when it asks."""
        self.text = text.replace("’", "'")
        self.fences: Sequence[str] = _FENCE.findall(self.text) if "```" in text else ()
        self.prose = _FENCE.sub("\n", self.text) if self.fences else self.text
        self.words: list[str] = _WORD.findall(self.prose.lower())
        self.known: list[Word] = [word(each) for each in self.words]
        self.n = len(self.words)

    @cached_property
    def lines(self) -> list[Line]:
        """The lines that hold a word."""
        return [_line(raw) for raw in self.prose.splitlines() if _WORD.search(raw)]

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences; a line's end ends one."""
        plain = (_ABBREVIATION.sub(r"\1", line.text) if "." in line.text else line.text for line in self.lines)
        return [part for line in plain for part in _END.split(line) if part and _WORD.search(part)]

    @cached_property
    def openings(self) -> list[list[str]]:
        """The first three words of each sentence."""
        return [[match.group() for match in islice(_WORD.finditer(s.lower()), 3)] for s in self.sentences]

    @cached_property
    def hits(self) -> Counter[str]:
        """How many words and phrases of each list the text holds."""
        return count(self.words, self.known)

    def rate(self, hits: float, typical: float) -> float:
        """The root of hits per 100 words; `typical` (per 100) is what a text too short to tell is taken to hold."""
        return sqrt((100 * hits + SMOOTHING * typical) / (self.n + SMOOTHING))

    def share(self, hits: float, typical: float) -> float:
        """Hits per word; `typical` is what a text too short to tell is taken to hold."""
        return (hits + SMOOTHING * typical) / (self.n + SMOOTHING)

    def per_sentence(self, hits: float, typical: float) -> float:
        """Hits per sentence, smoothed likewise."""
        return (hits + SENTENCES * typical) / (len(self.sentences) + SENTENCES)


def count(words: Sequence[str], known: Sequence[Word] | None = None) -> Counter[str]:
    """How many words and phrases of each list there are among `words`."""
    table = lists()
    found = Counter(chain.from_iterable(w.lists for w in (known if known is not None else map(word, words)) if w.lists))
    for pair in pairwise(words):
        if pair in table.pairs:
            found.update(table.pairs[pair])
    for triple in zip(words, words[1:], words[2:], strict=False):
        if triple in table.triples:
            found.update(table.triples[triple])
    return found


def words_of(text: str) -> list[str]:
    """The lower-case words of a text."""
    return _WORD.findall(text.lower())


def _line(raw: str) -> Line:
    marker = _MARKER.match(raw)
    if marker is None:
        return Line(raw, is_item=False, is_numbered=False)
    return Line(raw[marker.end() :], is_item=True, is_numbered=any(map(str.isdigit, marker.group())))
