"""Screens: each gives a text its r_0. Two stand here, normalisation and rules; trained ones join behind the same protocol."""

import math
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from idiolect.boundary.normalise import decoded, normalise
from idiolect.boundary.policy import Category, Context, Policy, Rule, Words
from idiolect.boundary.vocabulary import Hits, Vocabulary
from idiolect.schema import Message

Where = Literal["request", "answer"]
LINE = 0.5  # r_0 of a text whose risk is exactly its category's threshold
WINDOW = 12_000  # characters of each end of a huge text that patterns read; words are read everywhere
MOST_STARTS = 400  # occurrences of a rule's first group that are tried
EARLIER = 0.5  # how much an earlier turn of the person counts
CONTINUED = 0.95  # how much it counts for a newest turn that only makes sense with it
SHORT = 14  # words of a turn that may lean on the one before


@dataclass(frozen=True)
class Finding:
    """What a screen found in one category: risk in [0, 1] and the rule that weighed most."""

    category: str
    risk: float
    rule: str

    def less(self, factor: float) -> "Finding":
        """The same, weighed down."""
        return Finding(self.category, min(1.0, self.risk * factor), self.rule)


class Screen(Protocol):
    """Judges requests and answers. It sees the client's own messages, and nothing that Idiolect added."""

    name: str

    def request(self, messages: Sequence[Message]) -> list[Finding]:
        """What the newest user turn asks for, in the light of the earlier ones."""

    def answer(self, messages: Sequence[Message], answer: str) -> list[Finding]:
        """What an answer gives, in the light of the request."""


def r_0(risk: float, threshold: float) -> float:
    """Risk 0 is 1, risk 1 is 0, the category's threshold is LINE; straight lines between."""
    if risk <= threshold:
        return 1 - (1 - LINE) * risk / threshold
    return LINE * (1 - risk) / (1 - threshold)


@dataclass(frozen=True)
class _Text:
    """A normalised text with its words found."""

    text: str
    hits: Hits

    @property
    def ends(self) -> str:
        if len(self.text) <= 2 * WINDOW:
            return self.text
        return self.text[:WINDOW] + "\n" + self.text[-WINDOW:]


class RulesScreen:
    """The policy's rules: a category's risk is 1 - prod(1 - score) over its rules that match, times the contexts' factors."""

    name = "rules"

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lists: dict[int, tuple[tuple[str, ...], ...]] = {}
        groups: dict[str, tuple[str, ...]] = dict(policy.words)
        rules = [rule for category in policy.category for rule in category.rules]
        for words in [w for rule in rules for w in (rule.words, rule.unless)] + [c.words for c in policy.context]:
            self._lists[id(words)] = _groups(words, groups)
        self._patterns: Mapping[str, re.Pattern[str]] = {r.id: re.compile(r.pattern) for r in rules if r.pattern}
        self._vocabulary = Vocabulary(groups)

    def request(self, messages: Sequence[Message]) -> list[Finding]:
        """The newest user turn counts whole; an earlier one counts half, or nearly whole if the newest leans on it."""
        turns = [message.text for message in messages if message.role == "user"]
        if not turns:
            return []
        newest = self._read(turns[-1])
        found = self._findings(newest, "request")
        if len(turns) > 1:
            found += [finding.less(EARLIER) for turn in turns[-4:-1] for finding in self._findings(self._read(turn), "request")]
            if newest.hits.words <= SHORT and newest.hits.of(["continues"]):
                both = self._read(turns[-2] + "\n" + turns[-1])
                found += [finding.less(CONTINUED) for finding in self._findings(both, "request")]
        return found

    def answer(self, messages: Sequence[Message], answer: str) -> list[Finding]:
        """Rules for answers, over the answer alone."""
        return self._findings(self._read(answer), "answer")

    def _read(self, text: str) -> _Text:
        plain = normalise("\n".join([text, *decoded(text)]))
        return _Text(plain, self._vocabulary.hits(plain))

    def _findings(self, text: _Text, where: Where) -> list[Finding]:
        factors = {c.id: c for c in self._policy.context if c.where in (where, "both") and self._holds(c, text)}
        found = [self._finding(category, text, where, list(factors.values())) for category in self._policy.category]
        return [finding for finding in found if finding is not None]

    def _finding(self, category: Category, text: _Text, where: Where, contexts: Sequence[Context]) -> Finding | None:
        matched = [rule for rule in category.rules if rule.where in (where, "both") and self._matches(rule, text)]
        if not matched:
            return None
        risk = 1 - math.prod(1 - rule.score for rule in matched)
        for context in contexts:
            if not context.categories or category.name in context.categories:
                risk *= context.factor
        return Finding(category.name, min(1.0, risk), max(matched, key=lambda rule: rule.score).id)

    def _holds(self, context: Context, text: _Text) -> bool:
        return bool(_chains(text.hits, self._lists[id(context.words)], context.within, ordered=True))

    def _matches(self, rule: Rule, text: _Text) -> bool:
        if rule.pattern:
            return self._patterns[rule.id].search(text.ends) is not None
        chains = _chains(text.hits, self._lists[id(rule.words)], rule.within, rule.ordered)
        if not rule.unless or not chains:
            return bool(chains)
        barred = [span for groups in self._lists[id(rule.unless)] for span in text.hits.of(groups)]
        return any(not _near(barred, start - 4, end + 4) for start, end in chains)


def _groups(words: Words, groups: dict[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Each item as the groups it may be; a list of words becomes a group named by its content."""
    found: list[tuple[str, ...]] = []
    for item in words:
        if isinstance(item, str):
            found.append(tuple(item.split("|")))
        else:
            name = "|".join(item)
            groups[name] = item
            found.append((name,))
    return tuple(found)


def _chains(hits: Hits, groups: Sequence[tuple[str, ...]], within: int, ordered: bool) -> list[tuple[int, int]]:
    """Stretches of text in which every group occurs, each at most `within` words from the one before."""
    places = [hits.of(names) for names in groups]
    if not all(places):
        return []
    starts = [(start, start, end) for start, end in places[0][:MOST_STARTS]]
    for spans in places[1:]:
        starts = [
            (min(first, start), start, max(last, end))
            for first, place, last in starts
            for start, end in [_next(spans, place, last, within, ordered)]
            if start >= 0
        ]
    return [(first, last) for first, _, last in starts]


def _next(spans: list[tuple[int, int]], place: int, last: int, within: int, ordered: bool) -> tuple[int, int]:
    after = bisect_left(spans, (place, 0))
    if after < len(spans) and spans[after][0] - last <= within:
        return spans[after]
    if not ordered and after and place - spans[after - 1][1] <= within:
        return spans[after - 1]
    return (-1, -1)


def _near(spans: Sequence[tuple[int, int]], first: int, last: int) -> bool:
    return any(start <= last and end >= first for start, end in spans)
