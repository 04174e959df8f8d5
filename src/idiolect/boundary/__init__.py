"""The boundary: r_0(x, y) >= tau. It judges the client's own messages and the answer, and never sees a profile."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from idiolect.boundary import heads
from idiolect.boundary import policy as policies
from idiolect.boundary.guards import open_guards
from idiolect.boundary.layering import on_top
from idiolect.boundary.policy import Policy
from idiolect.boundary.refusals import Refusals
from idiolect.boundary.rules import RulesScreen
from idiolect.boundary.screens import UNCHECKED, Finding, Reading, Screen, r_0
from idiolect.boundary.stream import StreamScreen
from idiolect.boundary.trained import TrainedScreen
from idiolect.features.embedder import Embedder
from idiolect.models import opener
from idiolect.models.protocol import Model
from idiolect.schema import Message, Verdict
from idiolect.settings import Settings

__all__ = ["Boundary", "StreamScreen", "open_boundary"]


class Boundary:
    """What may be asked and what may be answered, for everyone alike."""

    def __init__(
        self,
        policy: Policy,
        embedder: Embedder | None = None,
        guards: Sequence[Screen] = (),
        country: str | None = None,
    ) -> None:
        """With an embedder the shipped heads judge beside the rules; `guards` are asked what both let through."""
        self.policy = policy
        self._embedder = embedder
        trained = heads.shipped() if embedder is not None else None
        first = TrainedScreen(policy, trained, embedder) if embedder is not None and trained else RulesScreen(policy)
        self._guards = tuple(guards)
        self._screens: tuple[Screen, ...] = (first, *self._guards)  # in order of cost
        self._categories = {category.name: category for category in policy.category}
        self._refusals = Refusals(policy, country)
        judges = [f"heads {trained.version}" if trained else "rules only", *(each.name for each in self._guards)]
        self.version = ", ".join([policy.version, *judges])

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
        return self._gravest(reading.request() for reading in self._read(messages))

    def judge_answer(self, messages: Sequence[Message], answer: str) -> Verdict:
        """The verdict on one answer, in the light of the request."""
        return self._judged(self._read(messages), answer)

    def admit(self, messages: Sequence[Message], answers: Sequence[str]) -> list[Verdict]:
        """One verdict for each answer, in order; `admits` says of each whether it may be chosen."""
        readings = self._read(messages)
        if not self._guards or len(answers) < 2:
            return [self._judged(readings, answer) for answer in answers]
        with ThreadPoolExecutor(len(answers)) as pool:  # a guard is waited for
            return list(pool.map(lambda answer: self._judged(readings, answer), answers))

    def admits(self, verdict: Verdict) -> bool:
        """Whether r_0 >= tau."""
        return verdict.score >= self.tau

    def stream_screen(self, messages: Sequence[Message], country: str | None = None) -> StreamScreen:
        """A screen for one answer that is shown while it is written."""
        readings = self._read(messages)
        quick, slow = readings[:1], readings[1:]

        def draft(text: str) -> Verdict:
            return self._gravest(reading.draft(text) for reading in quick)

        def judge(text: str) -> Verdict:
            verdict = self._judged(quick, text)
            if self._embedder is not None:
                self._embedder.forget([text])  # an erasure knows the whole answer alone, which is judged again
            return verdict

        def guarded(text: str) -> Verdict:
            return self._judged(slow, text)

        def whole(text: str) -> Verdict:
            return self._judged(readings, text)

        return StreamScreen(
            draft,
            judge,
            whole,
            self.admits,
            lambda verdict: self._refusals.ending(verdict, country),
            guarded if slow else None,
        )

    def refusal(self, verdict: Verdict, country: str | None = None) -> str:
        """What is said in the model's place: polite, and it names what may be asked instead; `country`: theirs."""
        return self._refusals.text(verdict, country)

    def note(self, verdict: Verdict) -> str:
        """What is added to an answer that needs care; nothing for any other."""
        category = self._categories.get(verdict.category or "")
        return category.instead if category is not None and verdict.action == "care" else ""

    def _read(self, messages: Sequence[Message]) -> list[Reading]:
        return [screen.read(messages) for screen in self._screens]

    def _judged(self, readings: Sequence[Reading], answer: str) -> Verdict:
        return self._gravest(reading.answer(answer) for reading in readings)

    def _gravest(self, found: Iterable[Sequence[Finding]]) -> Verdict:
        """The verdict with the lowest r_0, of all that screens find. What one stops, the next is not asked about."""
        verdicts = [Verdict(score=1.0, policy_version=self.version)]
        for findings in found:
            verdicts += map(self._of, findings)
            if not all(map(self.admits, verdicts)):
                break
        gravest = min(verdicts, key=lambda verdict: (verdict.score, verdict.rule is None))
        said = gravest.rule or next((each.rule for each in verdicts if each.rule), None)
        return gravest.model_copy(update={"rule": said})

    def _of(self, finding: Finding) -> Verdict:
        """One finding on the common scale; what does not act has no category."""
        if finding.category == UNCHECKED:
            return self._unchecked(finding)
        category = self._categories[finding.category]
        exact = r_0(finding.risk, category.threshold)
        acts = exact < self.tau
        score = max(exact, self.tau) if category.action in ("care", "allow") else exact
        rounded = round(score, 4)
        return Verdict(
            score=rounded if (rounded < self.tau) == (score < self.tau) else score,
            action=category.action if acts else "allow",
            category=finding.category if acts else None,
            rule=finding.rule if acts else None,
            policy_version=self.version,
        )

    def _unchecked(self, finding: Finding) -> Verdict:
        """A guard could not be asked: refused where it fails closed, else said and let through."""
        fails = finding.risk > 0
        return Verdict(
            score=1 - finding.risk,
            action="refuse" if fails else "allow",
            category=UNCHECKED if fails else None,
            rule=finding.rule,
            policy_version=self.version,
        )


def open_boundary(settings: Settings, embedder: Embedder | None, model: Callable[[], Model] | None = None) -> Boundary:
    """The boundary in force: an operator's file on top of the shipped policy, heads where there is an embedder, guards.

    `model` is the one that answers, for a judge that is the model itself.
    """
    base = policies.shipped()
    policy = base if settings.policy is None else on_top(base, settings.policy)
    guards = open_guards(settings, policy, model or opener(settings))
    return Boundary(policy, embedder, guards, settings.country)
