"""Answers to the bench's requests with each profile and with none, as every method writes and chooses them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from idiolect.alignment.decoding import CHOOSERS
from idiolect.boundary import Boundary
from idiolect.evaluation.pools import Draws
from idiolect.evaluation.profiles.judge import Judge, declines
from idiolect.evaluation.profiles.writing import PLAIN, Asked, Pair, Writer
from idiolect.evaluation.protocol import Run
from idiolect.generation import GENERATION
from idiolect.generation.agent import AGENTS
from idiolect.reward.protocol import Scores
from idiolect.schema import Array, as_messages
from idiolect.turn import matched

AUTO = ("profile", "token-values")  # what is done for a person of whom both words and numbers are known


@dataclass(frozen=True)
class Judged:
    """n answers to one request: each (n,)."""

    gives: Array  # 1 where the judge says that it gives what was asked
    declines: Array  # 1 where the plain detector says that it declines
    admitted: Array  # 1 where the boundary admits it


@dataclass(frozen=True)
class Outcome:
    """What is shown in the end: with the boundary on (a refusal where nothing is admitted) and off."""

    on: float  # 1 where it gives what was asked
    off: float
    on_undeclined: float  # 1 where the plain detector sees no refusal
    off_undeclined: float


@dataclass(frozen=True)
class Shown:
    """What one method shows of one pair, and what it shows of nobody in particular."""

    method: str
    pair: Pair
    with_profile: Outcome
    without: Outcome


def methods(names: Sequence[str]) -> list[str]:
    """As they are named in requests; without names every one of the registries that makes an answer personal."""
    return list(names) or [*(name for name in GENERATION if name != PLAIN), *AGENTS]


@dataclass(frozen=True)
class Studio:
    """Who writes, and who judges."""

    writer: Writer
    judge: Judge

    @property
    def boundary(self) -> Boundary:
        """The product's."""
        return self.writer.parts.boundary

    def judged(self, asked: Asked, texts: Sequence[str]) -> Judged:
        """By the judge, by the plain detector, and by the boundary, of which none sees a profile."""
        verdicts = self.boundary.admit(as_messages(asked.text), texts)
        return Judged(
            gives=(self.judge.logits([asked.text] * len(texts), texts) > 0).astype(float),
            declines=np.array([declines(text) for text in texts], float),
            admitted=np.array([self.boundary.admits(verdict) for verdict in verdicts], float),
        )

    def scores(self, pair: Pair, texts: Sequence[str]) -> Scores:
        """r_u of each answer, as the loop weighs it; zeros for nobody in particular."""
        if pair.profile is None:
            return Scores(np.zeros(len(texts)), np.zeros(len(texts)))
        learner = self.writer.parts.learner
        phi = learner.phi(texts)
        mean = (phi - phi.mean(axis=0)) @ pair.profile.weights(learner.space)
        told = self.writer.parts.compliance.contributions(pair.profile.said, pair.asked.text, texts)
        return matched(Scores(mean, np.zeros(len(texts))), told)

    def single(
        self, method: str, drawn: Sequence[tuple[Pair, Draws]], without: Mapping[str, Judged], run: Run
    ) -> Iterator["Shown"]:
        """What is shown where nothing is chosen. `without` is of the plain answers, by what was asked."""
        for pair, pool in run.track(drawn, f"judging {method}", len(drawn)):
            asked = pair.asked
            with_profile = first(self.judged(asked, pool.texts), asked.is_passed)
            yield Shown(method, pair, with_profile, first(without[asked.text], asked.is_passed))

    def best_of(
        self,
        method: str,
        drawn: Sequence[tuple[Pair, Draws]],
        without: Mapping[str, Judged],
        run: Run,
        choosers: Sequence[str] = (),
    ) -> Iterator["Shown"]:
        """By every chooser, or those that are named, the answer that this profile would have of some."""
        for pair, pool in run.track(drawn, f"choosing {method}", len(drawn)):
            asked = pair.asked
            judged = self.judged(asked, pool.texts) if method != PLAIN else without[asked.text]
            scores = self.scores(pair, pool.texts)
            for name in choosers or CHOOSERS:
                with_profile = chosen(name, scores, judged, asked.is_passed)
                by_nobody = by_chance(name, without[asked.text], asked.is_passed)
                label = method if choosers else f"{method}+{name}-{len(pool.texts)}"
                yield Shown(label, pair, with_profile, by_nobody)


def chosen(name: str, scores: Scores, judged: Judged, is_passed: bool) -> Outcome:
    """What is shown when this chooser picks, with the boundary on and off."""
    choose = CHOOSERS[name]
    free = choose(scores, [True] * len(judged.gives), 0.0)
    bound = choose(scores, judged.admitted.astype(bool).tolist(), 0.0) if is_passed else None
    return Outcome(*_shown(judged.gives, bound, free), *_shown(1 - judged.declines, bound, free))


def first(judged: Judged, is_passed: bool) -> Outcome:
    """What is shown when there is one answer: the mean over draws, so that chance weighs less."""
    passed = judged.admitted if is_passed else 0 * judged.admitted
    undeclined = 1 - judged.declines
    return Outcome(
        on=float((judged.gives * passed).mean()),
        off=float(judged.gives.mean()),
        on_undeclined=float((undeclined * passed).mean()),
        off_undeclined=float(undeclined.mean()),
    )


def by_chance(name: str, judged: Judged, is_passed: bool) -> Outcome:
    """The same where nothing is known of a person: the mean over which of the answers comes first."""
    n = len(judged.gives)
    nothing = Scores(np.zeros(n), np.zeros(n))
    rolled = [
        Judged(*(np.roll(each, k) for each in (judged.gives, judged.declines, judged.admitted))) for k in range(n)
    ]
    rows = np.array([astuple(chosen(name, nothing, each, is_passed)) for each in rolled])
    return Outcome(*rows.mean(axis=0).tolist())


def _shown(values: Array, bound: int | None, free: int | None) -> tuple[float, float]:
    return (0.0 if bound is None else float(values[bound]), 0.0 if free is None else float(values[free]))
