"""Of n answers to one prompt: what the boundary says, what the person's reward says, and which is chosen."""

from dataclasses import dataclass

from idiolect.reward.protocol import Scores
from idiolect.schema import Array, Verdict


@dataclass(frozen=True)
class Judged:
    """`scores` count what was said in words too: `told` (m, n) is what each of m statements adds to each answer."""

    phi: Array  # (n, d)
    verdicts: tuple[Verdict, ...]
    admitted: tuple[bool, ...]  # r_0 >= tau
    told: Array
    scores: Scores
    chosen: int | None  # None where none is admitted
