"""Answers that a method writes for each sitting, through the product's own parts, and what each of them took.

Seconds are a turn's share of the machine: as many turns are under way as the engine decodes side by side. What only
puts text into the prompt is written by the engine of text, what changes something inside by the same model open.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from pydantic import JsonValue

from idiolect.choosing import Choosing
from idiolect.errors import BadInput
from idiolect.evaluation.hosting import is_moved, turn_of
from idiolect.evaluation.pools import Draws, Written
from idiolect.evaluation.protocol import Rows, Run
from idiolect.evaluation.runs import code_behind, code_version
from idiolect.evaluation.uplift.design import TAILORED, Design
from idiolect.evaluation.uplift.people import Sitting, known
from idiolect.evaluation.uplift.scene import Scene
from idiolect.evaluation.uplift.tailoring import Tailored
from idiolect.generation import GENERATION, Generation, Prepared, compose
from idiolect.generation.agent import AGENTS
from idiolect.method import Method
from idiolect.schema import Completion
from idiolect.turn import Stopwatch
from idiolect.writing import Writing

ALONE = 4  # requests for one answer that wait beside those that decode
TIMED = 8  # turns of a pooled method that are written for what they take alone
COMMON = ("reward", "features", "resources", "evaluation/simulated.py", "evaluation/lenses.py")
OPEN = {"encoding", "parameters"}  # families that work inside a model

Tailoring = dict[str, dict[str, Tailored]]  # of a person, by kind


class Answered(Draws):
    """What one turn gave, and what it took."""

    calls: int
    prompt_tokens: int
    written_tokens: int  # of all calls, what is not shown too
    seconds: float
    moved: bool  # whether the method changed anything
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Writer:
    """Writes by one generation or agent; methods that only choose among its answers share them."""

    design: Design
    scene: Scene
    run: Run
    method: Method
    n: int  # answers of each turn
    adapters: Tailoring
    preparing: Lock = field(default_factory=Lock)

    def answers(self, sittings: Sequence[Sitting]) -> list[Answered]:
        """One row for each; what was written before is read back. Raises BadInput where the method was off."""
        names = (*self.method.generation, *((self.method.agent,) if self.method.agent else ()))
        generation = compose(self.method.generation or ("plain",), self.scene.parts.host)
        workers = self._workers(names)
        made = {person: [str(each.folder) for each in own.values()] for person, own in self.adapters.items()}
        key: dict[str, JsonValue] = {
            **self.scene.author.key,
            **self.design.key,
            "method": "+".join(names),
            "n": self.n,
            "code": code_version(*COMMON, *_code(names)),
            "adapters": repr(sorted(made.items())),
            "files": [str(self.design.soft_prompt), str(self.design.adapters)],
        }

        def write(index: int) -> Answered:
            start = time.perf_counter()
            found = self._one(generation, sittings[index])
            return found.model_copy(update={"seconds": (time.perf_counter() - start) / workers})

        found = self.run.rows(Rows("+".join(names), Answered, key, [at.name for at in sittings]), write, workers)
        off = [note for each in found if not each.moved for note in each.notes]
        if off and len(off) >= len(found) and TAILORED.isdisjoint(names):
            raise BadInput(f"{'+'.join(names)} changed nothing for anybody, which is no measurement of it: {off[0]}")
        return found

    def _one(self, generation: Generation, at: Sitting) -> Answered:
        name = "+".join(self.method.generation) or "plain"
        plain = self.scene.author.request(self.scene.prompts[at.prompt], name, self.design.seed, at.name)
        adapters = self.adapters.get(at.person.name, {})
        with self.preparing:  # in order, so that what a method keeps of a person serves all their prompts
            prepared = generation.prepare(plain, known(self.design, self.scene, at, adapters))
        if self.method.agent is not None:
            return self._by_agent(prepared, at)
        written = self.scene.parts.answers(prepared.request).complete(prepared.request, self.n)
        is_told = prepared.request.messages != plain.messages
        return Answered(
            answers=tuple(_written(each, is_told=is_told) for each in written),
            calls=1,
            prompt_tokens=max(each.prompt_tokens for each in written),
            written_tokens=sum(each.completion_tokens for each in written),
            seconds=0,
            moved=is_moved(prepared, plain),
            notes=prepared.notes,
        )

    def _by_agent(self, prepared: Prepared, at: Sitting) -> Answered:
        """As the loop has an agent write, and chooses of its answers; the chosen one alone is kept."""
        parts = self.scene.parts
        turn = turn_of(parts, self.method, prepared, at.stage.belief, self.n)
        choosing = Choosing(parts.boundary, self.scene.reward, parts.told, self.design.kappa)
        written = Writing(parts, choosing).completions(turn, lambda *_: None, None)
        texts = [each.text for each in written]
        chosen = choosing.judged(turn, texts, parts.learner.phi(texts), Stopwatch()).chosen or 0
        return Answered(
            answers=(_written(written[chosen], is_told=True),),
            calls=turn.cost.calls,
            prompt_tokens=turn.cost.prompt_tokens,
            written_tokens=turn.cost.completion_tokens,
            seconds=0,
            moved=turn.cost.calls > 1,
            notes=turn.notes,
        )

    def _workers(self, names: Sequence[str]) -> int:
        families = {GENERATION[name].family for name in names if name in GENERATION}
        if families & OPEN:
            return max(1, self.design.rows // self.n)
        return max(1, ALONE // self.n + self.design.parallel // self.n)


def timed(design: Design, scene: Scene, run: Run, n: int) -> list[Answered]:
    """Turns that write n plain answers: the pool that is chosen from was drawn for everybody together."""
    method = Method(("plain",), n)
    asked = Writer(design, scene, run, method, n, {})
    first = scene.pupils[0]
    count = min(first.stages)
    return asked.answers(
        [Sitting(first.person, count, first.stages[count], prompt) for prompt in range(min(TIMED, design.test_prompts))]
    )


def _code(names: Sequence[str]) -> list[str]:
    """The files behind each method."""
    of_agents = ["generation/agent", "writing.py", "choosing.py", "turn.py"] if set(names) & set(AGENTS) else []
    own = {file for name in names if name in GENERATION for file in code_behind(GENERATION[name].__module__)}
    return [*of_agents, *sorted(file for file in own if file.startswith(("generation/", "models/")))]


def _written(completion: Completion, *, is_told: bool) -> Written:
    """The likelihood that the engine tells is the plain model's only where the model was told nothing more."""
    nll = None if is_told or completion.mean_logprob is None else -completion.mean_logprob
    return Written(text=completion.text, tokens=completion.completion_tokens, nll=nll)
