"""The settings of the bench `diversity`."""

from pydantic import Field

from idiolect.evaluation.protocol import Bench


class Design(Bench):
    """Who is asked what after how many turns, and answered how."""

    model: str = Field("starter", description="The language model.")
    embedder: str = Field("minilm", description="Of the spread of answers, their views, and recall.")
    method: str = Field("token-values+best-of-4", description="How people are answered once they are known.")
    people: int = Field(4, ge=2, description="Simulated people of each kind.")
    kinds: tuple[str, ...] = Field(("in_space", "out_of_space"), description="Kinds of simulated people.")
    turns: int = Field(100, ge=1, description="Turns, each with a choice between two answers.")
    training: int = Field(24, ge=4, le=100, description="Prompts of those turns; asked again when all were asked.")
    questions: int = Field(10, ge=2, le=30, description="Questions of opinion that each person asks, twice.")
    max_tokens: int = Field(32, ge=1, description="Longest answer.")
    temperature: float = Field(0.8, ge=0, le=2, description="Of every draw.")
    undecided: float = Field(0.02, ge=0, description="Difference of cosines up to which an answer takes no side.")
    parallel: int = Field(8, ge=1, le=64, description="Answers that decode side by side.")
