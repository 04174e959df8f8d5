"""Real answers of many models to the same prompts, with all that people and methods see of them."""

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from idiolect.errors import DataError
from idiolect.evaluation.choice.design import Crowd
from idiolect.evaluation.protocol import Run
from idiolect.evaluation.runs import code_version
from idiolect.features.embedder import Embedder, open_embedder
from idiolect.features.space import PreferenceSpace
from idiolect.schema import Array

LONGEST = 2000  # characters of a prompt; longer ones are texts to work on


@dataclass(frozen=True)
class Sheet:
    """One prompt with an answer of each model, in the order of the models."""

    prompt: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Material:
    """Sheets, those of seen prompts first, and what is measured of them."""

    models: tuple[str, ...]
    sheets: Sequence[Sheet]
    seen: int  # how many of the prompts people choose on
    phi: Array  # (prompts, models, d)
    embedded: Array  # (prompts, models, e); without an embedder e = 0
    asked: Array  # (prompts, e): of the prompts themselves

    @property
    def digest(self) -> str:
        """Of all its texts and features."""
        found = sha256("\x1e".join(text for each in self.sheets for text in (each.prompt, *each.answers)).encode())
        found.update(self.phi.tobytes())
        return found.hexdigest()[:12]


def open_material(crowd: Crowd, data: Path, run: Run) -> Material:
    """Read the file, take as many prompts as asked by chance, and measure their answers."""
    models, sheets = read_sheets(data)
    wanted = crowd.seen_prompts + crowd.unseen_prompts
    if len(sheets) < wanted:
        raise DataError(f"{data} has {len(sheets)} prompts that all models answered, but {wanted} are needed")
    taken = [sheets[i] for i in np.random.default_rng(crowd.seed).permutation(len(sheets))[:wanted]]
    space, embedder = PreferenceSpace.shipped(), open_embedder(crowd.embedder)
    embedded = np.stack([_embedded(embedder, each, run) for each in run.track(taken, "embeddings", wanted)])
    answers, asked = embedded[:, :-1], embedded[:, -1]
    texts = [text for each in taken for text in each.answers]
    key: dict[str, JsonValue] = {
        "texts": sha256("\x1e".join(texts).encode()).hexdigest(),
        "space": space.version,
        "embedder": embedder.name if embedder else "none",
        "code": code_version("features", "resources/words.toml"),
    }
    flat = answers.reshape(len(texts), -1) if embedder else None
    phi = run.array("phi", key, lambda: space.phi(texts, flat)).reshape(wanted, len(models), -1)
    return Material(models, taken, crowd.seen_prompts, phi, answers, asked)


def read_sheets(data: Path) -> tuple[tuple[str, ...], list[Sheet]]:
    """The models that answer most prompts, and the prompts that all of them answer. Raises DataError for bad files."""
    try:
        raw = gzip.decompress(data.read_bytes()) if data.suffix == ".gz" else data.read_bytes()
        rows = [json.loads(line) for line in raw.decode().split("\n") if line.strip()]
        pairs = {str(row["prompt"]): {str(k): str(v) for k, v in row["responses"].items()} for row in rows}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as broken:
        raise DataError(f"{data} is not of the form that the bench reads: {Crowd.needs}") from broken
    sets = Counter(frozenset(answers) for answers in pairs.values())
    if not sets:
        raise DataError(f"{data} holds no prompts; the bench reads {Crowd.needs}")
    models = tuple(sorted(max(sets.items(), key=lambda each: (each[1], len(each[0])))[0]))
    return models, [
        Sheet(prompt, tuple(answers[model] for model in models))
        for prompt, answers in pairs.items()
        if set(models) <= set(answers) and len(prompt) <= LONGEST
    ]


def _embedded(embedder: Embedder | None, sheet: Sheet, run: Run) -> Array:
    """(models + 1, e): of each answer and, last, of the prompt; kept prompt by prompt, since it is the long part."""
    if embedder is None:
        return np.empty((len(sheet.answers) + 1, 0))
    texts = [*sheet.answers, sheet.prompt]
    key: dict[str, JsonValue] = {
        "texts": sha256("\x1e".join(texts).encode()).hexdigest(),
        "embedder": embedder.name,
        "code": code_version("features/minilm.py"),
    }
    return run.array("embedded", key, lambda: embedder.embed(texts))
