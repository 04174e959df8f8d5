"""Re-scoring the likeliest tokens: a reward says which of the k that may come next should.

    score(v) = l(v) + w r(v)  over the k likeliest v; the others never come

ARGS and PAD are this with other rewards. All k continuations of all answers are scored at once.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from idiolect.models.inside import Step

if TYPE_CHECKING:
    from torch import Tensor

K = 10


class Scorer(Protocol):
    """Scores continuations."""

    def scores(self, step: Step, tokens: "Tensor") -> "Tensor":
        """The next tokens that are considered for each answer (n, k) -> r (n, k), up to a constant for each answer."""


@dataclass(frozen=True)
class TopK:
    """An addition."""

    scorer: Scorer
    weight: float
    k: int = K

    def added(self, logits: "Tensor", step: Step) -> "Tensor":
        """(n, V) -> (n, V), -inf outside the k likeliest."""
        kept, tokens = logits.topk(min(self.k, logits.shape[-1]))
        if self.weight:
            kept = kept + self.weight * self.scorer.scores(step, tokens)
        return logits.new_full(logits.shape, -float("inf")).scatter(-1, tokens, kept)
