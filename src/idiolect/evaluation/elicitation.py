"""How many questions does it take to know a person: pairs that are chosen to tell against pairs drawn by chance?

People of the bench `choice` whom nobody has met are asked one question after the other, each about some answers to one
prompt: either two of them by chance, or the two that are expected to narrow the belief most (`reward/elicitation.py`).
Both roads see the same prompts and the same answers. The default's prior is fitted on the training people.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, JsonValue

from idiolect.evaluation.choice.answers import Material, open_material
from idiolect.evaluation.choice.contenders import OWN, contender
from idiolect.evaluation.choice.design import Crowd
from idiolect.evaluation.choice.figures import right
from idiolect.evaluation.choice.people import SEEN, UNSEEN, Exam, Pairs, Participant, exam, participants
from idiolect.evaluation.choice.trial import population
from idiolect.evaluation.protocol import Case, Figure, Rows, Run
from idiolect.evaluation.runs import code_behind, code_version
from idiolect.evaluation.statistics import draws, interval, over_users
from idiolect.reward.elicitation import narrowing
from idiolect.reward.folding import folded
from idiolect.reward.protocol import Belief, Chosen, Evidence, PersonalReward
from idiolect.schema import Array, Noun

POLICIES = ("random", "informative")


class Asked(Noun):
    """The accuracy for one person at each count of questions."""

    accuracy: tuple[float, ...]


class Elicitation(Crowd):
    """Questions chosen to tell that reach the accuracy of so many random ones, as a share of these."""

    beside: ClassVar[Mapping[str, str]] = {
        "questions_needed": "informative questions for the accuracy of so many random ones, over that number",
        "random": "pairs by chance",
        "informative": "pairs that are expected to narrow the belief most",
    }

    method: str = Field("gaussian", description="The personal reward; one that tells its uncertainty.")
    offered: int = Field(8, ge=2, description="Answers to a prompt, among which a pair is chosen.")
    tests: int = Field(60, ge=1, description="Test pairs of a person, on unseen prompts.")
    counts: tuple[int, ...] = Field(
        (0, 2, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50), description="Questions before a test, growing."
    )
    held: tuple[int, ...] = Field((10, 20, 30), description="Random questions whose accuracy is to be reached.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Ask everybody twice over."""
        assert data is not None  # the harness has asked for it
        material = open_material(self, data, run)
        people = participants(self, material, run)
        training, strangers = ([each for each in people if each.group == group] for group in (SEEN, UNSEEN))
        asked = contender(self.method, 1)
        reward = asked.make(population(training, material, asked.view(material)), OWN)
        unseen = range(material.seen, len(material.sheets))
        exams = {each.name: exam(each, material, self.tests, 0, unseen) for each in strangers}
        key: dict[str, JsonValue] = {
            **self.model_dump(mode="json", exclude={"resamples", "held"}),
            "material": material.digest,
            "code": code_version(
                "evaluation/choice", "evaluation/elicitation.py", "resources", *code_behind(asked.module)
            ),
        }
        found = list[Case]()
        for policy in POLICIES:
            rows = Rows(policy, Asked, {**key, "policy": policy}, [each.name for each in strangers])

            def ask(index: int, policy: str = policy) -> Asked:
                who = strangers[index]
                return Asked(accuracy=tuple(self._asked(policy, reward, who, material, exams[who.name])))

            for who, row in zip(strangers, run.rows(rows, ask), strict=True):
                found += [
                    Case(id=f"{who.name}/{policy}@{count}", group=who.name, scores={"accuracy": value}, choice=policy)
                    for count, value in zip(self.counts, row.accuracy, strict=True)
                ]
        return found

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Accuracy by policy and count, and the questions needed."""
        curves = _curves(cases)
        chance = {"resamples": self.resamples, "seed": self.seed}
        found = {
            f"questions_needed@{count}": self._needed(curves["random"], curves["informative"], count)
            for count in self.held
            if count in self.counts
        }
        for policy, curve in curves.items():
            users = [str(number) for number in range(len(curve))]
            for at, count in enumerate(self.counts):
                found[f"{policy}/accuracy@{count}"] = over_users(curve[:, at], users, **chance)
        return found

    def _needed(self, by_chance: Array, informed: Array, count: int) -> Figure:
        drawn = draws(len(by_chance), self.resamples, self.seed) / len(by_chance)
        spread = [
            self._reached(one, other, count) for one, other in zip(drawn @ by_chance, drawn @ informed, strict=True)
        ]
        value = self._reached(by_chance.mean(axis=0), informed.mean(axis=0), count)
        return interval(value, np.array(spread), len(by_chance))

    def _reached(self, by_chance: Array, informed: Array, count: int) -> float:
        """Where the informed curve, made monotone, first is as high as the random one at `count`, over `count`.

        Where it never is within the questions asked, the last count stands in: a bound from below.
        """
        aim, rising = by_chance[self.counts.index(count)], np.maximum.accumulate(informed)
        after = int(np.argmax(rising >= aim)) if rising[-1] >= aim else len(rising) - 1
        if after == 0 or rising[-1] < aim:
            return self.counts[after] / count
        share = (aim - rising[after - 1]) / max(rising[after] - rising[after - 1], 1e-12)
        return float(self.counts[after - 1] + share * (self.counts[after] - self.counts[after - 1])) / count

    def _asked(
        self, policy: str, reward: PersonalReward, who: Participant, material: Material, own: Exam
    ) -> Sequence[float]:
        order = np.random.default_rng((self.seed, *who.name.encode()))
        luck = np.random.default_rng((self.seed, 1, *who.name.encode()))
        prompts = order.permutation(material.seen)
        belief, evidence, found = reward.prior(), list[Evidence](), list[float]()
        for count in range(max(self.counts) + 1):
            if count in self.counts:
                found.append(_accuracy(reward, belief, material, own.pairs))
            prompt = int(prompts[count % len(prompts)])
            offered = order.choice(len(material.models), size=min(self.offered, len(material.models)), replace=False)
            pair = (
                offered[:2] if policy == "random" else offered[_telling(reward, belief, material.phi[prompt, offered])]
            )
            first = luck.random() < who.likely(np.array([prompt]), pair[None])[0]
            evidence.append(Chosen(material.phi[prompt, pair if first else pair[::-1]]))
            belief = folded(reward, belief, lambda: evidence[-1], lambda: evidence)
        return found


def _telling(reward: PersonalReward, belief: Belief, phi: Array) -> list[int]:
    """The two of these answers whose comparison tells most."""
    pairs = list(combinations(range(len(phi)), 2))
    return list(pairs[int(np.argmax(narrowing(reward, belief, [phi[[a, b]] for a, b in pairs])))])


def _accuracy(reward: PersonalReward, belief: Belief, material: Material, pairs: Pairs) -> float:
    p = [
        reward.probability(belief, material.phi[prompt, answers])
        for prompt, answers in zip(pairs.prompt, pairs.answers, strict=True)
    ]
    return float(right(np.array(p), pairs.p).mean())


def _curves(cases: Sequence[Case]) -> dict[str, Array]:
    """(users, counts) of each policy."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        found[case.choice][case.group].append(case.scores["accuracy"])
    return {policy: np.array(list(users.values())) for policy, users in found.items()}
