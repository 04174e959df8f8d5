"""The settings of the bench `uplift`."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, JsonValue, field_validator

from idiolect.errors import BadInput
from idiolect.evaluation.protocol import Bench
from idiolect.evaluation.simulated import AGREEMENT
from idiolect.generation import GENERATION
from idiolect.generation.agent import AGENTS
from idiolect.generation.parameters.registry import EXPERTS
from idiolect.method import parse

ALL = "all"  # names every method of the registry
CHOOSING = ("token-values+best-of-4", "best-of-8", "soft-best-of-8")
OF_EXPERTS = {"soups", "soups-factors"}
TAILORED = {"lora", "pieces"}  # an adapter is made for each person
MOVED_BY_NOTHING = {
    "users",
    "prompts",
    "kinds",
    "methods",
    "stages",
    "generated_stages",
    "statements",
    "kappa",
    "resamples",
    "parallel",
    "rows",
    "lora_users",
    "adapters",
    "soft_prompt",
    "found",
}


class Design(Bench):
    """Who is asked what, how often, and answered how."""

    needs: ClassVar[str] = "a file of prompts: JSON lines with `prompt` (.jsonl, .jsonl.gz), or .txt with one a line"

    model: str = Field("starter", description="The language model.")
    embedder: str = Field("minilm", description="Of the preference space's embedding part.")
    users: int = Field(20, ge=2, description="People of each kind.")
    kinds: tuple[str, ...] = Field(("in_space", "out_of_space"), description="Kinds of simulated people.")
    agreement: float = Field(AGREEMENT, gt=0.5, lt=1, description="How often people repeat a choice.")
    pairs: Literal["random", "informative", "shown"] = Field(
        "shown", description="Which two answers people compare: `shown` are those that the assistant would ask about."
    )
    training: int = Field(60, ge=1, description="Prompts that people give feedback on.")
    test_prompts: int = Field(60, ge=1, description="Test prompts in all.")
    prompts: int = Field(20, ge=1, description="How many of them each person asks.")
    candidates: int = Field(8, ge=2, le=16, description="Plain answers in the pool that may be chosen from.")
    opponents: int = Field(
        8, ge=1, le=16, description="Further plain answers, which an answer of the pool is held against."
    )
    max_tokens: int = Field(64, ge=1, description="Longest answer.")
    temperature: float = Field(0.8, ge=0, le=2, description="Of every draw.")
    stages: tuple[int, ...] = Field((0, 1, 2, 5, 10, 20, 50), description="Pieces of feedback, for pooled methods.")
    generated_stages: tuple[int, ...] = Field((10, 50), description="Pieces of feedback, for methods that write.")
    statements: int = Field(20, ge=0, description="Prompts that each statement is tried on.")
    methods: tuple[str, ...] = Field(
        ("token-values+best-of-4", "best-of-8", "token-values", "profile", "in-context"),
        min_length=1,
        description="The first is the default method, whose figures have no suffix; `all`: every one there is.",
    )
    edits: float = Field(
        0.5, ge=0, le=1, description="Share of choices made by writing the liked answer in the place of the other one."
    )
    lora_users: int = Field(8, ge=2, description="People in all for whom a LoRA is trained, after the last stage.")
    found: Path | None = Field(None, description="Where to note the method that was best, for `auto` to go by.")
    adapters: Path | None = Field(None, description="Folder with the experts that soups mix.")
    soft_prompt: Path | None = Field(None, description="A file of `idiolect models fit-soft-prompt`.")
    kappa: float = Field(0.5, ge=0, description="Caution of the choice among candidates.")
    parallel: int = Field(8, ge=1, le=64, description="Answers that decode side by side.")
    rows: int = Field(64, ge=1, description="The same, where the model is open.")

    @field_validator("methods", mode="before")
    @classmethod
    def _listed(cls, named: object) -> object:
        return named.split(",") if isinstance(named, str) else named

    @cached_property
    def named(self) -> tuple[str, ...]:
        """The methods that are measured. Raises BadInput for one that lacks what it is made from."""
        if self.methods == (ALL,):
            return tuple(name for name in _every() if not self._lack(name))
        for name in self.methods:
            if lack := self._lack(name):
                raise BadInput(f"{name} can't be measured: {lack}")
        return self.methods

    @property
    def unmeasured(self) -> str:
        """Of all methods those that lack what they are made from."""
        left = [f"{name}: {lack}" for name in _every() if (lack := self._lack(name))] if self.methods == (ALL,) else []
        return "; ".join(left)

    def _lack(self, name: str) -> str:
        """What a method is made from and these settings do not name."""
        generation = parse(name).generation
        if "soft-prompt" in generation and self.soft_prompt is None:
            return "fit a map with `idiolect models fit-soft-prompt`, and name it by --set soft_prompt=FILE"
        if OF_EXPERTS.intersection(generation) and (self.adapters is None or not (self.adapters / EXPERTS).is_dir()):
            return "train experts with `idiolect adapters expert`, and name their folder by --set adapters=FOLDER"
        return ""

    @property
    def key(self) -> Mapping[str, JsonValue]:
        """The settings that move what is believed and drawn."""
        return self.model_dump(mode="json", exclude=MOVED_BY_NOTHING)


def _every() -> tuple[str, ...]:
    return (*CHOOSING, *GENERATION, *AGENTS)
