"""How LoRAs are trained; what is said in brackets is where a number comes from."""

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt


class LoraSettings(BaseModel):
    """Of one person's LoRA. OPPU is Tan et al., 2402.04401, in its repository's scripts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: PositiveInt = Field(8, description="r (OPPU).")
    alpha: PositiveFloat = Field(8, description="s = alpha / r (OPPU).")
    modules: tuple[str, ...] = Field(("q_proj", "v_proj"), description="Changed in every layer (OPPU).")
    rate: PositiveFloat = Field(5e-4, description="Of AdamW. OPPU's 1e-4 is for 7 billion parameters and more data.")
    weight_decay: NonNegativeFloat = Field(0.01, description="Of AdamW (OPPU).")
    warmup: NonNegativeFloat = Field(0.1, description="Share of the steps, linear up and down (OPPU).")
    clip: PositiveFloat = Field(0.3, description="Norm of the gradient (OPPU).")
    epochs: NonNegativeInt = Field(3, description="At most; OPPU has 2. It ends early, see `patience`.")
    batch: PositiveInt = Field(4, description="Choices in a step. OPPU's 16 would leave 6 steps of 50 choices.")
    beta: PositiveFloat = Field(0.1, description="Pull to the model as it is (DPO, 2305.18290, appendix B).")
    words: NonNegativeFloat = Field(
        0.2, description="Weight of the preferred answer's likelihood a token (Iterative RPO, 2404.19733, has 1)."
    )
    held_out: NonNegativeFloat = Field(0.2, lt=1, description="Share of the choices that tell when to stop.")
    patience: PositiveInt = Field(1, description="Passes without a gain on what is held out, before it ends.")
    answer_tokens: PositiveInt = Field(128, description="Of an answer that are read: its beginning shows its style.")
    prompt_tokens: PositiveInt = Field(256, description="Of a prompt that are read, the newest.")
    least: NonNegativeInt = Field(20, description="Choices and edits that are needed.")
    seed: NonNegativeInt = Field(0, description="Of the start, the order and what is held out.")


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
