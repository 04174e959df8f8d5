"""How long recall and remembering take for a person of whom thousands of statements are kept, in a file on the disk.

A round is a piece of life: something new is said in conversation and is on the disk; behind the turn it is embedded;
something is said on purpose, with its place in the profile; a prompt that was never seen is recalled for, and the same
once more, so that its embedding is known. At the end the store is opened anew, in this process and in fresh ones.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from os import getloadavg
from tempfile import TemporaryDirectory
from typing import Final

from idiolect.assistant import Assistant
from idiolect.evaluation.protocol import Case
from idiolect.evaluation.sayings import lived, prompts, sayings
from idiolect.features.embedder import Embedder, open_embedder
from idiolect.memory.recollection import Recollection
from idiolect.memory.remembering import heard, remember
from idiolect.memory.store import UserStore, open_store
from idiolect.schema import Answer, Candidate, Interaction, Trace, Verdict, as_messages, new_id
from idiolect.settings import Settings

USER: Final = "person-1"
WARM_UP: Final = 5  # rounds that are not counted
ANEW: Final = 3  # times that the store is opened anew, and that a fresh process starts
ANSWER: Final = "That is good to know, and I shall keep it in mind. " * 8  # as a short answer of a model
MEANINGS: Final[Mapping[str, str]] = {
    "remember_ms/": "what is said in conversation, read and on the disk; to be embedded behind the turn",
    "say_ms/": "a statement on purpose, read and on the disk, and the new profile",
    "embed_ms/": "behind the turn: embedding what was said, and keeping it",
    "recall_ms/": "recall for a new prompt, its embedding included",
    "recall_cached_ms/": "the same prompt again, its embedding known",
    "cold_ms/": "the first recall after the store is opened anew, in the same process",
    "process_ms/": "a fresh process, from its start to what it first recalls, the embedder loaded",
}
CPU: Final = "cpu_"  # of a step's name: processor time, of all threads


@dataclass
class Stopwatch:
    """Milliseconds by step, as a clock shows them and as the processor was busy."""

    scores: dict[str, float] = field(default_factory=dict)

    def __call__(self, step: str) -> "Timing":
        """Time a block."""
        return Timing(step, self.scores)


class Timing:
    """One block; `with` starts and stops it."""

    def __init__(self, step: str, scores: dict[str, float]) -> None:
        self._step, self._scores = step, scores

    def __enter__(self) -> None:
        self._busy, self._start = time.process_time(), time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._scores[self._step] = (time.perf_counter() - self._start) * 1000
        self._scores[CPU + self._step] = (time.process_time() - self._busy) * 1000


@dataclass(frozen=True)
class Life:
    """One person with so many statements, lived through so many rounds."""

    statements: int
    rounds: int
    seed: int

    @property
    def steps(self) -> int:
        """Cases that there will be."""
        return self.rounds + ANEW

    def cases(self) -> Iterator[Case]:
        """Live, round by round, in a folder that is gone at the end."""
        with TemporaryDirectory(prefix="idiolect-memory-") as folder:
            url, embedder = f"sqlite:///{folder}/memory.db", _embedder()
            texts = sayings(self.statements + 2 * (self.rounds + WARM_UP), self.seed)
            with Assistant(settings=Settings(model="scripted", store=url, embedder="minilm")) as assistant:
                person, recollection = assistant.store.user(USER), Recollection(embedder)
                lived(person, texts[: self.statements])
                recollection.prepare(person)
                said, asked = iter(texts[self.statements :]), prompts(self.seed)
                for number in range(-WARM_UP, self.rounds):
                    scores = _round(assistant, person, recollection, said, next(asked))
                    if number >= 0:
                        yield self._case("warm", number, scores)
            for number in range(ANEW):
                yield self._case("cold", number, _cold(url, embedder, next(asked)))

    def _case(self, sort: str, number: int, scores: dict[str, float]) -> Case:
        name = f"memory/{self.statements}/{sort}"
        return Case(id=f"{name}/{number}", group=name, scores={**scores, "load": getloadavg()[0]}, choice="")


def timed(cases: Sequence[Case], statements: int) -> dict[str, list[float]]:
    """Milliseconds by step of the cases of a person with so many statements."""
    found: dict[str, list[float]] = {}
    for case in cases:
        if case.group.startswith(f"memory/{statements}/"):
            for step, value in case.scores.items():
                if step != "load":
                    found.setdefault(step, []).append(value)
    return found


def first_recall(url: str, prompt: str) -> tuple[int, float]:
    """What a fresh process does for its first prompt: how much it recalled, and the processor's seconds of it all."""
    with open_store(url) as store:
        found = Recollection(open_embedder("minilm")).recall(store.user(USER), prompt)
    return len(found.preferences), time.process_time()


def interaction(text: str, user: str = USER) -> Interaction:
    """A turn in which something is said, and a model's answer to it."""
    allowed = Verdict(score=1.0)
    trace = Trace(method="plain", model="scripted", request_verdict=allowed)
    candidate = Candidate(id=new_id("cand"), text=ANSWER, verdict=allowed)
    answer = Answer(id=new_id("chatcmpl"), user=user, text=ANSWER, candidates=(candidate,), chosen=0, trace=trace)
    return Interaction(prompt=text, answer=answer)


def hear(person: UserStore, text: str) -> None:
    """Something is said in conversation, and is on the disk when this returns."""
    event = interaction(text, person.id)
    words = heard(as_messages(text), "", event.at)
    with person.transaction() as transaction:
        remember(transaction, event, words)


def _round(
    assistant: Assistant, person: UserStore, recollection: Recollection, said: Iterator[str], prompt: str
) -> dict[str, float]:
    watch, in_passing, on_purpose = Stopwatch(), next(said), next(said)
    with watch("remember"):
        hear(person, in_passing)
    with watch("embed"):
        recollection.prepare(person)
    with watch("say"):
        assistant.say(USER, on_purpose)
    recollection.prepare(person)
    with watch("recall"):
        recollection.recall(person, prompt)
    with watch("recall_cached"):
        recollection.recall(person, prompt)
    return watch.scores


def _cold(url: str, embedder: Embedder, prompt: str) -> dict[str, float]:
    watch = Stopwatch()
    embedder.embed([prompt])
    with open_store(url) as store, watch("cold"):
        Recollection(embedder).recall(store.user(USER), prompt)
    with watch("process"), ProcessPoolExecutor(1, get_context("spawn")) as pool:
        _, busy = pool.submit(first_recall, url, prompt).result()
    return {**watch.scores, f"{CPU}process": busy * 1000}  # the other process's own time, not that of waiting for it


def _embedder() -> Embedder:
    embedder = open_embedder("minilm")
    assert embedder is not None
    embedder.embed(["Good morning."])  # the weights are loaded
    return embedder
