"""Recall among bare texts, such as the lines of a file: each is read into slots as if its person had just said it."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import DataError
from idiolect.features.embedder import Embedder
from idiolect.memory.extraction import extract, stated
from idiolect.memory.recall.dense import Floats
from idiolect.memory.recall.memories import Memories
from idiolect.memory.recall.ranking import judge, recall
from idiolect.memory.recall.recalled import Recalled
from idiolect.memory.recall.settings import RecallSettings
from idiolect.schema import Preference, now

SCOPE: Final = re.compile(r"\s*((?:when|whenever|if|while|during|in|at|for|on) [^,.;]{3,60}), ", re.IGNORECASE)


class Question(BaseModel):
    """A line of the file: a prompt, and texts that may bear on it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    query: str
    memories: tuple[str, ...]


def recall_texts(
    query: str, texts: Sequence[str], embedder: Embedder | None, settings: RecallSettings | None = None
) -> tuple[Recalled, Floats]:
    """What would be injected; ids are the texts' indices. And (n,) the score of every text."""
    chosen, at = settings or RecallSettings(), now()
    memories = Memories()
    read = [as_preference(str(index), text, at) for index, text in enumerate(texts)]
    scopes = [each.scope for each in read if each.scope]
    vectors = _embedded([query, *texts, *scopes], embedder)
    of_scopes = iter(range(1 + len(texts), len(vectors)))
    for index, preference in enumerate(read):
        scope = vectors[next(of_scopes)] if preference.scope else None
        memories.add(preference, vectors[1 + index], scope)
    found = recall(query, vectors[0], memories, at, chosen)
    return found, judge(query, vectors[0], memories, at, chosen).score if texts else np.zeros(0, np.float32)


def as_preference(identifier: str, text: str, at: datetime) -> Preference:
    """A text as one statement: of the slots that are read from it the first, and style only if all of them are."""
    found = extract(text) or stated(text)
    slots = next((each for each in found if each.kind != "style"), found[0])
    opening = SCOPE.match(text)
    return Preference(
        id=identifier,
        kind=slots.kind,
        text=text,
        attribute=slots.attribute,
        polarity=slots.polarity,
        at=at,
        object=slots.object,
        topic=slots.topic,
        strength=slots.strength,
        scope=slots.scope or (opening[1] if opening else ""),
        sensitive=slots.sensitive,
    )


def recalled_lines(
    lines: Iterable[bytes], embedder: Embedder | None, settings: RecallSettings | None = None
) -> Iterator[str]:
    """A JSON line for each: `injected` (index, text, score, why) and `scores` of all. Raises DataError for others."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            question = Question.model_validate_json(line)
        except ValidationError as wrong:
            first = wrong.errors()[0]["msg"]
            raise DataError(f"line {number}: give `query` and `memories`, a list of texts ({first})") from wrong
        found, scores = recall_texts(question.query, question.memories, embedder, settings)
        injected = [
            {
                "memory": int(each.preference.id),
                "text": each.preference.text,
                "score": round(each.score, 4),
                "why": each.why,
            }
            for each in found.preferences
        ]
        rounded = [round(float(score), 4) for score in scores]
        yield json.dumps({"injected": injected, "scores": rounded}, ensure_ascii=False)


def _embedded(texts: Sequence[str], embedder: Embedder | None) -> list[Floats | None]:
    if embedder is None:
        return [None] * len(texts)
    return list(embedder.embed(texts).astype(np.float32))
