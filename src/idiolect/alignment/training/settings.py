"""How weights are trained; what is said in brackets is where a number comes from. Methods add settings of their own."""

from typing import Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

Dtype: TypeAlias = Literal["", "float32", "bfloat16", "float16"]


class TrainingSettings(BaseModel):
    """Of all methods."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: NonNegativeInt = Field(8, description="r of the LoRA (P-RLHF, 2402.05133); 0 trains all weights instead.")
    alpha: PositiveInt = Field(16, description="s = alpha / r (P-RLHF).")
    modules: tuple[str, ...] = Field(("q_proj", "v_proj"), description="That the LoRA changes, in every layer.")
    rate: PositiveFloat = Field(
        5e-4, description="Of AdamW, for the starter. The papers' 5e-7 to 1e-4 are for 7 billion parameters."
    )
    weight_decay: NonNegativeFloat = Field(0.01, description="Of AdamW.")
    warmup: NonNegativeFloat = Field(0.1, le=1, description="Share of the steps, linear up; then down to 0.")
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = Field("linear", description="Of the rate.")
    clip: NonNegativeFloat = Field(1.0, description="Norm of the gradient; 0 for no limit.")
    epochs: PositiveInt = Field(1, description="Passes over the pairs.")
    steps: NonNegativeInt = Field(0, description="In place of passes, so many steps; 0: as `epochs` says.")
    batch: PositiveInt = Field(8, description="Pairs in a step, of all processes together.")
    at_once: PositiveInt = Field(4, description="Pairs that are in memory at once, in each process.")
    save_every: PositiveInt = Field(25, description="Steps between two checkpoints.")
    prompt_tokens: PositiveInt = Field(256, description="Of a prompt that are read, the newest.")
    answer_tokens: PositiveInt = Field(128, description="Of an answer that are read, its beginning.")
    held_out: NonNegativeFloat = Field(0.1, lt=1, description="Share of the prompts that tell what was learnt.")
    least: PositiveInt = Field(50, description="Pairs that are needed.")
    seed: NonNegativeInt = Field(0, description="Of the start, the order, the draws and what is held out.")
    dtype: Dtype = Field("", description="Of the weights that stay as they are; empty: what is fast on this device.")

    @model_validator(mode="after")
    def _at_once_fits(self) -> Self:
        if self.batch % min(self.at_once, self.batch):
            raise ValueError(f"at_once={self.at_once} does not divide batch={self.batch}")
        if not self.rank and self.dtype not in ("", "float32"):
            raise ValueError("rank=0 trains all weights, which takes float32")
        return self


class PairSettings(TrainingSettings):
    """Of methods that compare two answers."""

    beta: PositiveFloat = Field(0.1, description="Pull to the model as it is (DPO, 2305.18290, appendix B).")


class ObjectivesSettings(PairSettings):
    """Of methods that make preferences of objectives."""

    objectives: tuple[str, ...] = Field(min_length=1, description='By name, such as ["warmth", "less:length"].')
    noise: NonNegativeFloat = Field(
        0.0, description="Of a preference made from rewards of standard deviation 1, as Bradley and Terry's; 0: none."
    )
