"""The rules screen: a category's risk is 1 - prod(1 - score) over its rules that match, times the contexts' factors.

A text is normalised, the policy's words are found in one pass, and a rule looks only at where they stand: the cost is
linear in the length of the text, whatever the rules are.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias

from idiolect.boundary.normalise import decoded, normalise
from idiolect.boundary.plainly import plainly
from idiolect.boundary.policy import CONTINUES, DECLINES, Category, Context, Policy, Rule, Words
from idiolect.boundary.screens import Finding
from idiolect.boundary.vocabulary import Hits, Span, Vocabulary
from idiolect.schema import Message

Where: TypeAlias = Literal["request", "answer"]
Groups: TypeAlias = tuple[tuple[str, ...], ...]
WINDOW = 12_000  # characters of each end of a huge text that patterns read; words are read everywhere
MOST_STARTS = 400  # occurrences of a rule's rarest group that are tried
SUREST = 0.97  # the most that rules weigh, whatever the contexts
CLOSE = 4  # words around a match in which its `unless` counts
LONGEST_PHRASE = 12  # counted words from its first to its last
EARLIER = 0.5  # how much an earlier turn of the person counts
EARLIER_TURNS = 3
CONTINUED = 0.95  # how much the turn before counts for a newest turn that only makes sense with it
SHORT = 14  # words of a turn that may lean on the one before
CARRIED = 0.9  # how much of the request's risk an answer has that does not decline
DECLINED = 0.3  # how much of its own risk an answer keeps that opens by declining
OPENING = 60  # words in which an answer declines
OVERRIDES = "circumvention"  # in a text that has it, what stands between lines of marks is read on its own
FENCE = re.compile(r"[-=`\"#~*_]{3,}\w*")
MOST_FENCED = 4


@dataclass(frozen=True)
class Text:
    """A normalised text with the policy's words found in it."""

    text: str
    hits: Hits

    @property
    def ends(self) -> str:
        """All of it, or both ends of a huge one."""
        return self.text if len(self.text) <= 2 * WINDOW else f"{self.text[:WINDOW]}\n{self.text[-WINDOW:]}"


class RulesScreen:
    """The policy's rules over words and patterns."""

    name = "rules"

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        rules = [rule for category in policy.category for rule in category.rules]
        inline = [words for rule in rules for words in (rule.words, rule.unless)] + [c.words for c in policy.context]
        lists = {_name(item): item for words in inline for item in words if not isinstance(item, str)}
        self._vocabulary = Vocabulary({**policy.words, **lists})
        self._patterns = {rule.id: re.compile(rule.pattern) for rule in rules if rule.pattern}

    def read(self, messages: Sequence[Message]) -> "RulesReading":
        """The newest user turn counts whole; an earlier one counts half, or nearly whole if the newest leans on it."""
        turns = [message.text for message in messages if message.role == "user"]
        return RulesReading(self, self._asked(turns) if turns else [])

    def text(self, text: str) -> Text:
        """Normalised, with what base64 hides at its end."""
        plain = normalise("\n".join([text, *decoded(text)]))
        return Text(plain, self._vocabulary.hits(plain))

    def findings(self, text: Text, where: Where) -> list[Finding]:
        """One finding for each category of which a rule matches."""
        contexts = [c for c in self._policy.context if c.where in (where, "both") and _holds(c, text.hits)]
        found = (self._finding(category, text, where, contexts) for category in self._policy.category)
        return [finding for finding in found if finding is not None]

    def _asked(self, turns: Sequence[str]) -> list[Finding]:
        newest = self.text(turns[-1])
        found = self.findings(newest, "request")
        if (plain := plainly(newest.text)) is not None:
            found += self.findings(self.text(plain), "request")
        if any(finding.category == OVERRIDES for finding in found):
            for part in islice(_fenced(turns[-1]), MOST_FENCED):
                found += self.findings(self.text(part), "request")
        for turn in turns[-1 - EARLIER_TURNS : -1]:
            found += [finding.times(EARLIER) for finding in self.findings(self.text(turn), "request")]
        if len(turns) > 1 and newest.hits.words <= SHORT and newest.hits.of((CONTINUES,)):
            for both in (f"{turns[-2]}\n{turns[-1]}", f"{turns[-1].rstrip('.?! ')} {turns[-2]}"):
                found += [finding.times(CONTINUED) for finding in self.findings(self.text(both), "request")]
        return found

    def _finding(self, category: Category, text: Text, where: Where, contexts: Sequence[Context]) -> Finding | None:
        matched = [rule for rule in category.rules if rule.where in (where, "both") and self._matches(rule, text)]
        if not matched:
            return None
        factor = math.prod(c.factor for c in contexts if not c.categories or category.name in c.categories)
        soft = factor * (1 - math.prod(1 - rule.score for rule in matched if not rule.firm))
        firm = max(1.0, factor) * (1 - math.prod(1 - rule.score for rule in matched if rule.firm))
        risk = 1 - (1 - min(SUREST, soft)) * (1 - min(SUREST, firm))
        return Finding(category.name, risk, max(matched, key=lambda rule: rule.score).id)

    def _matches(self, rule: Rule, text: Text) -> bool:
        if rule.pattern:
            return self._patterns[rule.id].search(text.ends) is not None
        chains = _chains(text.hits, _groups(rule.words), rule.gaps, ordered=rule.ordered)
        if not rule.unless or not chains:
            return bool(chains)
        barred = sorted(span for groups in _groups(rule.unless) for span in text.hits.of(groups))
        return any(not _near(barred, first - CLOSE, last + CLOSE) for first, last in chains)


class RulesReading:
    """A conversation's request as the rules see it."""

    def __init__(self, screen: RulesScreen, asked: list[Finding]) -> None:
        self._screen, self._asked = screen, asked

    def request(self) -> list[Finding]:
        """What the person asks for."""
        return self._asked

    def answer(self, answer: str) -> list[Finding]:
        """The answer's own risk and most of the request's, as both together; little of either when it declines."""
        text = self._screen.text(answer)
        own = self._screen.findings(text, "answer")
        if any(start < OPENING for start, _ in text.hits.of((DECLINES,))):
            return [finding.times(DECLINED) for finding in own]
        if not text.hits.words:
            return own
        return _together([finding.times(CARRIED) for finding in self._asked], own)

    def draft(self, answer: str) -> list[Finding]:
        """The same: words are read at once."""
        return self.answer(answer)


def _together(asked: Iterable[Finding], own: Iterable[Finding]) -> list[Finding]:
    gravest: dict[str, Finding] = {}
    for finding in asked:
        gravest[finding.category] = max(finding, gravest.get(finding.category, finding), key=lambda f: f.risk)
    for finding in own:
        before = gravest.get(finding.category)
        risk = finding.risk if before is None else 1 - (1 - before.risk) * (1 - finding.risk)
        gravest[finding.category] = Finding(finding.category, risk, finding.rule)
    return list(gravest.values())


def _fenced(text: str) -> Iterator[str]:
    """What stands between two lines of marks."""
    within: list[str] | None = None
    for line in text.split("\n"):
        if FENCE.fullmatch(line.strip()):
            if within:
                yield "\n".join(within)
            within = []
        elif within is not None:
            within.append(line)


def _name(words: Sequence[str]) -> str:
    return ", ".join(words)


def _groups(words: Words) -> Groups:
    """Each item as the groups of words that it may be; a list of words is a group named by its content."""
    return tuple(tuple(item.split("|")) if isinstance(item, str) else (_name(item),) for item in words)


def _holds(context: Context, hits: Hits) -> bool:
    return bool(_chains(hits, _groups(context.words), context.gaps, ordered=True))


def _chains(hits: Hits, groups: Groups, gaps: Sequence[int], *, ordered: bool) -> list[Span]:
    """Stretches of text in which every group occurs, each at most its gap from the one before."""
    places = [hits.of(names) for names in groups]
    if not all(places):
        return []
    starts = [(first, first, last) for first, last in _reachable(places, sum(gaps))]
    for spans, gap in zip(places[1:], gaps, strict=True):
        found = ((first, last, _next(spans, place, last, gap, ordered=ordered)) for first, place, last in starts)
        starts = [(min(first, n[0]), n[0], max(last, n[1])) for first, last, n in found if n is not None]
    return [(first, last) for first, _, last in starts]


def _reachable(places: Sequence[list[Span]], reach: int) -> list[Span]:
    """Spans of the first group near one of the rarest group, of which a bounded number is tried."""
    rarest = min(places, key=len)
    if len(rarest) > MOST_STARTS:
        rarest = rarest[: MOST_STARTS // 2] + rarest[-MOST_STARTS // 2 :]
    if rarest is places[0] or len(places) == 1:
        return rarest
    far = reach + LONGEST_PHRASE * len(places)  # a phrase's own words lie between the gaps
    near: dict[Span, None] = {}
    for first, last in rarest:
        low, high = bisect_left(places[0], (first - far, 0)), bisect_right(places[0], (last + far, 0))
        near.update(dict.fromkeys(places[0][low:high]))
    return sorted(near)


def _next(spans: list[Span], place: int, last: int, gap: int, *, ordered: bool) -> Span | None:
    after = bisect_right(spans, (place, last)) if ordered else bisect_left(spans, (place, 0))
    if after < len(spans) and spans[after][0] - last <= gap:
        return spans[after]
    if not ordered and after and place - spans[after - 1][1] <= gap:
        return spans[after - 1]
    return None


def _near(spans: Sequence[Span], first: int, last: int) -> bool:
    i = bisect_left(spans, (first - LONGEST_PHRASE, 0))
    while i < len(spans) and spans[i][0] <= last:
        if spans[i][1] >= first:
            return True
        i += 1
    return False
