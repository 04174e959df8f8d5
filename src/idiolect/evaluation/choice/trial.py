"""One method on everybody: its settings are chosen, its shared part is fitted, everybody is learnt and predicted."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from pydantic import JsonValue

from idiolect.evaluation.choice.answers import Material
from idiolect.evaluation.choice.contenders import Contender, Override, contender
from idiolect.evaluation.choice.design import Design
from idiolect.evaluation.choice.people import SEEN, UNSEEN, Exam, Pairs, Participant
from idiolect.evaluation.protocol import Rows, Run
from idiolect.evaluation.runs import code_behind, code_version
from idiolect.evaluation.statistics import TIE
from idiolect.reward.population import Population
from idiolect.reward.protocol import Asked, Belief, Chosen, PersonalReward
from idiolect.reward.workers import Workers
from idiolect.schema import Array, Noun

RESOURCES = ("resources/lexicons.toml", "resources/space.json", "resources/words.toml")
CODE = (*RESOURCES, *(f"evaluation/choice/{name}.py" for name in ("people", "rewards", "trial")))
VALIDATED = 4  # every fourth training user checks the settings fitted on the others
VALIDATED_AT = (5, 20)  # choices, the rest of them being what is predicted
DIGITS = 6
APART = {"methods", "default", "resamples", "tried", "workers"}  # settings that no row depends on
APART |= {"judge", "judged", "judge_people", "judge_pairs", "judge_stages"}


class Tried(Noun):
    """A method's settings, how well they did on the training users held out, and how long the fit took."""

    accuracy: float
    seconds: float


class Tested(Noun):
    """Predictions of one person on prompts of one kind: P(the first of each pair), and what the best-of-all lacks."""

    p: tuple[float, ...]
    regret: tuple[float, ...]  # of each prompt, in standard deviations within a prompt


class Learnt(Noun):
    """One person after some choices; what it took to know them."""

    unseen: Tested
    seen: Tested
    seconds: float
    bytes: int


class Outcome(Noun):
    """One person at every stage."""

    stages: tuple[Learnt, ...]


@dataclass(frozen=True)
class Scene:
    """The people and prompts of the bench, the same for every method."""

    design: Design
    material: Material
    people: Sequence[Participant]
    exams: Mapping[str, Exam]  # of the tested ones, by name and kind of prompts

    @property
    def training(self) -> list[Participant]:
        """Those whose choices the shared part is fitted on."""
        return [each for each in self.people if each.group == SEEN]

    @property
    def tested(self) -> list[Participant]:
        """Those who are learnt and predicted."""
        return [*self.training[: self.design.evaluated], *(each for each in self.people if each.group == UNSEEN)]

    @property
    def halves(self) -> tuple[list[Participant], list[Participant]]:
        """Training people to try settings on: those fitted on, and those who check the fit."""
        training = self.training
        return [each for at, each in enumerate(training) if at % VALIDATED], training[::VALIDATED]

    def trial(self, name: str) -> "Trial":
        """Of a method by name."""
        return Trial(self, contender(name, self.design.tried))


@dataclass(frozen=True)
class Trial:
    """A method among these people."""

    scene: Scene
    contender: Contender

    def run(self, run: Run, workers: Workers[Scene]) -> list[Outcome]:
        """What becomes of each of the tested people."""
        name, chosen = self.contender.name, self._search(run, workers)
        fitted = Once(lambda: workers.call(_fitted, name, chosen))
        ids = [person.name for person in self.scene.tested]
        rows = Rows(name, Outcome, self._key({"override": dict(chosen)}), ids)
        return run.rows(rows, lambda index: workers.call(_outcome, name, fitted.made, index), workers.count)

    def fit_seconds(self, run: Run, workers: Workers[Scene]) -> float:
        """How long the chosen settings took to fit on three quarters of the training users, scaled to all of them."""
        tried = self._tried(run, workers)
        best = max(tried, key=lambda each: each.accuracy)
        return best.seconds * len(self.scene.training) / len(self.scene.halves[0])

    def fit(self, training: Sequence[Participant], override: Override) -> PersonalReward:
        """The method with its shared part fitted on these people."""
        material = self.scene.material
        return self.contender.make(population(training, material, self.contender.view(material)), override)

    def evidence(self, participant: Participant, count: int) -> list[Chosen]:
        """The first choices of a person."""
        view, pairs = self.contender.view(self.scene.material), participant.chosen
        return [
            Chosen(view[prompt, answers], asked=asked(self.scene.material, prompt, answers))
            for prompt, answers in zip(pairs.prompt[:count], pairs.answers[:count], strict=True)
        ]

    def probabilities(self, reward: PersonalReward, belief: Belief, pairs: Pairs) -> Array:
        """(m,): P(the first is preferred)."""
        view = self.contender.view(self.scene.material)
        return np.array(
            [
                reward.probability(belief, view[prompt, answers], asked(self.scene.material, prompt, answers))
                for prompt, answers in zip(pairs.prompt, pairs.answers, strict=True)
            ]
        )

    def _search(self, run: Run, workers: Workers[Scene]) -> Override:
        tried = self._tried(run, workers)
        return self.contender.grid[int(np.argmax([each.accuracy for each in tried]))]

    def _tried(self, run: Run, workers: Workers[Scene]) -> list[Tried]:
        ids = [json.dumps(dict(each), sort_keys=True) for each in self.contender.grid]
        rows = Rows(f"{self.contender.name}-settings", Tried, self._key({}), ids)
        return run.rows(rows, lambda index: workers.call(_tried, self.contender.name, index), workers.count)

    def attempt(self, override: Override) -> Tried:
        """Accuracy on the later choices of the people held out, after their first ones."""
        fitted_on, held_out = self.scene.halves
        half = self.scene.design.choices // 2
        start = time.perf_counter()
        reward = self.fit(fitted_on, override)
        seconds, right = time.perf_counter() - start, list[float]()
        for each in held_out:
            for count in VALIDATED_AT:
                belief = reward.rebuild(self.evidence(each, min(count, half)))
                p = self.probabilities(reward, belief, each.chosen.last(half))
                right.append(float(np.mean(np.where(np.abs(p - 0.5) <= TIE, 0.5, p > 0.5))))
        return Tried(accuracy=float(np.mean(right)), seconds=seconds)

    def outcome(self, reward: PersonalReward, participant: Participant) -> Outcome:
        """One person at every stage."""
        return Outcome(stages=tuple(self._learnt(reward, participant, count) for count in self.scene.design.stages))

    def _learnt(self, reward: PersonalReward, participant: Participant, count: int) -> Learnt:
        evidence = self.evidence(participant, count)
        start = time.perf_counter()
        belief = reward.rebuild(evidence)
        seconds = time.perf_counter() - start
        kept = sum(array.nbytes for array in belief.arrays.values())
        unseen, seen = (self._tested(reward, belief, participant, kind) for kind in (UNSEEN, SEEN))
        return Learnt(unseen=unseen, seen=seen, seconds=seconds, bytes=kept)

    def _tested(self, reward: PersonalReward, belief: Belief, participant: Participant, kind: str) -> Tested:
        own = self.scene.exams[f"{participant.name}/{kind}"]
        p = self.probabilities(reward, belief, own.pairs)
        view, regrets = self.contender.view(self.scene.material), list[float]()
        for prompt in own.ranked:
            scores = reward.score(
                belief, view[prompt], asked(self.scene.material, prompt, range(len(self.scene.material.models)))
            )
            regrets.append(regret(scores.mean, participant.truth[prompt]))
        return Tested(p=rounded(p), regret=rounded(np.array(regrets)))

    def _key(self, more: dict[str, JsonValue]) -> dict[str, JsonValue]:
        settings = self.scene.design.model_dump(mode="json", exclude=APART)
        code = code_version(*CODE, *code_behind(self.contender.module))
        return {**settings, "material": self.scene.material.digest, "method": self.contender.name, "code": code, **more}


class Once:
    """A reward that is fitted when it is first needed: not at all where every row is read back."""

    def __init__(self, make: Callable[[], PersonalReward]) -> None:
        """`make` fits it."""
        self._make, self._made, self._lock = make, list[PersonalReward](), Lock()

    @property
    def made(self) -> PersonalReward:
        """The reward; whoever asks while it is fitted waits."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
        return self._made[0]


def _tried(scene: Scene, name: str, number: int) -> Tried:
    trial = scene.trial(name)
    return trial.attempt(trial.contender.grid[number])


def _fitted(scene: Scene, name: str, override: Override) -> PersonalReward:
    return scene.trial(name).fit(scene.training, override)


def _outcome(scene: Scene, name: str, reward: PersonalReward, index: int) -> Outcome:
    return scene.trial(name).outcome(reward, scene.tested[index])


def population(people: Sequence[Participant], material: Material, view: Array) -> Population:
    """What people chose, as methods are fitted on it."""
    prompts = np.concatenate([each.chosen.prompt for each in people])
    answers = np.concatenate([each.chosen.answers for each in people])
    owner = np.repeat(np.arange(len(people), dtype=np.int32), [len(each.chosen.prompt) for each in people])
    return Population(
        users=tuple(each.name for each in people),
        phi=view[prompts[:, None], answers].astype(np.float32),
        owner=owner,
        weight=np.ones(len(owner), np.float32),
        asked=material.asked[prompts].astype(np.float32) if material.asked.shape[1] else None,
    )


def asked(material: Material, prompt: int, answers: Sequence[int]) -> Asked:
    """What methods may read of a prompt and some of its answers."""
    sheet = material.sheets[prompt]
    embedding = material.asked[prompt] if material.asked.shape[1] else None
    return Asked(sheet.prompt, embedding, tuple(sheet.answers[answer] for answer in answers))


def regret(scores: Array, truth: Array) -> float:
    """r* that the answer ranked first lacks to the best one; where several are first, what they lack on average."""
    first = scores >= scores.max() - TIE
    return float(truth.max() - truth[first].mean())


def rounded(values: Array) -> tuple[float, ...]:
    """As they are kept."""
    return tuple(round(float(value), DIGITS) for value in values)
