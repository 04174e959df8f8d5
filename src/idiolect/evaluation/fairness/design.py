"""The settings of the bench `fairness`."""

from typing import Literal, TypeAlias

from pydantic import Field

from idiolect.evaluation.protocol import Bench

Part: TypeAlias = Literal["memory", "boundary", "taste", "facts"]


class Design(Bench):
    """What is looked at, and how much of it."""

    parts: tuple[Part, ...] = Field(
        ("memory", "boundary", "taste", "facts"),
        min_length=1,
        description="What is measured; the last two ask a model.",
    )
    model: str = Field("starter", description="The language model.")
    embedder: str = Field("minilm", description="Of recall, the harm heads and the preference space.")
    people: int = Field(10, ge=2, description="Simulated people of each kind.")
    kinds: tuple[str, ...] = Field(("in_space", "out_of_space"), description="Kinds of simulated people.")
    choices: int = Field(10, ge=1, description="What each of them chooses before anything is predicted.")
    prompts: int = Field(16, ge=4, le=40, description="Requests that are answered, in every manner.")
    answers: int = Field(4, ge=2, le=16, description="Plain answers to each.")
    max_tokens: int = Field(32, ge=1, description="Longest answer.")
    questions: int = Field(40, ge=1, description="Factual questions, taken evenly from the list.")
    reads: Literal["likelihood", "named"] = Field(
        "likelihood", description="What is read of facts: the options' log-probabilities, or which one is named."
    )
    parallel: int = Field(8, ge=1, le=64, description="Answers that decode side by side.")
