"""All that the bench's methods share: the model, the pools of plain answers, the people, and what they have taught."""

from dataclasses import dataclass
from pathlib import Path

from idiolect.evaluation.feedback import Question, Stage, taught
from idiolect.evaluation.hosting import author_of, hosted
from idiolect.evaluation.pools import Author, Draws, draw_pool, measured, read_prompts
from idiolect.evaluation.protocol import Run
from idiolect.evaluation.simulated import Person, World, persons
from idiolect.evaluation.uplift.design import Design
from idiolect.features.embedder import Embedder
from idiolect.features.space import PreferenceSpace
from idiolect.learning import Learner
from idiolect.models import LlamaCppSettings, WhiteBoxSettings
from idiolect.parts import Parts
from idiolect.reward.gaussian import Gaussian
from idiolect.schema import Array, Sampling

PROMPT_TOKENS = 1500  # room for the longest prompt with a profile and examples before it


@dataclass(frozen=True)
class Pupil:
    """A simulated person with what is believed of them at each stage."""

    person: Person
    stages: dict[int, Stage]


@dataclass(frozen=True)
class Scene:
    """The stage, set."""

    parts: Parts  # of the loop, with the reward that people are believed by
    author: Author
    reward: Gaussian
    prompts: list[str]  # of the test
    plain: list[Draws]  # `candidates` + `opponents` answers to each
    phi: Array  # (test prompts, candidates + opponents, d)
    pupils: list[Pupil]
    questions: list[Question]  # that feedback was given on

    @property
    def space(self) -> PreferenceSpace:
        """Of all beliefs."""
        return self.parts.learner.space

    @property
    def embedder(self) -> Embedder | None:
        """Of the space's embedding part."""
        return self.parts.learner.embedder


def open_parts(design: Design) -> Parts:
    """The model, opened for everybody; whoever asks closes it."""
    llama = LlamaCppSettings(parallel=design.parallel, context=PROMPT_TOKENS + design.max_tokens)
    parts = hosted(
        design.model,
        embedder=design.embedder,
        llama=llama,
        adapters=design.adapters,
        soft_prompt=design.soft_prompt,
    )
    parts.white_box = WhiteBoxSettings(rows=design.rows)
    return parts


def set_scene(design: Design, data: Path, run: Run, parts: Parts) -> Scene:
    """Draw the pools, make the people, and let them teach."""
    space, embedder = parts.learner.space, parts.learner.embedder
    reward = Gaussian.shipped(space)
    parts.learner = Learner(reward, space, embedder)
    both = read_prompts(data, design.test_prompts + design.training, design.seed)
    test, training = both[: design.test_prompts], both[design.test_prompts :]
    author = author_of(parts, Sampling(temperature=design.temperature, max_tokens=design.max_tokens))
    plain = draw_pool(author, test, design.candidates + design.opponents, design.seed, run)
    asked = draw_pool(author, training, design.candidates, design.seed, run)
    phi = measured("phi", plain, space, embedder, run)
    asked_phi = measured("phi", asked, space, embedder, run)
    world = World([each.texts for each in (*plain, *asked)], [*phi, *asked_phi], space, design.agreement)
    questions = [Question(*each) for each in zip(training, [each.texts for each in asked], asked_phi, strict=True)]
    people = [person for kind in design.kinds for person in persons(kind, design.users, design.seed, world)]
    stages = sorted({*design.stages, *design.generated_stages})
    pupils = [
        Pupil(person, taught(person, reward, questions, stages, design.pairs, design.seed))
        for person in run.track(people, "feedback", len(people))
    ]
    return Scene(parts, author, reward, test, plain, phi, pupils, questions)
