"""How strong a bias on the logits may be: the largest strength whose KL to the plain model stays within a budget.

With p the plain model and b a bias, p_b = p e^b / Z, Z = E_p e^b:   KL(p_b || p) = E_b[b] - log Z   (nats per token)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idiolect.generation.token_value_table import TokenValueTable
from idiolect.schema import Array

HALVINGS = 14


@dataclass(frozen=True)
class KLMeter:
    """Mean KL over the table's contexts. Outside a context's likeliest tokens, tokens are taken by their frequency."""

    rows: NDArray[np.intp]  # (c, k) row of each context's tokens; the row after the last stands for tokens without one
    probabilities: Array  # (c, k)
    tail: Array  # (c,)
    frequency: Array  # (r + 1,), summing to one

    @classmethod
    def of(cls, table: TokenValueTable) -> "KLMeter":
        """Look up each context's tokens once."""
        rows = np.searchsorted(table.tokens, table.contexts.tokens)
        known = rows < len(table.tokens)
        known[known] = table.tokens[rows[known]] == table.contexts.tokens[known]
        return cls(
            rows=np.where(known, rows, len(table.tokens)),
            probabilities=np.exp(table.contexts.logprobs),
            tail=table.contexts.tail,
            frequency=np.append(table.frequency, max(0.0, 1.0 - table.frequency.sum())),
        )

    def kl(self, bias: Array) -> float:
        """Nats per token, for a bias (r,) on the table's rows."""
        wide = np.append(bias, 0.0)
        raised = np.exp(wide)
        weight = self.probabilities * raised[self.rows]  # (c, k)
        z = weight.sum(axis=1) + self.tail * (self.frequency @ raised)
        mean = (weight * wide[self.rows]).sum(axis=1) + self.tail * (self.frequency @ (raised * wide))
        return float(np.mean(mean / z - np.log(z)))

    def strength(self, direction: Array, budget: float, most: float) -> float:
        """The largest beta up to `most` with kl(beta * direction) within the budget."""
        if self.kl(most * direction) <= budget:
            return most
        low, high = 0.0, most
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.kl(middle * direction) <= budget else (low, middle)
        return low
