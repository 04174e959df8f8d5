"""Blending: log-probabilities in several contexts, each times a number.

    log p(v) = sum_c a_c log p_c(v) + const,   where the tokens outside the first context's nucleus never come

Context steering, linear alignment, Amulet, MOD under reverse KL, Drift and autoregressive rewards are this with other
numbers (see their files). Constants drop out, so that raw logits serve: one pass over the vocabulary for a context.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

WIDEST = 512  # tokens of a nucleus; what lies behind the 512th never comes


@dataclass(frozen=True)
class Blend:
    """A mixing."""

    coefficients: tuple[float, ...]  # of each context
    nucleus: float = 1.0  # 1: every token may come

    def mixed(self, said: "Tensor") -> "Tensor":
        """(contexts, n, V) -> (n, V); a context with 0 is left out, whatever it says."""
        used = [(a, logits) for a, logits in zip(self.coefficients, said, strict=True) if a]
        (first, logits), rest = used[0], used[1:]
        blended = logits if first == 1.0 else logits * first
        for a, logits in rest:
            blended = blended.add(logits, alpha=a)
        return blended if self.nucleus >= 1.0 else within(blended, said[0], self.nucleus)


def within(logits: "Tensor", of: "Tensor", nucleus: float) -> "Tensor":
    """Logits (n, V), -inf outside the fewest tokens that hold this share of what `of` (n, V) says."""
    likeliest, tokens = of.topk(min(WIDEST, of.shape[-1]))
    shares = (likeliest - of.logsumexp(-1, keepdim=True)).exp()
    is_out = shares.cumsum(-1) - shares >= nucleus
    kept = logits.gather(-1, tokens).masked_fill(is_out, -float("inf"))
    return logits.new_full(logits.shape, -float("inf")).scatter(-1, tokens, kept)
