"""Does a profile learnt on the answers of some models and topics hold for others?

The models are split in two by chance, the prompts in two by topic: on either side of the median along the direction in
which prompts' embeddings vary most. A person is learnt from choices on one side, among its models' answers to its
prompts (`away`), or on the other side (`home`), and both times predicted on the other side's unseen prompts and models.
The shared part, too, is fitted on the choices of the side that is learnt from. Both directions count.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field, JsonValue

from idiolect.evaluation.choice.answers import Material, open_material
from idiolect.evaluation.choice.contenders import OWN, Contender, contender
from idiolect.evaluation.choice.design import Crowd
from idiolect.evaluation.choice.figures import right
from idiolect.evaluation.choice.people import SEEN, UNSEEN, Pairs, Participant, chosen, pairs_among, participants
from idiolect.evaluation.choice.trial import asked, population
from idiolect.evaluation.protocol import Case, Figure, Rows, Run
from idiolect.evaluation.runs import code_behind, code_version
from idiolect.evaluation.statistics import over_users, paired
from idiolect.reward.protocol import Chosen, PersonalReward
from idiolect.schema import Array, Noun

HOME, AWAY = "home", "away"


@dataclass(frozen=True)
class Side:
    """Half of the models, and the prompts of half of the topics."""

    models: tuple[int, ...]
    seen: tuple[int, ...]
    unseen: tuple[int, ...]


class Predicted(Noun):
    """The accuracy for one person at each stage."""

    accuracy: tuple[float, ...]


class Transfer(Crowd):
    """Accuracy that is lost when choices were made on other models' answers and other topics than those to predict."""

    beside: ClassVar[Mapping[str, str]] = {
        "loss": "home less away",
        HOME: "learnt on the models and topics that are predicted",
        AWAY: "learnt on other models and topics",
    }

    method: str = Field("gaussian", description="The personal reward.")
    tests: int = Field(40, ge=1, description="Test pairs of a person on each side.")
    stages: tuple[int, ...] = Field((5, 10, 20, 50), description="Choices before a test.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Learn everybody on each side, and predict them on each."""
        assert data is not None  # the harness has asked for it
        material = open_material(self, data, run)
        people, sides = participants(self, material, run), split(material, self.seed)
        method = contender(self.method, 1)
        exams = [self._exams(people, side) for side in sides]
        return [
            case for learnt in range(2) for case in self._learnt(method, material, people, sides, learnt, exams, run)
        ]

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """At home, away, and the difference, by the number of choices."""
        found: dict[str, dict[int, list[Case]]] = {HOME: defaultdict(list), AWAY: defaultdict(list)}
        for case in sorted(cases, key=lambda case: case.id):
            found[case.choice][int(case.id.rsplit("@", 1)[1])].append(case)
        chance, figures = {"resamples": self.resamples, "seed": self.seed}, dict[str, Figure]()
        for stage in self.stages:
            home, away = (found[kind][stage] for kind in (HOME, AWAY))
            users = [case.group for case in home]
            at_home, abroad = (np.array([case.scores["accuracy"] for case in each]) for each in (home, away))
            figures[f"loss@{stage}"] = paired(at_home, abroad, users, **chance)
            figures[f"{HOME}@{stage}"] = over_users(at_home, users, **chance)
            figures[f"{AWAY}@{stage}"] = over_users(abroad, users, **chance)
        return figures

    def _exams(self, people: Sequence[Participant], side: Side) -> dict[str, Pairs]:
        found = {}
        for who in people:
            rng = np.random.default_rng((self.seed, 2, side.models[0], *who.name.encode()))
            pairs = pairs_among(side.unseen, side.models, self.tests, rng)
            found[who.name] = replace(pairs, p=who.likely(pairs.prompt, pairs.answers))
        return found

    def _learnt(
        self,
        method: Contender,
        material: Material,
        people: Sequence[Participant],
        sides: tuple[Side, Side],
        learnt: int,
        exams: Sequence[Mapping[str, Pairs]],
        run: Run,
    ) -> Iterator[Case]:
        there = [_on(who, sides[learnt], self.choices, self.seed) for who in people]
        training, strangers = ([who for who in there if who.group == group] for group in (SEEN, UNSEEN))
        view = method.view(material)
        reward = method.make(population(training, material, view), OWN)
        key: dict[str, JsonValue] = {
            **self.model_dump(mode="json", exclude={"resamples"}),
            "material": material.digest,
            "learnt": learnt,
            "code": code_version(
                "evaluation/choice", "evaluation/transfer.py", "resources", *code_behind(method.module)
            ),
        }
        for tested in range(2):
            rows = Rows("transfer", Predicted, {**key, "tested": tested}, [who.name for who in strangers])
            own = exams[tested]

            def predict(index: int, own: Mapping[str, Pairs] = own) -> Predicted:
                who = strangers[index]
                return Predicted(
                    accuracy=tuple(
                        _accuracy(reward, who, stage, own[who.name], material, view) for stage in self.stages
                    )
                )

            kind = HOME if tested == learnt else AWAY
            for who, row in zip(strangers, run.rows(rows, predict), strict=True):
                for stage, value in zip(self.stages, row.accuracy, strict=True):
                    yield Case(
                        id=f"{who.name}/{tested}@{stage}", group=who.name, scores={"accuracy": value}, choice=kind
                    )


def split(material: Material, seed: int) -> tuple[Side, Side]:
    """Two halves of models by chance, and of prompts by topic; without embeddings prompts are halved by chance, too."""
    rng = np.random.default_rng((seed, *b"sides"))
    models = rng.permutation(len(material.models))
    if material.asked.shape[1]:
        centred = material.asked - material.asked.mean(axis=0)
        along = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    else:
        along = rng.random(len(material.sheets))
    seen, unseen = range(material.seen), range(material.seen, len(material.sheets))
    halves = [(_half(along, prompts, upper=False), _half(along, prompts, upper=True)) for prompts in (seen, unseen)]
    middle = len(models) // 2
    return (
        Side(tuple(sorted(models[:middle].tolist())), halves[0][0], halves[1][0]),
        Side(tuple(sorted(models[middle:].tolist())), halves[0][1], halves[1][1]),
    )


def _half(along: Array, prompts: range, *, upper: bool) -> tuple[int, ...]:
    ranked = sorted(prompts, key=lambda prompt: float(along[prompt]))
    return tuple(ranked[len(ranked) // 2 :] if upper else ranked[: len(ranked) // 2])


def _on(who: Participant, side: Side, count: int, seed: int) -> Participant:
    """The person, with choices made on one side."""
    rng = np.random.default_rng((seed, 1, side.models[0], *who.name.encode()))
    return replace(who, chosen=chosen(who, pairs_among(side.seen, side.models, count, rng), rng))


def _accuracy(
    reward: PersonalReward, who: Participant, stage: int, tests: Pairs, material: Material, view: Array
) -> float:
    known = [
        Chosen(view[prompt, answers], asked=asked(material, prompt, answers))
        for prompt, answers in zip(who.chosen.prompt[:stage], who.chosen.answers[:stage], strict=True)
    ]
    belief = reward.rebuild(known)
    p = [
        reward.probability(belief, view[prompt, answers], asked(material, prompt, answers))
        for prompt, answers in zip(tests.prompt, tests.answers, strict=True)
    ]
    return float(right(np.array(p), tests.p).mean())
