"""Recall of past turns on LoCoMo (Maharana et al., 2024, arXiv 2402.17753): are the turns that answer a question found?

A dialogue's turns are put into the index that conversations use (memory/recall/turns.py), its gate left open, one for
each utterance; each question is asked on its own, with all of its dialogue to search. A question counts if its
`evidence` names at least one turn that exists, whatever its category; the adversarial ones (category 5, which ask of
the wrong person) are shown apart too. recall@k is the share of a question's evidence turns among the k best, averaged
over questions. An evidence entry may hold several ids ("D8:6; D9:17"); each is read, and ids of no turn are left out.
`captions` adds what a shared picture shows (`blip_caption`) to its turn's text; without it, words alone.
"""

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from idiolect.errors import BadInput, DataError
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.statistics import over_clusters
from idiolect.features.embedder import open_embedder
from idiolect.memory.recall.bm25 import BM25
from idiolect.memory.recall.dense import Floats
from idiolect.memory.recall.recalled import Episode
from idiolect.memory.recall.turns import PastTurns
from idiolect.memory.recall.utterances import spoken
from idiolect.memory.recall.words import words
from idiolect.schema import Array

SESSION = re.compile(r"session_(\d+)$")
TURN = re.compile(r"D\d+:\d+")
DATE = "%I:%M %p on %d %B, %Y"
BEST = (5, 10, 25)
ADVERSARIAL = 5
RRF = 60  # Cormack et al., 2009, Reciprocal Rank Fusion


class Spoken(BaseModel):
    """A turn of the file; other fields are never looked at."""

    speaker: str
    dia_id: str
    text: str
    blip_caption: str = ""


class Asked(BaseModel):
    """A question of the file; its answer is never looked at."""

    question: str
    evidence: list[str] = Field(default_factory=list)
    category: int


CONTENT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
TURNS: TypeAdapter[list[Spoken]] = TypeAdapter(list[Spoken])
QUESTIONS: TypeAdapter[list[Asked]] = TypeAdapter(list[Asked])


@dataclass(frozen=True)
class Dialogue:
    """One conversation of many sessions."""

    name: str
    turns: tuple[Episode, ...]
    questions: tuple[tuple[Asked, tuple[int, ...]], ...]  # with the places of the evidence


class LocomoRecall(Bench):
    """Evidence turns of very long dialogues found among the 5, 10 and 25 best, without a language model."""

    needs: ClassVar[str] = "a folder of LoCoMo's dialogues, one `*.json` or `*.json.gz` each"
    beside: ClassVar[Mapping[str, str]] = {
        "recall@": "our recall of past turns, as conversations use it, its gate left open",
        "dense@": "baseline: cosine of the question with `speaker: text`",
        "bm25@": "baseline: BM25 of `speaker: text`, words as they are",
        "rrf@": "baseline: reciprocal rank fusion of these two",
        "words@": "our recall without an embedder",
        "answerable/": "ours without the adversarial questions (category 5)",
        "adversarial/": "ours on the adversarial questions alone",
    }

    embedder: str = Field("minilm", description="Of turns and questions.")
    captions: bool = Field(False, description="What a shared picture shows counts as part of its turn.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Rank every dialogue's turns for each of its questions."""
        dialogues = read_dialogues(data, self.captions) if data else []
        texts = sorted({text for dialogue in dialogues for text in _texts(dialogue)})
        key: dict[str, JsonValue] = {
            "embedder": self.embedder,
            "texts": sha256("\x1e".join(texts).encode()).hexdigest(),
        }
        rows = run.array("vectors", key, lambda: self._embedded(texts)).astype(np.float32)
        vectors = dict(zip(texts, rows, strict=True))
        return [
            case
            for dialogue in run.track(dialogues, "locomo-recall", len(dialogues))
            for case in _cases(dialogue, vectors)
        ]

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Means over questions; intervals draw sessions of evidence, whose questions hang together."""
        rows = {f"{row}@{k}": cases for row in ("recall", "dense", "bm25", "rrf", "words") for k in BEST}
        found = {name: self._mean(name, some) for name, some in rows.items()}
        adversarial = [case for case in cases if case.choice == str(ADVERSARIAL)]
        answerable = [case for case in cases if case.choice != str(ADVERSARIAL)]
        for name, some in (("answerable", answerable), ("adversarial", adversarial)):
            if some:
                found |= {f"{name}/recall@{k}": self._mean(f"recall@{k}", some) for k in BEST}
        return found

    def _mean(self, name: str, cases: Sequence[Case]) -> Figure:
        values = np.array([case.scores[name] for case in cases])
        groups = [case.group for case in cases]
        return over_clusters(values, groups, resamples=self.resamples, seed=self.seed)

    def _embedded(self, texts: Sequence[str]) -> Array:
        embedder = open_embedder(self.embedder)
        if embedder is None:
            raise BadInput("locomo-recall compares embeddings with words: set the embedder to minilm")
        return embedder.embed(texts)


def read_dialogues(folder: Path, captions: bool = False) -> list[Dialogue]:
    """Raises DataError for a folder without dialogues, or a file of another form."""
    paths = sorted([*folder.glob("*.json"), *folder.glob("*.json.gz")]) if folder.is_dir() else [folder]
    if not paths:
        raise DataError(f"{folder} holds no dialogues: give a folder of LoCoMo's *.json or *.json.gz")
    return [_dialogue(path, captions) for path in paths]


def _dialogue(path: Path, captions: bool) -> Dialogue:
    try:
        packed = path.read_bytes()
        content = CONTENT.validate_json(gzip.decompress(packed) if path.suffix == ".gz" else packed)
        content |= CONTENT.validate_python(content.get("conversation", {}))
        numbers = sorted(int(found[1]) for key in content if (found := SESSION.match(key)))
        turns = [
            _episode(turn, str(content[f"session_{number}_date_time"]), number, captions)
            for number in numbers
            for turn in TURNS.validate_python(content[f"session_{number}"])
        ]
        asked = QUESTIONS.validate_python(content["qa"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as broken:
        raise DataError(f"{path} is not a dialogue of LoCoMo's form: {broken}") from broken
    places = {turn.id: place for place, turn in enumerate(turns)}
    questions = [(each, tuple(_evidence(each, places))) for each in asked]
    return Dialogue(path.name.split(".")[0], tuple(turns), tuple(pair for pair in questions if pair[1]))


def _episode(turn: Spoken, when: str, session: int, captions: bool) -> Episode:
    at = datetime.strptime(when, DATE).replace(tzinfo=UTC)
    caption = f" [shares {turn.blip_caption}]" if captions and turn.blip_caption else ""
    return Episode(id=turn.dia_id, text=turn.text + caption, speaker=turn.speaker, at=at, talk=str(session))


def _evidence(asked: Asked, places: Mapping[str, int]) -> list[int]:
    ids = dict.fromkeys(found for entry in asked.evidence for found in TURN.findall(entry))
    return [places[each] for each in ids if each in places]


def _texts(dialogue: Dialogue) -> list[str]:
    return [*map(spoken, dialogue.turns), *(asked.question for asked, _ in dialogue.questions)]


def _cases(dialogue: Dialogue, vectors: Mapping[str, Floats]) -> list[Case]:
    turns, plain, talk = PastTurns(len(next(iter(vectors.values())))), BM25(), ""
    for turn in dialogue.turns:
        place = turns.add(turn.id, turn.at, [(turn.speaker, turn.text)], goes_on=turn.talk == talk)
        turns.put(place, 0, vectors[spoken(turn)])
        plain.add(words(spoken(turn)))
        talk = turn.talk
    matrix = np.stack([vectors[spoken(turn)] for turn in dialogue.turns])
    return [
        _case(dialogue, number, _rows(asked.question, vectors[asked.question], turns, plain, matrix))
        for number, (asked, _) in enumerate(dialogue.questions)
    ]


def _rows(question: str, vector: Floats, turns: PastTurns, plain: BM25, matrix: Floats) -> dict[str, Floats]:
    dense, bm25 = matrix @ vector, plain.scores(words(question))
    return {
        "recall": turns.ranks(question, turns.utterances.cosines(vector)),
        "dense": dense,
        "bm25": bm25,
        "rrf": 1 / (RRF + 1 + _ranks(dense)) + 1 / (RRF + 1 + _ranks(bm25)),
        "words": turns.ranks(question, None),
    }


def _case(dialogue: Dialogue, number: int, rows: Mapping[str, Floats]) -> Case:
    asked, evidence = dialogue.questions[number]
    ranks = {row: _ranks(scores)[list(evidence)] for row, scores in rows.items()}
    return Case(
        id=f"{dialogue.name}/{number}",
        group=f"{dialogue.name}/{dialogue.turns[evidence[0]].talk}",
        scores={f"{row}@{k}": float((of_row < k).mean()) for row, of_row in ranks.items() for k in BEST},
        choice=str(asked.category),
    )


def _ranks(scores: Floats) -> Floats:
    """0 for the best; of equals, the earlier turn first."""
    ranks = np.empty(len(scores), np.float32)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    return ranks
