"""A taste that flips: how soon is it noticed and followed, and how often is a steady person thought to have changed?

People of the bench `choice` whom nobody has met choose between answers drawn by chance. A steady one does so for 150
choices, and each alarm of the change-point test (`reward/drift.py`) is a false one. The other's taste turns into its
opposite, -r*, after 75 choices; then, choice by choice, an alarm is awaited, and the accuracy on the new taste measured
of what is believed with the test's help (`followed`) and without (`plain`). A third's becomes the taste of somebody
else.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, JsonValue

from idiolect.evaluation.choice.answers import Material, open_material
from idiolect.evaluation.choice.contenders import OWN, contender
from idiolect.evaluation.choice.design import Crowd
from idiolect.evaluation.choice.figures import right
from idiolect.evaluation.choice.people import SEEN, UNSEEN, Pairs, Participant, chosen, pairs_among, participants
from idiolect.evaluation.choice.trial import population
from idiolect.evaluation.protocol import Case, Figure, Rows, Run
from idiolect.evaluation.runs import code_behind, code_version
from idiolect.evaluation.statistics import over_users
from idiolect.reward.drift import changes, followed
from idiolect.reward.protocol import Chosen, Evidence, PersonalReward
from idiolect.schema import Array, Noun

STEADY = "steady"
TURNS = ("opposite", "another")
NOW = datetime(2026, 1, 1, tzinfo=UTC)  # all choices are of one day: nothing fades


class Course(Noun):
    """What came of one person: measures by name."""

    scores: dict[str, float]


class DriftBench(Crowd):
    """Choices until a flipped taste is noticed and followed, and false alarms in 150 choices of a steady one."""

    beside: ClassVar[Mapping[str, str]] = {
        STEADY: "nothing has changed: each alarm is false",
        "opposite/noticed": "share of people with an alarm within 20 choices",
        "opposite/followed": "accuracy on the new taste, by the test",
        "opposite/plain": "the same without the test",
        "opposite": "the taste turns into its opposite",
        "another": "the taste becomes somebody else's",
    }

    method: str = Field("gaussian", description="The personal reward.")
    before: int = Field(75, ge=1, description="Choices before the taste turns.")
    after: tuple[int, ...] = Field((0, 10, 20, 40), description="Choices since, before a test; the last ends it.")
    within: int = Field(20, ge=1, description="Choices in which a turn is to be noticed.")
    steady: int = Field(150, ge=1, description="Choices of a steady person.")
    tests: int = Field(40, ge=1, description="Test pairs of a person, on unseen prompts.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Everybody three times: steady, turned into the opposite, turned into somebody else."""
        assert data is not None  # the harness has asked for it
        material = open_material(self, data, run)
        people = participants(self, material, run)
        training, strangers = ([each for each in people if each.group == group] for group in (SEEN, UNSEEN))
        method = contender(self.method, 1)
        reward = method.make(population(training, material, method.view(material)), OWN)
        key: dict[str, JsonValue] = {
            **self.model_dump(mode="json", exclude={"resamples"}),
            "material": material.digest,
            "code": code_version(
                "evaluation/choice", "evaluation/drift.py", "reward/drift.py", *code_behind(method.module)
            ),
        }
        found = list[Case]()
        for kind in (STEADY, *TURNS):
            rows = Rows(kind, Course, {**key, "kind": kind}, [who.name for who in strangers])

            def live(index: int, kind: str = kind) -> Course:
                who, other = strangers[index], strangers[(index + 1) % len(strangers)]
                if kind == STEADY:
                    return self._steady(reward, who, material)
                return self._turned(reward, who, opposite(who) if kind == "opposite" else other, material)

            found += [
                Case(id=f"{who.name}/{kind}", group=who.name, scores=row.scores, choice=kind)
                for who, row in zip(strangers, run.rows(rows, live), strict=True)
            ]
        return found

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """The mean of each measure over the people."""
        found: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            for name in case.scores:
                found[f"{case.choice}/{name}"].append(case)
        return {
            name: over_users(
                np.array([case.scores[name.split("/", 1)[1]] for case in own]),
                [case.group for case in own],
                resamples=self.resamples,
                seed=self.seed,
            )
            for name, own in found.items()
        }

    def _steady(self, reward: PersonalReward, who: Participant, material: Material) -> Course:
        pieces = _choices(who, material, self.steady, self.seed)
        return Course(scores={f"false_alarms_in_{self.steady}": float(len(changes(reward, pieces)))})

    def _turned(self, reward: PersonalReward, old: Participant, new: Participant, material: Material) -> Course:
        pieces = [
            *_choices(old, material, self.before, self.seed),
            *_choices(new, material, max(*self.after, self.within), self.seed + 1),
        ]
        alarms = [alarm.told - self.before + 1 for alarm in changes(reward, pieces) if alarm.told >= self.before]
        scores = {f"noticed_within_{self.within}": float(bool(alarms) and alarms[0] <= self.within)}
        if alarms:
            scores["choices_until_noticed"] = float(alarms[0])
        scores["before"] = self._accuracy(reward, pieces[: self.before], old, material)
        for count in self.after:
            known = pieces[: self.before + count]
            scores[f"followed@{count}"] = self._accuracy(reward, followed(reward, known, NOW).evidence, new, material)
            scores[f"plain@{count}"] = self._accuracy(reward, known, new, material)
        return Course(scores=scores)

    def _accuracy(
        self, reward: PersonalReward, evidence: Sequence[Evidence], who: Participant, material: Material
    ) -> float:
        rng = np.random.default_rng((self.seed, 2, *who.name.encode()))
        unseen = range(material.seen, len(material.sheets))
        tests, belief = pairs_among(unseen, range(len(material.models)), self.tests, rng), reward.rebuild(evidence)
        p = [reward.probability(belief, pair) for pair in _phi(material, tests)]
        return float(right(np.array(p), who.likely(tests.prompt, tests.answers)).mean())


def opposite(who: Participant) -> Participant:
    """Somebody who likes what this person dislikes."""
    return replace(who, truth=-who.truth)


def _choices(who: Participant, material: Material, count: int, seed: int) -> list[Chosen]:
    rng = np.random.default_rng((seed, *who.name.encode()))
    asked = pairs_among(range(material.seen), range(len(material.models)), count, rng)
    return [Chosen(pair) for pair in _phi(material, chosen(who, asked, rng))]


def _phi(material: Material, pairs: Pairs) -> list[Array]:
    return list(material.phi[pairs.prompt[:, None], pairs.answers])
