"""Recall of a preference after other talk, on PrefEval (Zhao et al., 2025, arXiv 2502.09597).

A person has said `statements` things of themselves that are of other topics than the one asked about, then the
preference, then talks of other things for 10, 100 or 300 turns (`distractor_conversations.json`), from which what the
extraction reads is remembered too; then comes the question. `injected@n`: the preference is among the at most five
that are injected. `quiet_on_other_topics`: it is not, where the same person asks a question of another topic. Every
statement goes through the extraction; special categories count as consented.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, TypeAlias, TypeVar

import numpy as np
from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from idiolect.errors import BadInput, DataError
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.statistics import over_clusters
from idiolect.features.embedder import open_embedder
from idiolect.memory.extraction import extract, own_words
from idiolect.memory.recall.dense import Floats
from idiolect.memory.recall.memories import Memories
from idiolect.memory.recall.ranking import recall
from idiolect.memory.recall.settings import RecallSettings
from idiolect.memory.recall.texts import as_preference
from idiolect.schema import Array, Message, Preference

START = datetime(2026, 1, 1, tzinfo=UTC)
PAUSE = timedelta(minutes=2)  # between turns
MOST = 5
RIGHT = "right"  # id of the preference that is asked about
QUIET = 0.95  # what the cosine's threshold is chosen for
N = TypeVar("N", bound=BaseModel)


class Item(BaseModel):
    """One preference of the file with its question; other fields are never looked at."""

    preference: str
    question: str


class Talk(BaseModel):
    """A conversation about something else."""

    conversation: list[Message]


@dataclass(frozen=True)
class World:
    """What everybody's life is drawn from."""

    items: tuple[Item, ...]
    topics: tuple[str, ...]  # of each item
    talk: tuple[tuple[Preference, ...], ...]  # what was read from each turn of other talk
    vectors: Mapping[str, Floats]


@dataclass(frozen=True)
class Seen:
    """What one question brought up."""

    gated: tuple[Preference, ...]
    always: tuple[Preference, ...]
    cosine: float  # of the right one
    cosine_best: bool  # it is among the five of highest cosine


class PrefevalRecall(Bench):
    """The right preference injected after other talk, and kept out of questions on other topics."""

    needs: ClassVar[str] = "a folder of PrefEval's form: explicit_preference/ and distractor_conversations.json"
    beside: ClassVar[Mapping[str, str]] = {
        "injected@": "asked after so many turns of other talk: the right one among at most five injected",
        "quiet_on_other_topics": "asked of another topic: it is not injected",
        "mean_injected": "preferences injected into a question, right or wrong",
        "no_gate/": "baseline: the five best by the same score, always",
        "cosine/": "baseline: cosine alone, at the lowest threshold that is quiet in 95 % (an oracle)",
        "no_memory/": "baseline: nothing is remembered",
    }

    embedder: str = Field("minilm", description="Of statements and questions.")
    statements: int = Field(30, ge=1, description="Things that the person has said of other topics.")
    turns: tuple[int, ...] = Field((10, 100, 300), min_length=1, description="Of other talk before the question.")
    others: int = Field(5, ge=1, description="Questions of other topics that each person asks.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Live every person's life once for each number of turns."""
        assert data is not None
        world = self._world(data, run)
        lives = [self._life(world, index) for index in run.track(range(len(world.items)), "lives", len(world.items))]
        apart = np.sort([seen.cosine for _, others in lives for seen in others if seen.cosine_best])[::-1]
        allowed = int((1 - QUIET) * sum(len(others) for _, others in lives))
        threshold = float(apart[allowed]) if allowed < len(apart) else -1.0
        return [self._case(world, index, life, threshold) for index, life in enumerate(lives)]

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Means over preferences, which the intervals draw."""
        return {
            name: over_clusters(
                np.array([case.scores[name] for case in cases]),
                [case.id for case in cases],
                resamples=self.resamples,
                seed=self.seed,
            )
            for name in cases[0].scores
        }

    def _world(self, data: Path, run: Run) -> World:
        paths = sorted((data / "explicit_preference").glob("*.json"))
        items = [(path.stem, item) for path in paths for item in _read(path, Item)]
        if len({topic for topic, _ in items}) < 2:
            raise DataError(f"{data} holds fewer than two topics: give a folder of PrefEval's form")
        talk = [
            tuple(_heard(f"talk-{number}", own_words([message])))
            for number, message in enumerate(_turns(data / "distractor_conversations.json"))
        ]
        said = [each for _, item in items for each in _heard("said", item.preference)]
        read = [*said, *(each for turn in talk for each in turn)]
        texts = sorted({item.question for _, item in items} | {text for each in read for text in _words(each)})
        key: dict[str, JsonValue] = {
            "embedder": self.embedder,
            "texts": sha256("\x1e".join(texts).encode()).hexdigest(),
        }
        rows = run.array("vectors", key, lambda: self._embedded(texts)).astype(np.float32)
        vectors = dict(zip(texts, rows, strict=True))
        return World(tuple(item for _, item in items), tuple(topic for topic, _ in items), tuple(talk), vectors)

    def _embedded(self, texts: Sequence[str]) -> Array:
        embedder = open_embedder(self.embedder)
        if embedder is None:
            raise BadInput("prefeval-recall compares the gate with the cosine: set the embedder to minilm")
        return embedder.embed(texts)

    def _life(self, world: World, index: int) -> tuple[list[Seen], list[Seen]]:
        """The question after each number of turns; and questions of other topics after the fewest."""
        rng = np.random.default_rng([self.seed, index])
        foreign = [number for number, topic in enumerate(world.topics) if topic != world.topics[index]]
        held = [int(number) for number in rng.choice(foreign, min(self.statements, len(foreign)), replace=False)]
        first = int(rng.integers(len(world.talk)))
        asked = [int(number) for number in rng.choice(foreign, min(self.others, len(foreign)), replace=False)]
        own, apart = [], []
        for turns in self.turns:
            memories, at = _remembered(world, index, held, first, turns)
            own.append(_seen(world, memories, world.items[index].question, at))
            if turns == min(self.turns):
                apart += [_seen(world, memories, world.items[number].question, at) for number in asked]
        return own, apart

    def _case(self, world: World, index: int, life: tuple[list[Seen], list[Seen]], threshold: float) -> Case:
        own, apart = life
        scores: dict[str, float] = {}
        for row, shown in _rows(threshold).items():
            scores |= {f"{row}injected@{n}": float(shown(seen)) for n, seen in zip(self.turns, own, strict=True)}
            scores[f"{row}quiet_on_other_topics"] = float(np.mean([not shown(seen) for seen in apart]))
            if not row:
                scores["mean_injected"] = float(np.mean([len(seen.gated) for seen in (*own, *apart)]))
        injected = " | ".join(preference.text for preference in own[0].gated)
        return Case(id=f"{world.topics[index]}/{index}", group=world.topics[index], scores=scores, choice=injected)


Row: TypeAlias = Callable[[Seen], bool]


def _rows(threshold: float) -> dict[str, Row]:
    """Whether the right preference was injected, by each method."""
    return {
        "": lambda seen: _has(seen.gated),
        "no_gate/": lambda seen: _has(seen.always),
        "cosine/": lambda seen: seen.cosine_best and seen.cosine > threshold,
        "no_memory/": lambda seen: _has(()),
    }


def _has(shown: Sequence[Preference]) -> bool:
    return any(each.id == RIGHT for each in shown[:MOST])


def _heard(identifier: str, text: str) -> Iterator[Preference]:
    """What is remembered of a statement made on purpose ("said"), or of a turn of talk."""
    if identifier == "said" or (text and extract(text)):
        yield as_preference(identifier, text, START)


def _words(preference: Preference) -> list[str]:
    return [text for text in (preference.text, preference.scope) if text]


def _remembered(world: World, index: int, held: Sequence[int], first: int, turns: int) -> tuple[Memories, datetime]:
    """All that was said before the question, and when the question comes."""
    memories, at = Memories(), START
    said = [as_preference(f"other-{number}", world.items[number].preference, at) for number in held]
    said.append(as_preference(RIGHT, world.items[index].preference, at))
    for preference in said:
        _put(memories, preference.model_copy(update={"at": at}), world)
        at += PAUSE
    for turn in range(turns):
        for preference in world.talk[(first + turn) % len(world.talk)]:
            _put(memories, preference.model_copy(update={"at": at, "id": f"turn-{turn}"}), world)
        at += PAUSE
    return memories, at


def _put(memories: Memories, preference: Preference, world: World) -> None:
    scope = world.vectors[preference.scope] if preference.scope else None
    memories.add(preference, world.vectors[preference.text], scope)


def _seen(world: World, memories: Memories, question: str, at: datetime) -> Seen:
    vector = world.vectors[question]
    gated = recall(question, vector, memories, at, RecallSettings(most=MOST))
    always = recall(question, vector, memories, at, RecallSettings(most=MOST, gated=False))
    cosines = memories.statements.vectors.products(vector)
    right = next(place for place in range(len(memories)) if memories.at(place).id == RIGHT)
    return Seen(
        gated=tuple(each.preference for each in gated.preferences),
        always=tuple(each.preference for each in always.preferences),
        cosine=float(cosines[right]),
        cosine_best=bool((cosines > cosines[right]).sum() < MOST),
    )


def _turns(path: Path) -> list[Message]:
    return [message for talk in _read(path, Talk) for message in talk.conversation if message.role == "user"]


def _read(path: Path, kind: type[N]) -> list[N]:
    try:
        return TypeAdapter(list[kind]).validate_json(path.read_bytes())  # type: ignore[valid-type]  # made at run time
    except (OSError, ValidationError) as broken:
        raise DataError(f"{path} is not of PrefEval's form: {broken}") from broken
