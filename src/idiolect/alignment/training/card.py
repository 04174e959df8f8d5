"""The card of a training: what was trained on what, how, and what came out. No word of a person is in it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from idiolect.errors import WeightsError
from idiolect.schema import now

CARD, README = "card.json", "README.md"


class Result(BaseModel):
    """One policy of a training, in a folder of its name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    figures: Mapping[str, float] = Field(default_factory=dict)  # before and after, on the pairs that were held out


class ModelCard(BaseModel):
    """Of one run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    method: str
    settings: Mapping[str, JsonValue]
    model: str
    fingerprint: str
    dtype: str
    pairs: int
    held_out: int
    people: int
    data: str  # sha256 of what was trained on
    contributors: tuple[str, ...] = ()  # hashed by the store that the pairs came from
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()
    seconds: float
    at: datetime = Field(default_factory=now)
    versions: Mapping[str, str] = Field(default_factory=dict)

    def text(self, about: str) -> str:
        """As a page of Markdown. `about` is what the method says of itself."""
        rows = [
            f"| {result.name} | {name.replace('_', ' ')} | {value:.4g} |"
            for result in self.results
            for name, value in result.figures.items()
        ]
        settings = [f"- `{name}` = `{value}`" for name, value in self.settings.items()]
        notes = ["", "Notes:", *(f"- {each}" for each in self.notes)] if self.notes else []
        return "\n".join(
            [
                f"# {self.method} on {self.model}",
                "",
                about,
                "",
                f"On {self.pairs} pairs of {self.people} people; {self.held_out} were held out, of other prompts",
                *notes,
                "",
                "| policy | figure | value |",
                "| --- | --- | --- |",
                *rows,
                "",
                "The boundary still judges every answer of it: no training can be trusted to keep it.",
                "",
                "Settings:",
                *settings,
                "",
            ]
        )


def read_card(folder: Path) -> ModelCard:
    """Raises WeightsError where there is no finished training."""
    try:
        return ModelCard.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as broken:
        raise WeightsError(f"{folder} holds no finished training: `idiolect train` writes one, and goes on") from broken
