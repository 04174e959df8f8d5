"""The trained screen: the rules' findings, and what two small heads see in the embeddings (`heads.py`).

It embeds what is embedded anyway, the newest words of the person and each answer, with the embedder that the rest of
the loop uses, which keeps what it has made. What hides behind look-alikes or base64 is read in plain letters besides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from idiolect.boundary.heads import Floats, Heads, sigmoid, words_of
from idiolect.boundary.normalise import decoded, normalise
from idiolect.boundary.plainly import plainly
from idiolect.boundary.policy import Policy
from idiolect.boundary.rules import RulesReading, RulesScreen
from idiolect.boundary.screens import LINE, Finding
from idiolect.errors import FeatureMismatch, PolicyError
from idiolect.features.embedder import Embedder
from idiolect.schema import Message

LONGEST = 12_000  # characters of a text that the heads read whole, by embeddings that the loop makes anyway
PIECE = 600  # characters of a part of a longer one
PIECES = 6  # parts that are embedded: both ends, and those whose words are most suspicious
GRAVE = ("refuse", "helpline")
DECLINED = 0.3  # how much of its risk an answer keeps that declines
CARRIED = 0.75  # how much of the request's risk an answer has that surely doesn't
JOINED_TURNS = 4  # newest turns of the person that are read as one text
JOINED_LONGEST = 600  # characters of a turn that may be a part of a request


@dataclass(frozen=True)
class Seen:
    """A text as the heads read it."""

    vectors: Floats  # (w, dim)
    words: list[list[str]]


@dataclass(frozen=True)
class Asked:
    """A request as the head sees it."""

    logit: float
    finding: Finding


class TrainedScreen:
    """Rules and heads together."""

    name = "trained"

    def __init__(self, policy: Policy, heads: Heads, embedder: Embedder) -> None:
        if heads.about.embedder != embedder.name:
            raise FeatureMismatch(f"the harm heads read {heads.about.embedder}, not {embedder.name}")
        unknown = sorted(set(heads.about.categories) - {each.name for each in policy.category})
        if unknown:
            raise PolicyError(f"the policy lacks the category {unknown[0]!r}, which the harm heads name: add it")
        self._rules, self._heads, self._embedder = RulesScreen(policy), heads, embedder
        self._grave = {each.name for each in policy.category if each.action in GRAVE}

    def read(self, messages: Sequence[Message]) -> "TrainedReading":
        """The rules read every turn of the person; the heads the newest, and the newest few as one text."""
        turns = [each.text for each in messages if each.role == "user"]
        rules = self._rules.read(messages)
        asked = self.asked(turns[-1] if turns else "", rules.request())
        return TrainedReading(self, rules, self._together(turns, asked))

    def _together(self, turns: Sequence[str], newest: "Asked | None") -> "Asked | None":
        """The newest turn's finding, or that of the newest few together: a request may be spread over turns.

        What was harmful alone was judged when it was said, and doesn't make a new subject harmful.
        """
        if newest is None or newest.finding.risk > LINE or len(turns[-1]) > JOINED_LONGEST:
            return newest
        earlier = [turn for turn in turns[-JOINED_TURNS:-1] if len(turn) <= JOINED_LONGEST and self._is_harmless(turn)]
        if not earlier:
            return newest
        text = "\n".join((*earlier, turns[-1]))
        together = self.asked(text, self._rules.findings(self._rules.text(text), "request"))
        self._embedder.forget([text])  # an erasure knows the turns alone
        if together is None or together.finding.risk <= newest.finding.risk:
            return newest
        return Asked(newest.logit, replace(together.finding, rule="request-head over turns"))

    def _is_harmless(self, turn: str) -> bool:
        asked = self.asked(turn, self._rules.findings(self._rules.text(turn), "request"))
        return asked is not None and asked.finding.risk <= LINE

    def asked(self, text: str, found: Sequence[Finding]) -> "Asked | None":
        """What the heads see in a request; nothing in a text without words."""
        others = other_readings(text)
        readings = [self._seen(each) for each in (text, *others) if each.strip()]
        self._embedder.forget(others)  # an erasure knows the text as it was written alone
        if not readings:
            return None
        rules = self._gravest(found)
        logits = [self._heads.request(seen.vectors, seen.words, rules) for seen in readings]
        worst = int(np.argmax(logits))
        category = self._category(readings[worst], found)
        finding = Finding(category, self._heads.risk("request", logits[worst]), "request-head")
        return Asked(logits[worst], finding)

    def given(self, answer: str, asked: "Asked", found: Sequence[Finding]) -> tuple[float, Finding]:
        """How surely an answer gives what was asked, and how harmful it is in the light of that."""
        seen = self._seen(answer)
        logit = self._heads.answer(asked.logit, seen.vectors, seen.words, self._gravest(found))
        gives = float(sigmoid(np.array(-self._heads.declines(seen.vectors, seen.words))))
        return gives, Finding(asked.finding.category, self._heads.risk("answer", logit), "answer-head")

    def _seen(self, text: str) -> Seen:
        read = text if len(text) <= LONGEST else self._suspicious(text)
        if not read.isascii():
            read = read.encode("utf-8", "replace").decode()  # half a pair of surrogates is no text to an embedder
        vectors = self._embedder.windows(read).astype(np.float32)
        if read != text:
            self._embedder.forget([read])
        return Seen(vectors, words_of(read, len(vectors)))

    def _suspicious(self, text: str) -> str:
        """The parts of a huge text that are worth an embedding: every part's words are looked at."""
        parts = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        logits = self._heads.by_words([words_of(part, 1)[0] for part in parts])
        worst = np.argsort(-logits, kind="stable")[: PIECES - 2]
        return "\n".join(parts[place] for place in sorted({0, len(parts) - 1, *worst.tolist()}))

    def _gravest(self, found: Sequence[Finding]) -> float:
        return max((each.risk for each in found if each.category in self._grave), default=0.0)

    def _category(self, seen: Seen, found: Sequence[Finding]) -> str:
        """The rules' where they found one, else the head's."""
        grave = [each for each in found if each.category in self._grave]
        return max(grave, key=lambda each: each.risk).category if grave else self._heads.category(seen.vectors)


class TrainedReading:
    """A conversation's request as rules and heads see it."""

    def __init__(self, screen: TrainedScreen, rules: RulesReading, asked: "Asked | None") -> None:
        self._screen, self._rules, self._asked = screen, rules, asked

    def request(self) -> list[Finding]:
        """What the person asks for."""
        found = self._rules.request()
        return found if self._asked is None else [*found, self._asked.finding]

    def draft(self, answer: str) -> list[Finding]:
        """What the rules see in an answer that is still being written."""
        return self._rules.answer(answer)

    def answer(self, answer: str) -> list[Finding]:
        """What an answer gives; little of it where the answer declines."""
        found = self._rules.answer(answer)
        if self._asked is None or not answer.strip():
            return found
        gives, own = self._screen.given(answer, self._asked, found)
        if gives < 0.5:
            return [each.times(DECLINED) for each in (*found, own)]
        return [*found, self._asked.finding.times(CARRIED * gives), own]


def other_readings(text: str) -> list[str]:
    """What base64 hides, the text in plain letters where it has others or is spaced out, and as it is plainly asked."""
    found = decoded(text)
    plain = normalise(text)
    if (asked := plainly(plain)) is not None:
        found.append(asked)
    if sum(map(len, plain.split())) and plain != " ".join(text.casefold().split()) and _is_odd(text, plain):
        found.append(plain)
    return found


def _is_odd(text: str, plain: str) -> bool:
    """Whether reading in plain letters changes more than marks: a tenth of the letters, or the number of words."""
    before, after = text.casefold().split(), plain.split()
    changed = sum(a != b for a, b in zip(before, after, strict=False))
    return abs(len(before) - len(after)) > 2 or changed > max(1, len(before) // 10)
