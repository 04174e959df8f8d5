"""What the methods are held against besides each other: how much could be known at all.

`oracle` knows r*: only people's own noise is left. `ideal` knows the reward functions and the Dirichlet, and learns the
person's weights from the choices by Bayes' rule, which nothing that starts from the same choices can beat on average
(by importance sampling of the weights). `told` is a linear head on our features that was told r* of every answer to the
prompts that people choose on: what the features hold of these tastes, whatever learns on them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from idiolect.evaluation.choice.answers import Material
from idiolect.evaluation.choice.design import Design
from idiolect.evaluation.choice.people import SEEN, UNSEEN, Exam, Pairs, Participant
from idiolect.evaluation.choice.trial import Tested, regret, rounded
from idiolect.reward.protocol import sigmoid
from idiolect.schema import Array

DRAWS = 10_000  # of the weights
RIDGE = 30.0

Exams = Mapping[str, Exam]  # by a person's name and the kind of prompts


def references(
    design: Design, material: Material, people: Sequence[Participant], exams: Exams
) -> dict[str, list[dict[str, Tested]]]:
    """By method and stage, for each of these people: what is predicted on both kinds of prompts."""
    ideal = Ideal(design, material, people)
    found = {"oracle@0": [_knowing(each, exams, each.truth) for each in people]}
    found["told@0"] = [_knowing(each, exams, _told(material, each)) for each in people]
    learnt = [ideal.predicted(each, exams, design.stages) for each in people]
    return {**found, **{f"ideal@{stage}": [each[at] for each in learnt] for at, stage in enumerate(design.stages)}}


class Ideal:
    """Bayes' rule over the weights of the reward functions."""

    def __init__(self, design: Design, material: Material, people: Sequence[Participant]) -> None:
        """Draw weights as people's are drawn, and scale their rewards as people's are scaled."""
        lens = people[0].person.lens
        self.values = np.stack([lens.look(each.answers) for each in material.sheets])  # (prompts, models, k)
        k = self.values.shape[-1]
        rng = np.random.default_rng((design.seed, *b"ideal"))
        weights = rng.dirichlet(np.full(k, design.concentration), size=DRAWS)
        centred = (self.values - self.values.mean(axis=1, keepdims=True)).reshape(-1, k)
        spread = np.sqrt(np.einsum("sk,kl,sl->s", weights, centred.T @ centred / len(centred), weights))
        self.weights = weights / spread[:, None]
        self.temperature = float(np.median([each.person.temperature for each in people]))

    def predicted(self, who: Participant, exams: Exams, stages: Sequence[int]) -> list[dict[str, Tested]]:
        """After so many choices each."""
        told = np.cumsum(np.log(self._chances(who.chosen).clip(1e-12)), axis=0)
        likely = {kind: self._chances(exams[f"{who.name}/{kind}"].pairs) for kind in (SEEN, UNSEEN)}
        found = []
        for stage in stages:
            evidence = told[stage - 1] if stage else np.zeros(DRAWS)
            posterior = np.exp(evidence - evidence.max())
            posterior /= posterior.sum()
            values = self.values @ (posterior @ self.weights)
            found.append(
                {
                    kind: Tested(
                        p=rounded(chances @ posterior), regret=_regrets(exams[f"{who.name}/{kind}"], values, who.truth)
                    )
                    for kind, chances in likely.items()
                }
            )
        return found

    def _chances(self, pairs: Pairs) -> Array:
        """(m, DRAWS): P(the first is chosen) under each draw."""
        first, second = (self.values[pairs.prompt, pairs.answers[:, side]] for side in (0, 1))
        return sigmoid((first - second) @ self.weights.T / self.temperature)


def _knowing(who: Participant, exams: Exams, values: Array) -> dict[str, Tested]:
    """Whoever takes these values (prompts, models) for r*, and knows how noisy the person is."""
    found = {}
    for kind in (SEEN, UNSEEN):
        own = exams[f"{who.name}/{kind}"]
        at, answers = own.pairs.prompt, own.pairs.answers
        p = sigmoid((values[at, answers[:, 0]] - values[at, answers[:, 1]]) / who.person.temperature)
        found[kind] = Tested(p=rounded(p), regret=_regrets(own, values, who.truth))
    return found


def _told(material: Material, who: Participant) -> Array:
    seen = material.phi[: material.seen]
    x = (seen - seen.mean(axis=1, keepdims=True)).reshape(-1, seen.shape[-1])
    truth = who.truth[: material.seen]
    target = (truth - truth.mean(axis=1, keepdims=True)).ravel()
    return np.asarray(material.phi @ np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ target))


def _regrets(own: Exam, values: Array, truth: Array) -> tuple[float, ...]:
    return rounded(np.array([regret(values[prompt], truth[prompt]) for prompt in own.ranked]))
