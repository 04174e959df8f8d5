"""Prompts from a file, and a pool of the plain model's answers to them, drawn once and kept in the run folder."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import JsonValue

from idiolect.errors import DataError
from idiolect.evaluation.protocol import Rows, Run
from idiolect.evaluation.runs import code_version
from idiolect.evaluation.statistics import repetition
from idiolect.features.embedder import Embedder
from idiolect.features.space import PreferenceSpace
from idiolect.models.protocol import Model, Request
from idiolect.schema import Array, Completion, Message, Noun, Sampling

LONGEST_PROMPT = 400  # characters: the bench is about answers, not about reading


class Written(Noun):
    """An answer, and its negative log-likelihood per token under the plain model where the engine tells."""

    text: str
    tokens: int
    nll: float | None

    @property
    def repetition(self) -> float:
        """The share of its 4-grams that have occurred before in it."""
        return repetition(self.text)


class Draws(Noun):
    """Answers to one prompt."""

    answers: tuple[Written, ...]

    @classmethod
    def of(cls, completions: Sequence[Completion]) -> Self:
        """As a model gave them."""
        return cls(answers=tuple(_written(each) for each in completions))

    @property
    def texts(self) -> list[str]:
        """Their words."""
        return [answer.text for answer in self.answers]

    def picked(self, at: Sequence[int]) -> "Draws":
        """Some of them."""
        return Draws(answers=tuple(self.answers[index] for index in at))


@dataclass(frozen=True)
class Author:
    """A model with how it is asked: the same system text and sampling for everybody."""

    model: Model
    sampling: Sampling
    system: str
    answers: Callable[[Request], Model] | None = None  # who writes an answer to a request; None: the model

    def request(self, prompt: str, *seed: str | int) -> Request:
        """The plain request, its chance fixed by what `seed` names."""
        number = int.from_bytes(sha256(repr(seed).encode()).digest()[:4]) // 2
        messages = (Message(role="system", content=self.system), Message(role="user", content=prompt))
        return Request(messages, self.sampling.model_copy(update={"seed": number}), extra={"logprobs": True})

    def write(self, request: Request, n: int) -> Draws:
        """n answers."""
        model = self.answers(request) if self.answers else self.model
        return Draws.of(model.complete(request, n))

    @property
    def key(self) -> dict[str, JsonValue]:
        """Everything that its answers depend on, but the request."""
        return {
            "model": self.model.fingerprint,
            "sampling": self.sampling.model_dump(mode="json"),
            "system": self.system,
        }


def read_prompts(data: Path, count: int, seed: int) -> list[str]:
    """`count` prompts in an order of chance: JSON lines with `prompt` (.jsonl, .jsonl.gz), or one a line (.txt)."""
    try:
        raw = gzip.decompress(data.read_bytes()) if data.suffix == ".gz" else data.read_bytes()
        lines = [line.strip() for line in raw.decode().split("\n") if line.strip()]
        found = lines if data.suffix == ".txt" else [str(json.loads(line)["prompt"]) for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise DataError(
            f"{data} is not a file of prompts: JSON lines with `prompt`, or .txt with one a line"
        ) from broken
    short = [prompt for prompt in dict.fromkeys(found) if len(prompt) <= LONGEST_PROMPT]
    if len(short) < count:
        raise DataError(
            f"{data} has {len(short)} prompts of at most {LONGEST_PROMPT} characters, but {count} are needed"
        )
    return [short[i] for i in np.random.default_rng(seed).permutation(len(short))[:count]]


def draw_pool(author: Author, prompts: Sequence[str], answers: int, seed: int, run: Run) -> list[Draws]:
    """`answers` plain answers to each prompt; what was drawn before is read back."""
    key: Mapping[str, JsonValue] = {**author.key, "answers": answers, "seed": seed}
    rows = Rows("pool", Draws, key, list(prompts))
    return run.rows(
        rows, lambda index: author.write(author.request(prompts[index], "pool", seed, prompts[index]), answers)
    )


def measured(name: str, draws: Sequence[Draws], space: PreferenceSpace, embedder: Embedder | None, run: Run) -> Array:
    """phi (prompts, answers, d) of a pool."""
    texts = [text for each in draws for text in each.texts]
    key: Mapping[str, JsonValue] = {
        "texts": sha256("\x1e".join(texts).encode()).hexdigest(),
        "space": space.version,
        "embedder": embedder.name if embedder else "none",
        "code": code_version("features"),
    }
    phi = run.array(name, key, lambda: space.phi(texts, embedder.embed(texts) if embedder else None))
    return phi.reshape(len(draws), -1, space.dim)


def _written(completion: Completion) -> Written:
    nll = None if completion.mean_logprob is None else -completion.mean_logprob
    return Written(text=completion.text, tokens=completion.completion_tokens, nll=nll)
