"""Answers of the plain model with their tokens: what token values are fitted from. JSON lines, one answer each."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import BadInput, DataError
from idiolect.models.llamacpp import LlamaCpp
from idiolect.models.protocol import Model, Request
from idiolect.schema import Message, Sampling

LIKELIEST = 64  # tokens kept at a position
EVERY = 16  # positions: neighbours tell much the same
DIGITS = 4


class Sample(BaseModel):
    """One answer of the plain model."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt: str
    text: str
    ids: tuple[int, ...]  # with the end-of-turn token, where the answer came to its end
    top: tuple[tuple[tuple[int, float], ...], ...] | None = None  # at some positions: the likeliest tokens, in nats


def read_samples(path: Path) -> list[Sample]:
    """Raises DataError for a line of another form."""
    samples: list[Sample] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            samples.append(Sample.model_validate_json(line))
        except ValidationError as wrong:
            first = wrong.errors()[0]
            raise DataError(
                f"{path}, line {number}: not an answer with token ids ({first['msg']}); "
                "write such a file with `idiolect models sample`"
            ) from wrong
    return samples


def draw_samples(model: Model, prompts: Sequence[str], answers: int, sampling: Sampling) -> Iterator[list[Sample]]:
    """For each prompt, `answers` answers of the plain model, and one more of which the likeliest tokens are kept.

    Raises BadInput for a model that does not tell its tokens.
    """
    if not isinstance(model, LlamaCpp):
        raise BadInput(f"{model.name} does not tell the tokens it writes: sample from a model in a GGUF file")
    for prompt in prompts:
        chance = sha256(
            f"{sampling.seed}\n{prompt}".encode()
        ).digest()  # of the prompt, so that a stopped run can go on
        seeded = sampling.model_copy(update={"seed": int.from_bytes(chance[:3])})
        request = Request((Message(role="user", content=prompt),), seeded)
        *plain, last = model.spelled(request, answers + 1, LIKELIEST)
        told = tuple(tuple((token, round(nats, DIGITS)) for token, nats in place) for place in last.likeliest[::EVERY])
        drawn = [Sample(prompt=prompt, text=each.text, ids=each.ids) for each in plain]
        yield [*drawn, Sample(prompt=prompt, text=last.text, ids=last.ids, top=told)]


def append_samples(samples: Iterable[Sample], path: Path) -> None:
    """One line each, at the end of the file."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(sample.model_dump_json(exclude_none=True) + "\n" for sample in samples)
