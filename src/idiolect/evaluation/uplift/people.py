"""What methods may know of a simulated person: the same choices for all, in the form that each method reads.

A choice is between two plain answers. A share of them, `edits`, is made by writing the liked answer in the place of the
other one: what is learnt of the person is the same, and the method `edits` reads these alone.
"""

from dataclasses import dataclass

import numpy as np

from idiolect.evaluation.feedback import Stage
from idiolect.evaluation.simulated import Person
from idiolect.evaluation.uplift.design import TAILORED, Design
from idiolect.evaluation.uplift.scene import Scene
from idiolect.evaluation.uplift.tailoring import Tailored
from idiolect.generation.protocol import Person as Known
from idiolect.memory.quotable import PastText, Rewritten
from idiolect.method import Method
from idiolect.parts import SPARE
from idiolect.schema import Array

QUOTING = {"in-context", "retrieval", "edits", "style-vector"}  # read choices, and no belief


@dataclass(frozen=True)
class Sitting:
    """One person at one stage, asked one test prompt."""

    person: Person
    count: int  # pieces of feedback
    stage: Stage
    prompt: int

    @property
    def name(self) -> str:
        """Of whom, when and what."""
        return f"{self.person.name}@{self.count}/{self.prompt}"


def sittings(design: Design, scene: Scene, method: Method) -> list[Sitting]:
    """Each person asks some of the test prompts, the same at every stage and of every method."""
    if not TAILORED.isdisjoint(method.generation):
        each = max(1, design.lora_users // len(design.kinds))
        pupils = [pupil for pupil in scene.pupils if _place(scene, pupil.person) < each]
        counts = design.generated_stages[-1:]
    else:
        is_pooled = method.agent is None and set(method.generation) <= {"plain"}
        pupils, counts = scene.pupils, design.stages if is_pooled else design.generated_stages
    return [
        Sitting(pupil.person, count, pupil.stages[count], prompt)
        for pupil in pupils
        for count in counts
        for prompt in _asked(design, pupil.person)
    ]


def known(design: Design, scene: Scene, at: Sitting, adapters: dict[str, Tailored]) -> Known:
    """All that was learnt of a person until then; nobody has said anything in words."""
    mean, sd = scene.reward.weights(at.stage.belief)
    choices, written = at.stage.choices, _written(design, at)
    read = scene.parts.settings.prompting.in_context.k + SPARE
    return Known(
        preferences=(),
        mean=mean,
        sd=sd,
        names=scene.space.names,
        evidence=at.stage.belief.seen,
        choices=choices[-read:],  # as many as the loop reads for a turn
        texts=[
            PastText(asked, chosen, "written" if is_written else "preferred")
            for (asked, chosen, _), is_written in zip(choices, written, strict=True)
        ],
        edits=[
            Rewritten(str(number), asked, rejected, chosen)
            for number, (asked, chosen, rejected) in enumerate(choices)
            if written[number]
        ],
        adapters={kind: made.folder for kind, made in adapters.items() if made.folder is not None},
    )


def kept_bytes(method: Method, at: Sitting, adapters: dict[str, Tailored]) -> int:
    """What has to be kept of a person for a method, beside their events: choices as text, beliefs as arrays."""
    reads = set(method.generation) - {"plain"}
    quoted = sum(len(text.encode()) for choice in at.stage.choices for text in choice) if reads & QUOTING else 0
    chooses = method.agent is not None or (method.candidates or 1) > 1
    believes = chooses or bool(reads - QUOTING - TAILORED)
    belief = sum(array.nbytes for array in at.stage.belief.arrays.values()) if believes else 0
    return quoted + belief + sum(made.bytes for made in adapters.values())


def _written(design: Design, at: Sitting) -> Array:
    """(n,): which of the choices were made by writing."""
    rng = np.random.default_rng((design.seed, *b"edits", *at.person.name.encode()))
    return np.array([rng.random() < design.edits for _ in at.stage.choices])


def _place(scene: Scene, person: Person) -> int:
    """Of a person among those of their kind."""
    return [pupil.person.name for pupil in scene.pupils if pupil.person.kind == person.kind].index(person.name)


def _asked(design: Design, person: Person) -> list[int]:
    rng = np.random.default_rng((design.seed, *person.name.encode()))
    return sorted(rng.permutation(design.test_prompts)[: design.prompts].tolist())
