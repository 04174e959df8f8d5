"""All that the bench's methods share: the model, the pools of plain answers, the people, and what they have taught."""

from dataclasses import dataclass
from pathlib import Path

from idiolect.evaluation.feedback import Question, Stage, taught
from idiolect.evaluation.pools import Author, Draws, draw_pool, measured, read_prompts
from idiolect.evaluation.protocol import Run
from idiolect.evaluation.simulated import Person, World, persons
from idiolect.evaluation.uplift.design import Design
from idiolect.features.embedder import Embedder, open_embedder
from idiolect.features.space import PreferenceSpace
from idiolect.models import LlamaCppSettings, open_model
from idiolect.parts import DEFAULT_SYSTEM
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

    author: Author
    space: PreferenceSpace
    embedder: Embedder | None
    reward: Gaussian
    prompts: list[str]  # of the test
    plain: list[Draws]  # `candidates` + `opponents` answers to each
    phi: Array  # (test prompts, candidates + opponents, d)
    pupils: list[Pupil]


def open_scene(design: Design, data: Path, run: Run) -> Scene:
    """Draw the pools, make the people, and let them teach."""
    space, embedder = PreferenceSpace.shipped(), open_embedder(design.embedder)
    reward = Gaussian.shipped(space)
    both = read_prompts(data, design.test_prompts + design.training, design.seed)
    test, training = both[: design.test_prompts], both[design.test_prompts :]
    author = open_author(design)
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
    return Scene(author, space, embedder, reward, test, plain, phi, pupils)


def open_author(design: Design) -> Author:
    """The model, asked the same way for everybody."""
    llama = LlamaCppSettings(parallel=design.parallel, context=PROMPT_TOKENS + design.max_tokens)
    sampling = Sampling(temperature=design.temperature, max_tokens=design.max_tokens)
    return Author(open_model(design.model, llama=llama), sampling, DEFAULT_SYSTEM)
