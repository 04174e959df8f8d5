"""Where in a text the policy's words stand: one pass, each written word looked up once, so cost is linear in length."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from idiolect.boundary.normalise import normalise, spellings

_WORD = re.compile(r"[\w@$!|+€£]*[^\W_](?:'[^\W_]+)?|[.?!;:\n]")
SENTENCE = 5  # how many words the end of a sentence counts for, so that groups rarely meet across it
_KNOWN_WORDS = 50_000  # entries of the lookup cache


@dataclass
class Hits:
    """Where each group of words was found: sorted (start, end) in counted words."""

    spans: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    words: int = 0

    def of(self, groups: Iterable[str]) -> list[tuple[int, int]]:
        """Spans of any of the groups, in order."""
        found = [self.spans[group] for group in groups if group in self.spans]
        return found[0] if len(found) == 1 else sorted(span for spans in found for span in spans)


class Vocabulary:
    """The groups of words that a policy names. `bomb*` stands for any ending; several words make a phrase."""

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self._whole: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        self._stems: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for group, entries in groups.items():
            for entry in entries:
                first, *rest = normalise(entry).split()
                index = self._stems if first.endswith("*") else self._whole
                index[first.rstrip("*")].append((tuple(rest), group))
        self._lengths = sorted({len(stem) for stem in self._stems})
        self._seen: dict[str, tuple[tuple[tuple[str, ...], str], ...]] = {}

    def hits(self, text: str) -> Hits:
        """`text` is normalised already."""
        hits = Hits()
        words: list[str] = []
        places: list[int] = []
        place = 0
        for token in _WORD.findall(text):
            if token in ".?!;:\n":
                place += SENTENCE if token in ".?!\n" else 1
                continue
            words.append(token)
            places.append(place)
            place += 1
        for i, word in enumerate(words):
            for rest, group in self._seen.get(word) or self._look_up(word):
                if not rest or self._follows(words, i + 1, rest):
                    hits.spans[group].append((places[i], places[min(i + len(rest), len(places) - 1)]))
        hits.words = len(words)
        return hits

    def _look_up(self, word: str) -> tuple[tuple[tuple[str, ...], str], ...]:
        found: dict[tuple[tuple[str, ...], str], None] = {}
        for spelling in spellings(word):
            for entry in self._whole.get(spelling, ()):
                found[entry] = None
            for length in self._lengths:
                for entry in self._stems.get(spelling[:length], ()) if len(spelling) >= length else ():
                    found[entry] = None
        if len(self._seen) > _KNOWN_WORDS:
            self._seen.clear()
        self._seen[word] = tuple(found)
        return self._seen[word]

    @staticmethod
    def _follows(words: list[str], i: int, rest: tuple[str, ...]) -> bool:
        return len(words) >= i + len(rest) and all(_is(words[i + j], part) for j, part in enumerate(rest))


def _is(word: str, part: str) -> bool:
    options = spellings(word)
    return any(w.startswith(part[:-1]) for w in options) if part.endswith("*") else part in options
