"""The processes of a run: one, or those of `accelerate launch`, on processors without an accelerator too."""

import torch
from accelerate import PartialState


def processes() -> PartialState:
    """Of this run; accelerate itself looks for others on plain processors only when told that it is on one."""
    return PartialState(cpu=not torch.accelerator.is_available())
