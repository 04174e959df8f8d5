"""Simulated people live through their turns, then ask questions of opinion and are answered with and without a profile.

Every question is asked twice. `plain` is one draw of the plain model; `choice` the best of some plain draws for the
person; `profile` the whole method, which also changes how the model writes. The plain draws are shared by all people.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydantic import JsonValue

from idiolect.alignment.decoding.best_of_n import best
from idiolect.evaluation import feedback
from idiolect.evaluation.diversity.design import Design
from idiolect.evaluation.diversity.measures import bigrams, sides, spread, vendi
from idiolect.evaluation.diversity.texts import Question
from idiolect.evaluation.pools import Author, Draws, draw_pool, measured
from idiolect.evaluation.protocol import Case, Rows, Run
from idiolect.evaluation.runs import code_version
from idiolect.evaluation.simulated import Person, World, persons
from idiolect.features.embedder import Embedder
from idiolect.features.space import PreferenceSpace
from idiolect.generation import Host, compose
from idiolect.generation.protocol import Person as Known
from idiolect.method import parse
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.protocol import Belief
from idiolect.schema import Array

ASKED: Final = 2  # times that a question is asked
ANSWERS: Final = 4  # to each prompt of the turns
CODE: Final = ("generation", "reward", "features", "resources", "evaluation/simulated.py", "evaluation/feedback.py")


@dataclass(frozen=True)
class Scene:
    """What everybody shares."""

    design: Design
    author: Author
    embedder: Embedder
    space: PreferenceSpace
    reward: Gaussian
    questions: Sequence[Question]
    plain: Sequence[Draws]  # to each question
    run: Run

    @property
    def candidates(self) -> int:
        """Answers that a method chooses among."""
        return parse(self.design.method).candidates or 1


@dataclass(frozen=True)
class Pupil:
    """A person, what is believed of them, and the numbers of the questions that they ask."""

    person: Person
    belief: Belief
    asks: Sequence[int]


def people_cases(scene: Scene, prompts: Sequence[str]) -> Iterator[Case]:
    """A case for each person and way of answering."""
    pupils = list(_pupils(scene, prompts))
    written = _write(scene, pupils)
    for pupil, draws in zip(pupils, written, strict=True):
        for arm, texts in _shown(scene, pupil, draws).items():
            scores = _scores(scene, pupil, texts)
            yield Case(id=f"person/{pupil.person.name}/{arm}", group=pupil.person.name, scores=scores, choice="")


def _pupils(scene: Scene, prompts: Sequence[str]) -> Iterator[Pupil]:
    design = scene.design
    pool = draw_pool(scene.author, prompts, ANSWERS, design.seed, scene.run)
    phi = measured("phi", pool, scene.space, scene.embedder, scene.run)
    world = World([each.texts for each in pool], list(phi), scene.space)
    turns = [feedback.Question(*each) for each in zip(prompts, [each.texts for each in pool], phi, strict=True)]
    for kind in design.kinds:
        for person in persons(kind, design.people, design.seed, world):
            stages = feedback.taught(person, scene.reward, turns, (design.turns,), "shown", design.seed)
            rng = np.random.default_rng((design.seed, *person.name.encode()))
            asks = sorted(rng.permutation(len(scene.questions))[: design.questions].tolist())
            yield Pupil(person, stages[design.turns].belief, asks)


def _write(scene: Scene, pupils: Sequence[Pupil]) -> list[list[Draws]]:
    """By person, by question: as many answers as all askings choose among."""
    design, author, method = scene.design, scene.author, parse(scene.design.method)
    generation = compose(method.generation or ("plain",), Host(author.model, scene.space.version, author.system))
    sittings = [(pupil, at) for pupil in pupils for at in pupil.asks]
    ids = [f"{pupil.person.name}/{scene.questions[at].text}" for pupil, at in sittings]
    key: dict[str, JsonValue] = {
        **author.key,
        "method": design.method,
        "turns": [design.turns, design.training, design.people, design.seed],
        "code": code_version(*CODE),
    }

    def write(index: int) -> Draws:
        pupil, at = sittings[index]
        mean, sd = scene.reward.weights(pupil.belief)
        known = Known((), mean, sd, scene.space.names, pupil.belief.seen)
        plain = author.request(scene.questions[at].text, "profile", design.seed, ids[index])
        return author.write(generation.prepare(plain, known).request, scene.candidates * ASKED)

    drawn = iter(scene.run.rows(Rows("profile", Draws, key, ids), write))
    return [[next(drawn) for _ in pupil.asks] for pupil in pupils]


def _shown(scene: Scene, pupil: Pupil, drawn: Sequence[Draws]) -> dict[str, list[list[str]]]:
    """By way of answering, by question: the answers to its askings."""
    found: dict[str, list[list[str]]] = {"plain": [], "choice": [], "profile": []}
    rng = np.random.default_rng((scene.design.seed, 1, *pupil.person.name.encode()))
    for at, own in zip(pupil.asks, drawn, strict=True):
        order = rng.permutation(len(scene.plain[at].answers))[: scene.candidates * ASKED].reshape(ASKED, -1)
        found["plain"].append([scene.plain[at].texts[some[0]] for some in order])
        found["choice"].append([_best(scene, pupil, [scene.plain[at].texts[i] for i in some]) for some in order])
        texts = np.array(own.texts, dtype=object).reshape(ASKED, -1)
        found["profile"].append([_best(scene, pupil, list(some)) for some in texts])
    return found


def _best(scene: Scene, pupil: Pupil, texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    scores = scene.reward.score(pupil.belief, scene.space.phi(texts, scene.embedder.embed(texts)))
    return texts[best(scores, [True] * len(texts), 0.0) or 0]


def _scores(scene: Scene, pupil: Pupil, texts: Sequence[Sequence[str]]) -> dict[str, float]:
    vectors = np.stack([scene.embedder.embed(list(own)) for own in texts])  # (questions, ASKED, dim)
    taken = np.stack([_sides(scene, at, rows) for at, rows in zip(pupil.asks, vectors, strict=True)])
    liked = [pupil.person.reward(list(own)) for own in texts]
    return {
        "topics_spread": spread(vectors[:, 0]),
        "topics_number": vendi(vectors[:, 0]),
        "answers_spread": float(np.mean([spread(rows) for rows in vectors])),
        "words": bigrams([own[0] for own in texts]),
        "views": float((taken[:, 0] != taken[:, 1]).mean()),
        "sided": float((taken != 0).mean()),
        "liked": float(np.mean(liked)),
    }


def _sides(scene: Scene, at: int, rows: Array) -> Array:
    return sides(rows, scene.embedder.embed(scene.questions[at].views), scene.design.undecided)
