"""Everybody is answered every test prompt by every method, and their r* says how good the answers are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from idiolect.alignment.decoding.best_of_n import best
from idiolect.evaluation.feedback import Stage
from idiolect.evaluation.pools import Draws, Written, measured
from idiolect.evaluation.protocol import Case, Rows, Run
from idiolect.evaluation.runs import code_version
from idiolect.evaluation.simulated import Person
from idiolect.evaluation.statistics import wins
from idiolect.evaluation.uplift.design import Design
from idiolect.evaluation.uplift.scene import Scene
from idiolect.generation import Host, compose
from idiolect.generation.protocol import Person as Known
from idiolect.method import Method, without_agent
from idiolect.schema import Array

PLAIN = ((), ("plain",))
ALONE = 4  # requests for one answer that are kept under way, so that they decode side by side
CODE = (
    "generation",
    "reward",
    "features",
    "resources",
    "evaluation/simulated.py",
    "evaluation/lenses.py",
    "evaluation/feedback.py",
)


@dataclass(frozen=True)
class Sitting:
    """One person at one stage, asked one test prompt."""

    person: Person
    count: int  # pieces of feedback
    stage: Stage
    prompt: int


@dataclass(frozen=True)
class Offer:
    """Candidates with their phi (n, d), and the plain answers that the chosen one is held against."""

    candidates: Draws
    phi: Array
    opponents: Draws


def answer_everybody(design: Design, scene: Scene, run: Run) -> Iterable[Case]:
    """One case for each method, person, stage and test prompt."""
    written: dict[tuple[str, ...], list[Draws]] = {}
    for name in design.methods:
        method = without_agent(name)
        if method.generation in PLAIN:
            sittings = _sittings(design, scene, design.stages)
            n = min(method.candidates or 1, design.candidates)
            offers = [_pooled(design, scene, each, n) for each in sittings]
        else:
            sittings = _sittings(design, scene, design.generated_stages)
            if method.generation not in written:
                written[method.generation] = _write(design, scene, method, sittings, run)
            drawn = [Draws(answers=each.answers[: method.candidates or 1]) for each in written[method.generation]]
            phi = measured("phi", drawn, scene.space, scene.embedder, run)
            plain = [scene.plain[each.prompt] for each in sittings]
            offers = [Offer(*each) for each in zip(drawn, phi, plain, strict=True)]
        yield from (_case(design, scene, name, *each) for each in zip(sittings, offers, strict=True))


def _sittings(design: Design, scene: Scene, counts: Sequence[int]) -> list[Sitting]:
    """Each person asks some of the test prompts, the same at every stage."""
    return [
        Sitting(pupil.person, count, pupil.stages[count], prompt)
        for pupil in scene.pupils
        for count in counts
        for prompt in _asked(design, pupil.person)
    ]


def _asked(design: Design, person: Person) -> list[int]:
    rng = np.random.default_rng((design.seed, *person.name.encode()))
    return sorted(rng.permutation(design.test_prompts)[: design.prompts].tolist())


def _pooled(design: Design, scene: Scene, at: Sitting, n: int) -> Offer:
    """Candidates and opponents from one pool, never the same answer, and split anew for every person and prompt."""
    rng = np.random.default_rng((design.seed, at.prompt, *at.person.name.encode()))
    order, pool = rng.permutation(design.candidates + design.opponents).tolist(), scene.plain[at.prompt]
    mine, others = order[:n], order[design.candidates :]
    return Offer(pool.picked(mine), scene.phi[at.prompt, mine], pool.picked(others))


def _write(design: Design, scene: Scene, method: Method, sittings: Sequence[Sitting], run: Run) -> list[Draws]:
    """Answers as this generation writes them for each sitting, as many as its greediest method chooses among."""
    same = [without_agent(name) for name in design.methods if without_agent(name).generation == method.generation]
    n = max(each.candidates or 1 for each in same)
    generation = compose(method.generation, Host(scene.author.model, scene.space.version, scene.author.system))
    ids = [f"{each.person.name}@{each.count}/{each.prompt}" for each in sittings]
    name = "+".join(method.generation)
    key: dict[str, JsonValue] = {**scene.author.key, **design.key, "method": name, "n": n, "code": code_version(*CODE)}

    def write(index: int) -> Draws:
        each = sittings[index]
        mean, sd = scene.reward.weights(each.stage.belief)
        known = Known((), mean, sd, scene.space.names, each.stage.belief.seen, each.stage.choices)
        plain = scene.author.request(scene.prompts[each.prompt], name, design.seed, ids[index])
        return scene.author.write(generation.prepare(plain, known).request, n)

    return run.rows(Rows(name, Draws, key, ids), write, workers=max(1, ALONE // n + design.parallel // n))


def _case(design: Design, scene: Scene, name: str, at: Sitting, offer: Offer) -> Case:
    scores = scene.reward.score(at.stage.belief, offer.phi)
    chosen = best(scores, [True] * len(offer.phi), design.kappa) or 0
    shown, pool = offer.candidates.answers[chosen], scene.plain[at.prompt]
    reward = float(at.person.reward([shown.text])[0])
    won = wins(np.array(reward), at.person.reward(offer.opponents.texts))
    return Case(
        id=f"{at.person.name}/{name}@{at.count}/{at.prompt}",
        group=at.person.name,
        scores={
            "win": float(won.mean()),
            "reward": reward,
            "fit": at.person.fit,
            "tokens": shown.tokens,
            "repetition": shown.repetition,
            "plain_repetition": float(np.mean([each.repetition for each in pool.answers])),
            **_likelihood(shown, pool),
        },
        choice=str(chosen),
    )


def _likelihood(shown: Written, drawn: Draws) -> dict[str, float]:
    plain = [each.nll for each in drawn.answers if each.nll is not None]
    return {} if shown.nll is None or not plain else {"nll": shown.nll, "plain_nll": float(np.mean(plain))}
