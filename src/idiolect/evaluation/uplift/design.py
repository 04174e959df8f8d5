"""The settings of the bench `uplift`."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from idiolect.evaluation.protocol import Bench
from idiolect.evaluation.simulated import AGREEMENT

UNMOVED = {
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
        description="The first is the default method, whose figures have no suffix.",
    )
    kappa: float = Field(0.5, ge=0, description="Caution of the choice among candidates.")
    parallel: int = Field(8, ge=1, le=64, description="Answers that decode side by side.")

    @property
    def key(self) -> Mapping[str, JsonValue]:
        """The settings that move what is believed and drawn."""
        return self.model_dump(mode="json", exclude=UNMOVED)
