"""The boundary: r_0(x, y) >= tau. It judges the client's own messages and the answer, and never sees a profile."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from idiolect.boundary import heads
from idiolect.boundary import policy as policies
from idiolect.boundary.layering import on_top
from idiolect.boundary.policy import Category, Policy
from idiolect.boundary.rules import RulesScreen
from idiolect.boundary.screens import Finding, Reading, Screen, r_0
from idiolect.boundary.stream import StreamScreen
from idiolect.boundary.trained import TrainedScreen
from idiolect.features.embedder import Embedder
from idiolect.schema import Message, Verdict

__all__ = ["Boundary", "StreamScreen", "open_boundary"]


class Boundary:
    """What may be asked and what may be answered, for everyone alike."""

    def __init__(self, policy: Policy, embedder: Embedder | None = None, screens: Sequence[Screen] = ()) -> None:
        """With an embedder the shipped heads judge beside the rules; `screens` stand in place of both."""
        self.policy = policy
        self._embedder = embedder
        trained = heads.shipped() if embedder is not None and not screens else None
        if embedder is not None and trained is not None:
            screens = (TrainedScreen(policy, trained, embedder),)
        self._screens = tuple(screens) or (RulesScreen(policy),)
        self._categories = {category.name: category for category in policy.category}
        self.version = f"{policy.version}, {f'heads {trained.version}' if trained else 'rules only'}"

    @classmethod
    def shipped(cls, embedder: Embedder | None = None) -> Self:
        """The boundary that comes with Idiolect; without an embedder its rules alone."""
        return cls(policies.shipped(), embedder)

    @classmethod
    def from_file(cls, path: str | Path, embedder: Embedder | None = None) -> Self:
        """The shipped policy with an operator's file on top of it. Raises PolicyError."""
        return cls(on_top(policies.shipped(), Path(path)), embedder)

    @property
    def tau(self) -> float:
        """Answers with r_0 below it are not admitted."""
        return self.policy.tau

    def judge_request(self, messages: Sequence[Message]) -> Verdict:
        """The verdict on what the person asks; only the client's own messages go in."""
        return self._verdict(finding for reading in self._read(messages) for finding in reading.request())

    def judge_answer(self, messages: Sequence[Message], answer: str) -> Verdict:
        """The verdict on one answer, in the light of the request."""
        return self._judged(self._read(messages), answer)

    def admit(self, messages: Sequence[Message], answers: Sequence[str]) -> list[Verdict]:
        """One verdict for each answer, in order; `admits` says of each whether it may be chosen."""
        readings = self._read(messages)
        return [self._judged(readings, answer) for answer in answers]

    def admits(self, verdict: Verdict) -> bool:
        """Whether r_0 >= tau."""
        return verdict.score >= self.tau

    def stream_screen(self, messages: Sequence[Message]) -> StreamScreen:
        """A screen for one answer that is shown while it is written."""
        readings = self._read(messages)

        def draft(text: str) -> Verdict:
            return self._verdict(finding for reading in readings for finding in reading.draft(text))

        beginnings = list[str]()

        def judge(text: str) -> Verdict:
            verdict = self._judged(readings, text)
            if self._embedder is not None and text not in beginnings:
                self._embedder.forget(beginnings)  # an erasure knows the whole answer alone
                beginnings[:] = [text]
            return verdict

        return StreamScreen(draft, judge, self.admits, self._ending)

    def refusal(self, verdict: Verdict) -> str:
        """What is said in the model's place: polite, and it names what may be asked instead."""
        category = self._categories.get(verdict.category or "")
        if category is None:
            return "I'd rather not answer that as it stands. Could you put it another way, or say what it is for?"
        if category.action == "helpline":
            return f"{self.policy.helpline} {category.instead}"
        return f"Sorry, I can't help with {category.title}. {category.instead}"

    def note(self, verdict: Verdict) -> str:
        """What is added to an answer that needs care; nothing for any other."""
        category = self._categories.get(verdict.category or "")
        return category.instead if category is not None and verdict.action == "care" else ""

    def _ending(self, verdict: Verdict) -> str:
        return f"\n\nI stopped here, because this answer was going beyond what I may say. {self.refusal(verdict)}"

    def _read(self, messages: Sequence[Message]) -> list[Reading]:
        return [screen.read(messages) for screen in self._screens]

    def _judged(self, readings: Sequence[Reading], answer: str) -> Verdict:
        return self._verdict(finding for reading in readings for finding in reading.answer(answer))

    def _verdict(self, findings: Iterable[Finding]) -> Verdict:
        version = self.version
        verdicts = [self._of(finding, self._categories[finding.category], version) for finding in findings]
        return min(verdicts, key=lambda verdict: verdict.score, default=Verdict(score=1.0, policy_version=version))

    def _of(self, finding: Finding, category: Category, version: str) -> Verdict:
        score = r_0(finding.risk, category.threshold)
        acts = score < self.tau
        if category.action in ("care", "allow"):
            score = max(score, self.tau)
        return Verdict(
            score=round(score, 4),
            action=category.action if acts else "allow",
            category=finding.category,
            rule=finding.rule,
            policy_version=version,
        )


def open_boundary(policy: str | Path | None, embedder: Embedder | None) -> Boundary:
    """The boundary in force: an operator's file on top of the shipped policy, heads where there is an embedder."""
    return Boundary.shipped(embedder) if policy is None else Boundary.from_file(policy, embedder)
