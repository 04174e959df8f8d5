"""Rewards that ask a language model: few people and few of their pairs, since one question costs two calls or more.

They are asked about the first pairs of a person's exam on unseen prompts; no best of 29 answers is sought, which would
take 812 questions a prompt. The default's accuracy on the same pairs of the same people is held against theirs.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TypeAlias

import numpy as np

from idiolect.evaluation.choice.design import Crowd
from idiolect.evaluation.choice.figures import COST, of_predictions, right
from idiolect.evaluation.choice.people import UNSEEN, Pairs, Participant
from idiolect.evaluation.choice.trial import CODE, Outcome, Scene, asked, rounded
from idiolect.evaluation.protocol import Case, Rows, Run
from idiolect.evaluation.runs import code_behind, code_version
from idiolect.features.space import PreferenceSpace
from idiolect.models import LlamaCppSettings, open_model
from idiolect.models.protocol import Model
from idiolect.reward.judge import Judge, JudgedReward, JudgeSettings
from idiolect.reward.protocol import Chosen
from idiolect.reward.synthesizeme import SynthesizeMe, SynthesizeMeSettings
from idiolect.schema import Noun

Outcomes: TypeAlias = Mapping[str, Outcome]  # the default's, by person

ROOM = 8192  # tokens of a question with its examples


def _judge(model: Model) -> JudgedReward:
    return Judge(model, PreferenceSpace.shipped(), JudgeSettings())


def _synthesizeme(model: Model) -> JudgedReward:
    return SynthesizeMe(model, PreferenceSpace.shipped(), SynthesizeMeSettings())


JUDGED = {"judge": _judge, "synthesizeme": _synthesizeme}


class Verdicts(Noun):
    """Of one person at one stage: P(the first of each pair), and what it took to know them."""

    p: tuple[float, ...]
    seconds: float
    bytes: int


def judged(scene: Scene, default: Outcomes, run: Run) -> Iterator[Case]:
    """The rows of these rewards. `default` is empty where the default was not run."""
    design = scene.design
    people = [each for each in scene.tested if each.group == UNSEEN][: design.judge_people]
    with closing(open_model(design.judge, llama=LlamaCppSettings(parallel=1, context=ROOM))) as model:
        for name in design.judged:
            reward = JUDGED[name](model)
            for stage in design.judge_stages:
                yield from _of(f"{name}@{stage}", scene, people, _asked(reward, stage, scene, people, run), default)


def _asked(reward: JudgedReward, stage: int, scene: Scene, people: Sequence[Participant], run: Run) -> list[Verdicts]:
    crowd = scene.design.model_dump(mode="json", include=set(Crowd.model_fields))
    code = code_version(*CODE, "evaluation/choice/judged.py", *code_behind(type(reward).__module__))
    key = {**crowd, "material": scene.material.digest, "reward": reward.version, "stage": stage, "code": code}
    rows = Rows(
        f"{reward.name}-{stage}", Verdicts, {**key, "pairs": scene.design.judge_pairs}, [p.name for p in people]
    )
    return run.rows(rows, lambda index: _verdicts(reward, stage, scene, people[index]))


def _verdicts(reward: JudgedReward, stage: int, scene: Scene, person: Participant) -> Verdicts:
    material, chosen = scene.material, person.chosen
    start = time.perf_counter()
    belief = reward.rebuild(
        [
            Chosen(material.phi[prompt, answers], asked=asked(material, prompt, answers))
            for prompt, answers in zip(chosen.prompt[:stage], chosen.answers[:stage], strict=True)
        ]
    )
    seconds = time.perf_counter() - start
    pairs = _pairs(scene, person)
    p = [
        reward.probability(belief, material.phi[prompt, answers], asked(material, prompt, answers))
        for prompt, answers in zip(pairs.prompt, pairs.answers, strict=True)
    ]
    kept = sum(array.nbytes for array in belief.arrays.values())
    return Verdicts(p=rounded(np.array(p)), seconds=seconds, bytes=kept)


def _pairs(scene: Scene, person: Participant) -> Pairs:
    """What is asked about one person."""
    pairs, count = scene.exams[f"{person.name}/{UNSEEN}"].pairs, scene.design.judge_pairs
    return Pairs(pairs.prompt[:count], pairs.answers[:count], pairs.p[:count])


def _of(
    name: str, scene: Scene, people: Sequence[Participant], found: Sequence[Verdicts], default: Outcomes
) -> Iterator[Case]:
    likely = [_pairs(scene, person).p for person in people]
    p = [np.array(each.p) for each in found]
    stage = int(name.rsplit("@", 1)[1])
    for person, verdicts, said, real, scores in zip(people, found, p, likely, of_predictions(p, likely), strict=True):
        if person.name in default and stage in scene.design.stages:
            outcome = default[person.name].stages[scene.design.stages.index(stage)]
            scores["default"] = float(right(np.array(outcome.unseen.p[: len(said)]), real).mean())
        yield Case(id=f"{person.name}/{name}/{UNSEEN}", group=person.name, scores=scores, choice=UNSEEN)
        if stage == scene.design.judge_stages[-1]:
            cost = {"add_user_ms": verdicts.seconds * 1000, "bytes_a_user": float(verdicts.bytes)}
            method = name.rsplit("@", 1)[0]
            yield Case(id=f"{person.name}/{method}/{COST}", group=person.name, scores=cost, choice=COST)
