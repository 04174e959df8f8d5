"""How near each method of training comes to the best of what it seeks itself, where that best is known.

A tiny transformer that speaks the toy world's language is trained by the code of `idiolect train`, and its distribution
over all answers is counted. Left out: Rewards-in-Context, whose prompts this language has no words for, and what has no
single reward as its aim (sft, group-dpo, maxmin).
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.statistics import over_users
from idiolect.evaluation.toy.language import save_toy
from idiolect.evaluation.toy.trainers import TRAINERS, School, Trained


class ToyTraining(Bench):
    """Regret of each method's policy for the reward that the method seeks, over two questions."""

    beside: ClassVar[Mapping[str, str]] = {
        "dpo/own": "of the model as it is 1, of the best policy for this reward 0: (J* - J(p)) / (J* - J(plain))"
    }

    methods: tuple[str, ...] = Field(tuple(TRAINERS), description="Trainings, by their names.")
    pairs: int = Field(400, ge=10, description="Of each question, in both orders.")
    share: float = Field(1.0, gt=0, description="Of the steps that a method takes here.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """One of each policy and question."""
        found = []
        with tempfile.TemporaryDirectory() as folder:
            model = save_toy(Path(folder) / "model")
            for name in run.track(self.methods, "training", len(self.methods)):
                school = School(model, Path(folder) / name, self.pairs, self.seed, self.share)
                found += [_case(school, each) for each in TRAINERS[name](school)]
        return found

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Means, with intervals over questions."""
        found = {}
        for name in dict.fromkeys(case.choice for case in cases):
            own = [case for case in cases if case.choice == name]
            values, groups = np.array([case.scores["own"] for case in own]), [case.group for case in own]
            found[f"{name}/own"] = over_users(values, groups, resamples=self.resamples, seed=self.seed)
        return found


def _case(school: School, trained: Trained) -> Case:
    world, ref = school.world, school.ref[trained.question]
    best = world.objective(world.optimum(ref, trained.own), ref, trained.own)
    start = world.objective(ref, ref, trained.own)
    regret = (best - world.objective(trained.policy, ref, trained.own)) / (best - start)
    return Case(
        id=f"{trained.name}/{trained.question}", group=trained.question, scores={"own": regret}, choice=trained.name
    )
