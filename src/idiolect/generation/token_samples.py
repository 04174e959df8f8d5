"""Answers of the plain model with their tokens: what token values are fitted from. JSON lines, one answer each."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from idiolect.errors import DataError


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
                "write such a file with `idiolect models fit-token-values`"
            ) from wrong
    return samples


def write_samples(samples: Iterable[Sample], path: Path) -> None:
    """One line each."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(sample.model_dump_json(exclude_none=True) + "\n" for sample in samples)
