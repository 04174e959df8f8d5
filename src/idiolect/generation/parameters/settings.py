"""How LoRAs are trained; what is said in brackets is where a number comes from."""

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt


class LoraSettings(BaseModel):
    """Of one person's LoRA. OPPU is Tan et al., 2402.04401, in its repository's scripts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: PositiveInt = Field(8, description="r (OPPU).")
    modules: tuple[str, ...] = Field(
        ("v_proj", "o_proj"),
        description="Changed (OPPU: q_proj and v_proj; of the starter's queries little is learnt).",
    )
    upper: PositiveFloat = Field(0.5, le=1, description="Share of the layers that are changed, from the last one down.")
    ridge: PositiveFloat = Field(
        1.0, description="Pull to the model as it is, in parts of what the kernel has of itself."
    )
    strength: PositiveFloat = Field(
        1.5, description="Standard deviation of h over a prompt's answers where the prompt was left out, in nats."
    )
    folds: int = Field(5, ge=2, description="Parts that are left out in turn to find the strength and the accuracy.")
    answers: int = Field(4, ge=2, description="Of a prompt that are read: the two compared, then its other candidates.")
    most: int = Field(200, ge=2, description="Answers that are read in all; the oldest prompts are left out.")
    answer_tokens: PositiveInt = Field(128, description="Of an answer that are read: its beginning shows its style.")
    prompt_tokens: PositiveInt = Field(256, description="Of a prompt that are read, the newest.")
    least: NonNegativeInt = Field(20, description="Choices and edits that are needed.")
    seed: NonNegativeInt = Field(0, description="Of A: whoever has the same differ in B alone.")


class GateSettings(BaseModel):
    """Of the gates of a sharer's pieces: Per-Pcs, Tan et al., 2406.10471, in its repository's scripts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: PositiveFloat = Field(2e-5, description="Of Adam (Per-Pcs).")
    epochs: PositiveInt = Field(2, description="Passes over the sharer's texts (Per-Pcs).")
    clip: PositiveFloat = Field(0.3, description="Norm of the gradient (Per-Pcs).")


class PieceSettings(BaseModel):
    """How a person's adapter is put together from others' pieces."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: PositiveInt = Field(3, description="Pieces for each matrix.")
    temperature: PositiveFloat = Field(1.0, description="Of the softmax over their scores (Per-Pcs).")
    latest: PositiveInt = Field(50, description="Of the person's choices and edits that are looked at (Per-Pcs).")
    least: PositiveInt = Field(2, description="Choices and edits that are needed.")
