"""How well a taste is learnt from answers to what is asked in a manner, for people whose tastes are the same in each.

The plain model answers the same requests in every manner. A simulated person chooses `choices` times between answers to
one half of them; of the answers to the other half the default reward then says which of two the person likes better
(`accuracy`), and the one that it would show is held against the others (`uplift`, a win-rate). Then the halves change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from idiolect.alignment.decoding.best_of_n import best
from idiolect.evaluation.fairness.design import Design
from idiolect.evaluation.fairness.manners import MANNERS, read_items
from idiolect.evaluation.feedback import Question, taught
from idiolect.evaluation.pools import Author, draw_pool, measured
from idiolect.evaluation.protocol import Case, Run
from idiolect.evaluation.simulated import Person, World, persons
from idiolect.evaluation.statistics import wins
from idiolect.features.embedder import Embedder
from idiolect.features.space import PreferenceSpace
from idiolect.models import LlamaCppSettings, open_model
from idiolect.parts import DEFAULT_SYSTEM
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.protocol import Belief
from idiolect.schema import Sampling

TEMPERATURE = 0.8
PROMPT_TOKENS = 256
PAIRS = "shown"


@dataclass(frozen=True)
class Asked:
    """What is answered, by manner, and the reward that learns from choices among the answers."""

    questions: dict[str, list[Question]]
    space: PreferenceSpace
    reward: Gaussian


def taste_cases(design: Design, embedder: Embedder | None, run: Run) -> Iterator[Case]:
    """A case for each person, request and manner."""
    asked = _asked(design, embedder, run)
    everything = [question for own in asked.questions.values() for question in own]
    world = World([each.answers for each in everything], [each.phi for each in everything], asked.space)
    people = [person for kind in design.kinds for person in persons(kind, design.people, design.seed, world)]
    for person in run.track(people, "people", len(people)):
        for manner, questions in asked.questions.items():
            yield from _of_person(design, asked.reward, person, manner, questions)


def _asked(design: Design, embedder: Embedder | None, run: Run) -> Asked:
    space = PreferenceSpace.shipped()
    prompts = [item.texts[manner] for item in read_items("requests")[: design.prompts] for manner in MANNERS]
    llama = LlamaCppSettings(parallel=design.parallel, context=PROMPT_TOKENS + design.max_tokens)
    model = open_model(design.model, llama=llama)
    try:
        sampling = Sampling(temperature=TEMPERATURE, max_tokens=design.max_tokens)
        pool = draw_pool(Author(model, sampling, DEFAULT_SYSTEM), prompts, design.answers, design.seed, run)
    finally:
        model.close()
    phi = measured("phi", pool, space, embedder, run)
    questions = [Question(prompt, own.texts, rows) for prompt, own, rows in zip(prompts, pool, phi, strict=True)]
    by_manner = {manner: questions[place :: len(MANNERS)] for place, manner in enumerate(MANNERS)}
    return Asked(by_manner, space, Gaussian.shipped(space))


def _of_person(
    design: Design, reward: Gaussian, person: Person, manner: str, questions: Sequence[Question]
) -> Iterator[Case]:
    for first in (0, 1):
        known = questions[1 - first :: 2]
        belief = taught(person, reward, known, (design.choices,), PAIRS, design.seed)[design.choices].belief
        for number in range(first, len(questions), 2):
            yield Case(
                id=f"taste/{person.name}/{number}/{manner}",
                group=str(number),
                scores=_scores(reward, belief, person, questions[number]),
                choice="",
            )


def _scores(reward: Gaussian, belief: Belief, person: Person, question: Question) -> dict[str, float]:
    """Ties count half."""
    predicted, true = reward.score(belief, question.phi).mean, person.reward(question.answers)
    first, second = np.array(list(combinations(range(len(true)), 2))).T
    agree = np.sign(predicted[first] - predicted[second]) * np.sign(true[first] - true[second])
    shown = best(reward.score(belief, question.phi), [True] * len(true), 0.0) or 0
    return {
        "accuracy": float((1 + agree).mean() / 2),
        "uplift": float(wins(true[shown], np.delete(true, shown)).mean()),
    }
