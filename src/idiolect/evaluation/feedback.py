"""A simulated person's feedback: choices between two answers of a pool, and the beliefs that follow from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from idiolect.alignment.decoding.best_of_n import best
from idiolect.evaluation.simulated import Person
from idiolect.reward.elicitation import narrowing
from idiolect.reward.folding import folded
from idiolect.reward.protocol import Belief, Chosen, Evidence, PersonalReward
from idiolect.schema import Array

Pair = tuple[int, int]


@dataclass(frozen=True)
class Question:
    """A prompt with the answers that a person may be asked about, and their phi (n, d)."""

    prompt: str
    answers: Sequence[str]
    phi: Array


@dataclass(frozen=True)
class Stage:
    """What is believed after some choices, and the choices as (prompt, chosen, rejected)."""

    belief: Belief
    choices: tuple[tuple[str, str, str], ...]


def taught(
    person: Person, reward: PersonalReward, questions: Sequence[Question], stages: Sequence[int], pairs: str, seed: int
) -> dict[int, Stage]:
    """Ask one person as many times as the last stage says, each time about another question while there are any."""
    rng = np.random.default_rng((seed, *person.name.encode()))
    order = rng.permutation(len(questions))
    stage, evidence = Stage(reward.prior(), ()), list[Evidence]()
    found = {0: stage}
    for count in range(1, max(stages) + 1):
        asked = questions[order[(count - 1) % len(order)]]
        first, second = PAIRS[pairs](reward, stage.belief, asked.phi, rng)
        if not person.prefers(asked.answers[first], asked.answers[second], rng):
            first, second = second, first
        evidence.append(Chosen(asked.phi[[first, second]]))
        belief = folded(reward, stage.belief, lambda: evidence[-1], lambda: evidence)
        choice = (asked.prompt, asked.answers[first], asked.answers[second])
        stage = found[count] = Stage(belief, (*stage.choices, choice))
    return {count: found[count] for count in stages}


def _random(_reward: PersonalReward, _belief: Belief, phi: Array, rng: np.random.Generator) -> Pair:
    first, second = rng.choice(len(phi), size=2, replace=False)
    return int(first), int(second)


def _informative(reward: PersonalReward, belief: Belief, phi: Array, rng: np.random.Generator) -> Pair:
    """Of all pairs the one that is expected to narrow the belief most."""
    pairs = list(combinations(range(len(phi)), 2))
    first, second = pairs[int(np.argmax(narrowing(reward, belief, [phi[[a, b]] for a, b in pairs])))]
    return (first, second) if rng.random() < 0.5 else (second, first)


def _shown(reward: PersonalReward, belief: Belief, phi: Array, rng: np.random.Generator) -> Pair:
    """As the assistant asks: the answer that it would show, beside the one that tells most against it."""
    four = rng.choice(len(phi), size=min(4, len(phi)), replace=False)
    shown = best(reward.score(belief, phi[four]), [True] * len(four), 0.0) or 0
    gains = narrowing(reward, belief, [phi[[four[shown], other]] for other in four])
    gains[shown] = -1.0
    return int(four[shown]), int(four[int(np.argmax(gains))])


PAIRS: dict[str, Callable[[PersonalReward, Belief, Array, np.random.Generator], Pair]] = {
    "random": _random,
    "informative": _informative,
    "shown": _shown,
}
