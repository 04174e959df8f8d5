"""What recall may inject, and how much."""

from pydantic import BaseModel, ConfigDict, Field


class RecallSettings(BaseModel):
    """Of preferences and of past turns; the defaults were chosen on text that this project wrote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most: int = Field(5, ge=0, description="Preferences that are injected at most, those of style apart.")
    most_styles: int = Field(5, ge=0, description="Preferences of style that are injected at most.")
    threshold: float | None = Field(
        None, ge=0, le=1, description="Least probability that a preference bears on the prompt; None: the gate's own."
    )
    gated: bool = Field(True, description="Off, the best are injected however little they bear on the prompt.")
    tokens: int = Field(300, ge=0, description="Budget of all injected preferences, a token taken as four characters.")
    share_of_one_source: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Most of `most` that a source other than the person may fill, and of `turns` one conversation.",
    )
    half_life_days: float = Field(365, gt=0, description="After which an unpinned preference ranks as half as recent.")
    recency: float = Field(0.1, ge=0, le=1, description="Share of the score that an old preference loses at most.")
    remote_model: bool = Field(False, description="The prompt goes to another machine: what may not leave stays out.")
    sensitive_to_remote: bool = Field(False, description="Special categories may go to a remote model too.")

    turns: int = Field(2, ge=0, description="Past turns that are recalled at most, each the prompt with its answer.")
    neighbours: int = Field(
        1, ge=0, le=5, description="Turns of the same conversation to either side of a recalled one."
    )
    turn_tokens: int = Field(300, ge=0, description="Budget of all past turns, a token taken as four characters.")
    turns_to_remote: bool = Field(False, description="Past turns may go to a model on another machine.")
