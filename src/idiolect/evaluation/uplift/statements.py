"""One statement and nothing else: does the stated attribute of the next answer move the way that was asked?"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from idiolect.alignment.decoding.best_of_n import best
from idiolect.evaluation.pools import Draws, measured
from idiolect.evaluation.protocol import Case, Rows, Run
from idiolect.evaluation.runs import code_version
from idiolect.evaluation.statistics import wins
from idiolect.evaluation.uplift.design import Design
from idiolect.evaluation.uplift.scene import Scene
from idiolect.features.attributes import ATTRIBUTES, measure
from idiolect.generation import compose
from idiolect.generation.protocol import Person
from idiolect.memory.extraction import preferences_of
from idiolect.method import without_agent
from idiolect.reward.evidence import stated
from idiolect.reward.protocol import Belief
from idiolect.schema import Array, Preference, Statement

KIND = "statement"
CODE = ("generation", "reward", "features", "resources", "memory/extraction")
SAID = (
    "Shorter answers, please.",
    "Use longer sentences.",
    "Please use simple words.",
    "Use lists.",
    "More formal, please.",
    "Be warmer.",
    "No exclamation marks.",
    "Give me examples.",
    "Ask me questions.",
    "Be more enthusiastic.",
)


@dataclass(frozen=True)
class Told:
    """A statement, the preference that it is, and the belief that follows from it alone."""

    preference: Preference
    belief: Belief

    @property
    def attribute(self) -> str:
        """What it is about; every statement of the list is about one."""
        return self.preference.attribute or ""

    def score(self, text: str) -> float:
        """How much a text has of what was asked for."""
        return self.preference.polarity * float(measure(text)[list(ATTRIBUTES).index(self.attribute)])


def answer_statements(design: Design, scene: Scene, run: Run) -> Iterable[Case]:
    """One case for each statement and test prompt, answered by the default method."""
    if not design.statements:
        return
    told = [_told(text, scene) for text in SAID]
    asked = [(each, prompt) for each in told for prompt in range(min(design.statements, design.test_prompts))]
    drawn = _write(design, scene, asked, run)
    phi = measured("phi", drawn, scene.space, scene.embedder, run)
    for (each, prompt), draws, rows in zip(asked, drawn, phi, strict=True):
        yield _case(design, scene, each, prompt, draws, rows)


def _told(text: str, scene: Scene) -> Told:
    preference = preferences_of(Statement(text=text))[0]
    evidence = stated(preference, scene.space)
    assert evidence is not None  # the list above is of statements about an attribute
    return Told(preference, scene.reward.rebuild([evidence]))


def _write(design: Design, scene: Scene, asked: list[tuple[Told, int]], run: Run) -> list[Draws]:
    method = without_agent(design.named[0])
    n = method.candidates or 1
    generation = compose(method.generation or ("plain",), scene.parts.host)
    ids = [f"{each.preference.text}/{prompt}" for each, prompt in asked]
    code = code_version(*CODE)
    key: dict[str, JsonValue] = {**scene.author.key, **design.key, "method": method.name, "code": code}

    def write(index: int) -> Draws:
        each, prompt = asked[index]
        mean, sd = scene.reward.weights(each.belief)
        known = Person((each.preference,), mean, sd, scene.space.names, each.belief.seen)
        plain = scene.author.request(scene.prompts[prompt], KIND, design.seed, ids[index])
        return scene.author.write(generation.prepare(plain, known).request, n)

    return run.rows(Rows(KIND, Draws, key, ids), write, workers=max(1, design.parallel // n))


def _case(design: Design, scene: Scene, told: Told, prompt: int, drawn: Draws, phi: Array) -> Case:
    chosen = best(scene.reward.score(told.belief, phi), [True] * len(phi), design.kappa) or 0
    ours = told.score(drawn.answers[chosen].text)
    plain = np.array([told.score(text) for text in scene.plain[prompt].texts])
    won = wins(np.array(ours), plain)
    return Case(
        id=f"{KIND}-{told.attribute}/{design.named[0]}@1/{prompt}",
        group=f"{KIND}-{told.attribute}",
        scores={"win": float(won.mean()), "moved": float(wins(np.array(ours), plain.mean()))},
        choice=str(chosen),
    )
