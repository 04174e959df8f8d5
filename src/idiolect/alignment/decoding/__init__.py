"""Inference-time alignment: what is done while an answer is written or chosen."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from idiolect.alignment.decoding.best_of_n import best
from idiolect.alignment.decoding.soft_best_of_n import soft
from idiolect.reward.protocol import Scores

__all__ = ["CHOOSERS", "Chooser"]

Chooser: TypeAlias = Callable[[Scores, Sequence[bool], float], int | None]
"""Scores of n answers, which of them are admitted, and kappa -> the chosen one; None when none is admitted."""

CHOOSERS: dict[str, Chooser] = {"best-of": best, "soft-best-of": soft}
