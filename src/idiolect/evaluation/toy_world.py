"""How far each way of aligning is from the best there can be, in a world so small that the best is known.

Shipped code decodes; its answers are counted, not sampled (those of choosers are: 2,000 choices each). Nothing is read
from a store or a model, so the table is the same on every machine.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.statistics import over_users
from idiolect.evaluation.toy.decoders import DECODERS, Made, Scene
from idiolect.evaluation.toy.language import QUESTIONS
from idiolect.evaluation.toy.world import TASTES, kl
from idiolect.schema import Array


class ToyWorld(Bench):
    """Regret of each decoder against the known optimum, over four tastes and two questions."""

    beside: ClassVar[Mapping[str, str]] = {
        "plain/regret": "of the model as it is 1, of the best policy 0: 1 - (J(p) - J(plain)) / (J* - J(plain))",
        "plain/reward": "mean reward of the answers within the boundary",
        "plain/kl": "nats of an answer by which it moves from the model, within the boundary",
        "mod/own": "the same regret, for the reward that the method itself seeks, boundary apart",
    }

    methods: tuple[str, ...] = Field(tuple(DECODERS), description="Decoders, by their names.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """One of each method, taste and question."""
        found = []
        for name in run.track(self.methods, "toy world", len(self.methods)):
            for taste in TASTES:
                for question in QUESTIONS:
                    scene = Scene(taste, question)
                    scores = measured(scene, DECODERS[name](scene))
                    found.append(Case(id=f"{name}/{taste}/{question}", group=taste, scores=scores, choice=name))
        return found

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Means, with intervals over tastes."""
        found = {}
        for name in dict.fromkeys(case.choice for case in cases):
            own = [case for case in cases if case.choice == name]
            for measure in own[0].scores:
                values = np.array([case.scores[measure] for case in own])
                groups = [case.group for case in own]
                found[f"{name}/{measure}"] = over_users(values, groups, resamples=self.resamples, seed=self.seed)
        return found


def measured(scene: Scene, made: Made) -> dict[str, float]:
    """Regret, reward and KL of a policy within the boundary, and the regret of what it seeks itself."""
    world = scene.world
    inside, start = world.within(made.policy), world.within(scene.ref)
    scores = {
        "regret": world.regret(made.policy, scene.ref, scene.reward),
        "reward": float(inside @ scene.reward),
        "kl": kl(inside, start),
    }
    return scores if made.own is None else scores | {"own": _own(scene, made.policy, made.own)}


def _own(scene: Scene, policy: Array, reward: Array) -> float:
    world = scene.world
    best = world.objective(world.optimum(scene.ref, reward), scene.ref, reward)
    start = world.objective(scene.ref, scene.ref, reward)
    return (best - world.objective(policy, scene.ref, reward)) / (best - start)
