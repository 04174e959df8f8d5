"""What a turn costs besides the model's own time, and how long feedback takes until the posterior is durable.

A recited model answers at once, with answers of about a hundred tokens that are different every turn, so that all the
time that passes is ours: recall, the boundary, measuring and embedding, the choice, the store. As in life people give
feedback between turns, so that beliefs and everything made from them are new each time.

The setup `memory` is of people who have said a hundred, a thousand and ten thousand things (see memory_latency.py).
Times on a machine that others use are inflated: beside them stand the processor's own, and the load that there was.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from os import getloadavg
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from idiolect.assistant import Assistant
from idiolect.evaluation.memory_latency import CPU, MEANINGS, Life, timed
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.statistics import quantile
from idiolect.models.protocol import OnCompletion, Request
from idiolect.models.scripted import Scripted, tokens
from idiolect.models.starter import SHA256
from idiolect.schema import Answer, Candidate, Completion
from idiolect.settings import Settings

TOPICS = ("the garden", "a journey by train", "an exam in history", "a dinner for ten", "the first week of a new job")
STYLED = 8  # answers of different styles that the scripted model has
WORDS = 80  # of an answer, about 100 tokens of a language model
PEOPLE = 4
WARM_UP = 5  # turns that are not counted: caches fill, files are loaded
SETUPS = {"attributes": "none", "embedded": "minilm"}  # by the embedder
PERCENTILES = (50, 90)


class Recital(Scripted):
    """The scripted model with answers of equal length, taken for the starter, so that token values are in play."""

    max_bias_entries = 49_152

    @property
    def fingerprint(self) -> str:
        """The starter's."""
        return SHA256

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        """n answers of WORDS words each, at once: scripted ones, each going on in the next one's style."""
        written = super().complete(request, STYLED, stop=stop)
        done = [_recited([*written[at:], *written[:at]]) for at in range(n)]
        for index, completion in enumerate(done):
            if on_completion:
                on_completion(index, completion)
        return done


class Reciter(Assistant):
    """The assistant itself, with a model that takes no time."""

    def __init__(self, settings: Settings) -> None:
        """Everything but the model as the settings say."""
        super().__init__(Recital(), settings=settings)

    def rest(self) -> None:
        """Return when what goes on after an answer is done, as it is long before a person has read it."""
        self._afterwards.rest()


class Latency(Bench):
    """Milliseconds of a turn besides the model's own, of feedback until it is durable, of recall and remembering."""

    beside: ClassVar[Mapping[str, str]] = {
        "turn_ms/attributes@": "an answer from candidates of 100 tokens, all but the writing; attributes alone",
        "turn_ms/embedded@": "the same, every candidate embedded",
        "turn_ms/": "that step of it",
        "feedback_ms@": "one choice, until the posterior is on the disk",
        **MEANINGS,
        **{f"{CPU}{name}": f"{words}: the processor's time" for name, words in MEANINGS.items()},
        "load": "processes that wanted to run, over the last minute (beside the cores, above)",
    }

    setups: tuple[Literal["attributes", "embedded", "memory"], ...] = Field(
        ("attributes", "embedded", "memory"),
        min_length=1,
        description="Turns with attributes alone, turns with answers embedded too, and the memory by itself.",
    )
    turns: int = Field(60, ge=10, description="Turns that are timed, for each setup.")
    candidates: int = Field(8, ge=2, le=8, description="Answers to choose among.")
    statements: tuple[int, ...] = Field((100, 1000, 10_000), description="What the people of the memory have said.")
    rounds: int = Field(100, ge=5, description="Of remembering and recall that are timed, for each of these people.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Live through turns with feedback between them, then through years of statements."""
        turns = [setup for setup in self.setups if setup in SETUPS]
        found = [case for setup in turns for case in run.track(self._lived(setup), setup, self.turns)]
        for life in self._lives():
            found += run.track(life.cases(), f"{life.statements} statements", life.steps)
        return found

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Medians and ninetieth percentiles."""
        found: dict[str, Figure] = {}
        turns = [setup for setup in self.setups if setup in SETUPS]
        for setup in turns:
            found |= self._percentiles(f"turn_ms/{setup}", [c.scores["turn"] for c in cases if c.group == setup])
        if turns:
            found |= self._percentiles("feedback_ms", [c.scores["feedback"] for c in cases if c.group in turns])
            found |= self._steps(turns[-1], [case for case in cases if case.group == turns[-1]])
        for life in self._lives():
            for step, values in timed(cases, life.statements).items():
                found |= self._percentiles(f"{step}_ms/{life.statements}", values)
        loads = [case.scores["load"] for case in cases]
        return {**found, "load": quantile(np.array(loads), 0.5, resamples=self.resamples, seed=self.seed)}

    def _lives(self) -> list[Life]:
        people = self.statements if "memory" in self.setups else ()
        return [Life(count, self.rounds, self.seed) for count in people]

    def _steps(self, setup: str, cases: Sequence[Case]) -> dict[str, Figure]:
        found: dict[str, Figure] = {}
        for step in (name for name in cases[-1].scores if name not in ("turn", "feedback", "load")):
            found |= self._percentiles(f"turn_ms/{setup}/{step}", [case.scores[step] for case in cases])
        return found

    def _percentiles(self, name: str, values: Sequence[float]) -> dict[str, Figure]:
        measured = np.array(values)
        return {
            f"{name}@p{percent}": quantile(measured, percent / 100, resamples=self.resamples, seed=self.seed)
            for percent in PERCENTILES
        }

    def _lived(self, setup: str) -> Iterator[Case]:
        with TemporaryDirectory(prefix="idiolect-latency-") as folder:
            settings = Settings(model="scripted", store=f"sqlite:///{folder}/latency.db", embedder=SETUPS[setup])
            with Reciter(settings) as assistant:
                for turn in range(-WARM_UP, self.turns):
                    case = self._turn(assistant, setup, turn)
                    if turn >= 0:
                        yield case

    def _turn(self, assistant: Reciter, setup: str, turn: int) -> Case:
        user = f"person-{turn % PEOPLE}"
        question = f"How should I begin with plan number {turn} for {TOPICS[turn % len(TOPICS)]}?"
        start = time.perf_counter()
        answer = assistant.answer(user, question, candidates=self.candidates)
        answered = time.perf_counter()
        liked, other = _opinion(answer)
        assistant.rest()
        judged = time.perf_counter()
        assistant.prefer(user, liked, over=other)
        done = time.perf_counter()
        taken = {"turn": (answered - start) * 1000, "feedback": (done - judged) * 1000}
        scores = {**taken, **answer.trace.milliseconds, "load": getloadavg()[0]}
        return Case(id=f"{setup}/{turn}", group=setup, scores=scores, choice=str(answer.chosen))


def _opinion(answer: Answer) -> tuple[Candidate, Candidate]:
    """Somebody's choice; whose taste it is does not matter here."""
    liked = min(answer.candidates, key=lambda candidate: len(candidate.text))
    return liked, next(candidate for candidate in answer.candidates if candidate.id != liked.id)


def _recited(completions: Sequence[Completion]) -> Completion:
    words = [word for completion in completions for word in tokens(f"{completion.text}\n\n")][:WORDS]
    return completions[0].model_copy(update={"text": "".join(words), "completion_tokens": len(words)})
