"""How much of the machine an open model may take."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class WhiteBoxSettings:
    """Settings of one open model."""

    rows: int = 16  # answers, times their contexts, that decode at once; more wait
    context: int = 2048  # tokens of prompt and answer together; less where the model has less
    device: str = ""  # cuda, mps or cpu; empty: the first of them that is there
    dtype: Literal["", "float32", "bfloat16", "float16"] = ""  # empty: what is fast on this device
    prefix_mib: int = 256  # of memory for the prompts of conversations that are not being answered
    adapters: int = 16  # LoRAs that stay loaded
