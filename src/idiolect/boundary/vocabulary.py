"""Where in a text the policy's words stand: one pass, each different word looked up once, so cost is linear."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from idiolect.boundary.normalise import normalise, spellings

START = "start"  # a group that every policy has: the place before the first word of a sentence
_WORD = re.compile(r"[\w@$!|+€£~]*[^\W_]~?(?:'[^\W_]+)?\^?|[.?!;:\n]")
_WORD_OF_ENTRY = re.compile(r"[^\W_](?:[^\W_]|~)*(?:'[^\W_]+)?\*?")
_MARKS = {".": 5, "?": 5, "!": 5, "\n": 5, ";": 1, ":": 1}  # words that each counts for: groups rarely meet across it
FEWEST_LETTERS = 3  # before a star
_MOST_KNOWN = 20_000  # forms of the policy's words that are remembered

Span: TypeAlias = tuple[int, int]


def words_of(entry: str) -> list[str]:
    """The words of a policy's entry, normalised, with their stars."""
    return _WORD_OF_ENTRY.findall(normalise(entry))


class Phrase(NamedTuple):
    """The words after the first, and the group that the whole belongs to."""

    rest: tuple[str, ...]
    group: str


class Meaning(NamedTuple):
    """What one word can be: groups it stands for alone, and phrases that it opens, by their second word."""

    groups: tuple[str, ...]
    phrases: Mapping[str, Sequence[Phrase]]
    opens: bool  # whether there is any phrase; a second word with a star is kept by its first letters

    def opened_by(self, second: str, written: dict[str, tuple[str, ...]]) -> Sequence[Phrase]:
        """The phrases that may go on with this word. `written` keeps the spellings of the text's words."""
        if second.isalpha():
            whole, stem = self.phrases.get(second, ()), self.phrases.get(f"{second[:FEWEST_LETTERS]}*", ())
            return [*whole, *stem] if stem else whole
        words = written.get(second) or written.setdefault(second, spellings(second))
        keys = [key for word in words for key in (word, f"{word[:FEWEST_LETTERS]}*")]
        return [phrase for key in keys for phrase in self.phrases.get(key, ())]


@dataclass
class Hits:
    """Where each group of words was found: sorted spans in counted words."""

    spans: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    words: int = 0
    _merged: dict[tuple[str, ...], list[Span]] = field(default_factory=dict)

    def of(self, groups: tuple[str, ...]) -> list[Span]:
        """Spans of any of the groups, in order."""
        if groups not in self._merged:
            found = [self.spans[group] for group in groups if group in self.spans]
            self._merged[groups] = found[0] if len(found) == 1 else sorted(span for spans in found for span in spans)
        return self._merged[groups]


class Vocabulary:
    """The groups of words that a policy names. `bomb*` stands for any ending; several words make a phrase."""

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self._whole: dict[str, list[Phrase]] = defaultdict(list)
        self._stems: dict[str, list[Phrase]] = defaultdict(list)
        for group, entries in groups.items():
            for entry in entries:
                first, *rest = words_of(entry)
                index = self._stems if first.endswith("*") else self._whole
                index[first.rstrip("*")].append(Phrase(tuple(rest), group))
        self._lengths = sorted({len(stem) for stem in self._stems})
        self._openings = {entry[:5] for entry in (*self._whole, *self._stems)}  # most words are passed over by these
        self._beginnings = {stem[:FEWEST_LETTERS] for stem in self._stems}
        self._short = {stem for stem in self._stems if len(stem) < 5}
        self._known: dict[str, Meaning] = {}  # only forms of the policy's own words: nothing of what people say is kept

    def hits(self, text: str) -> Hits:
        """`text` is normalised already."""
        words, places, starts = _counted(text)
        hits = Hits(words=len(words))
        hits.spans[START] = starts
        meanings = self._meanings(set(words))
        last = len(words) - 1
        written: dict[str, tuple[str, ...]] = {}
        for i, meaning in enumerate(map(meanings.get, words)):
            if meaning is None:
                continue
            for group in meaning.groups:
                hits.spans[group].append((places[i], places[i]))
            if meaning.opens and i < last:
                for rest, group in meaning.opened_by(words[i + 1], written):
                    if _follows(words, i + 1, rest):
                        hits.spans[group].append((places[i], places[i + len(rest)]))
        return hits

    def _meanings(self, words: set[str]) -> dict[str, Meaning]:
        found: dict[str, Meaning] = {}
        openings, short = self._openings, self._short
        for word in words:
            meaning = self._known.get(word)
            if meaning is None and (
                word[:5] in openings or word[:4] in short or word[:3] in short or not word.isalpha()
            ):
                meaning = self._look_up(word)
            if meaning is not None:
                found[word] = meaning
        return found

    def _look_up(self, word: str) -> Meaning | None:
        found: list[Phrase] = []
        for spelling in spellings(word):
            found += self._whole.get(spelling, ())
            if spelling[:FEWEST_LETTERS] not in self._beginnings:
                continue
            for length in self._lengths:
                if entries := self._stems.get(spelling[:length]):
                    found += entries
                if length >= len(spelling):
                    break
        if not found:
            return None
        meaning = _meaning(dict.fromkeys(found))
        if len(self._known) < _MOST_KNOWN:
            self._known[word] = meaning
        return meaning


def _meaning(found: Iterable[Phrase]) -> Meaning:
    phrases: dict[str, list[Phrase]] = defaultdict(list)
    for phrase in found:
        if phrase.rest:
            second = phrase.rest[0]
            phrases[f"{second[:FEWEST_LETTERS]}*" if second.endswith("*") else second].append(phrase)
    groups = tuple(dict.fromkeys(phrase.group for phrase in found if not phrase.rest))
    return Meaning(groups, dict(phrases), bool(phrases))


def _counted(text: str) -> tuple[list[str], list[int], list[Span]]:
    """The words, the place of each (ends of sentences count as several), and the places before first words."""
    words: list[str] = []
    places: list[int] = []
    starts: list[Span] = []
    place, opens = 0, True
    for token in _WORD.findall(text):
        mark = _MARKS.get(token)
        if mark is not None:
            place += mark
            opens = opens or mark > 1
            continue
        if opens:
            starts.append((place - 1, place - 1))
            opens = False
        words.append(token)
        places.append(place)
        place += 1
    return words, places, starts


def _follows(words: Sequence[str], i: int, rest: Sequence[str]) -> bool:
    if len(rest) == 1:
        return _is(words[i], rest[0])
    return i + len(rest) <= len(words) and all(map(_is, words[i : i + len(rest)], rest))


def _is(word: str, part: str) -> bool:
    if word == part:
        return True
    options = spellings(word)
    return any(w.startswith(part[:-1]) for w in options) if part.endswith("*") else part in options
