"""What a person chose, as rows of differences: the likelihood that all methods share which learn from choices alone.

A choice among k answers is k-1 rows, chosen minus rival, under Plackett and Luce's model (one of two: Bradley-Terry);
a tie is half a choice of each. Ratings and statements say nothing here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from idiolect.reward.protocol import Chosen, Evidence, Tied, sigmoid
from idiolect.schema import Array

ROWS, SIZES, POWERS = "rows", "sizes", "powers"  # their names among a belief's arrays


@dataclass(frozen=True)
class Choices:
    """n choices: rows (m, k) as float32, the number of rows of each choice (n,), and likelihood powers (n,)."""

    rows: NDArray[np.float32]
    sizes: NDArray[np.int32]
    powers: NDArray[np.float32]

    @classmethod
    def none(cls, k: int) -> Self:
        """Nothing chosen yet, in a space of k dimensions."""
        return cls(np.zeros((0, k), np.float32), np.zeros(0, np.int32), np.zeros(0, np.float32))

    @classmethod
    def of(cls, evidence: Sequence[Evidence], see: Callable[[Array], Array], k: int) -> Self:
        """The choices among the evidence. `see` maps phi (n, d) to what the method looks at (n, k)."""
        seen = [(see(phi), power) for piece in evidence for phi, power in chosen_and_powers(piece)]
        if not seen:
            return cls.none(k)
        return cls(
            np.concatenate([(values[0] - values[1:]) for values, _ in seen]).astype(np.float32),
            np.array([len(values) - 1 for values, _ in seen], np.int32),
            np.array([power for _, power in seen], np.float32),
        )

    @classmethod
    def kept(cls, arrays: Mapping[str, Array]) -> Self:
        """From a belief's arrays."""
        return cls(
            np.asarray(arrays[ROWS], np.float32),
            np.asarray(arrays[SIZES]).astype(np.int32),
            np.asarray(arrays[POWERS], np.float32),
        )

    def arrays(self) -> dict[str, Array]:
        """As a belief keeps them."""
        return {ROWS: narrow(self.rows), SIZES: narrow(self.sizes), POWERS: narrow(self.powers)}

    def and_(self, other: Self) -> Self:
        """Both."""
        return type(self)(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.sizes, other.sizes]),
            np.concatenate([self.powers, other.powers]),
        )

    def loss(self, w: Array) -> tuple[float, Array]:
        """sum_i c_i log(1 + sum_j exp(-w . row_ij)) and its gradient (k,)."""
        if not len(self.sizes):
            return 0.0, np.zeros_like(w)
        value, shares = self._shares(w)
        return value, -(shares @ self.rows)

    def curved_loss(self, w: Array) -> tuple[float, Array, Array]:
        """The same with its Hessian (k, k)."""
        if not len(self.sizes):
            return 0.0, np.zeros_like(w), np.zeros((len(w), len(w)))
        value, shares = self._shares(w)
        if self._pairs:
            curve = shares * (1 - shares / self.powers)
            return value, -(shares @ self.rows), (self.rows * curve[:, None]).T @ self.rows
        weighted = self.rows * shares[:, None]
        means = np.add.reduceat(weighted, self._starts, axis=0)  # c_i sum_j p_ij row_ij
        hessian = weighted.T @ self.rows - (means / self.powers[:, None].astype(np.float64)).T @ means
        return value, -weighted.sum(axis=0), hessian

    def curvature(self) -> float:
        """A bound on the largest eigenvalue of the loss's Hessian, wherever it is taken."""
        weighted = self.rows.astype(np.float64) * np.repeat(self.powers, self.sizes)[:, None]
        bound = np.where(self.sizes > 1, 1.0, 0.25)  # p (1 - p) of two; of many, no more than their weights' sum
        return float(np.linalg.norm((weighted * np.repeat(bound, self.sizes)[:, None]).T @ self.rows, ord=2))

    @cached_property
    def _pairs(self) -> bool:
        """Whether every choice was between two."""
        return len(self.rows) == len(self.sizes)

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        return np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.intp)

    def _shares(self, w: Array) -> tuple[float, Array]:
        """The loss, and of each row c_i times the chance that its rival had been chosen."""
        against = -(self.rows @ w)
        if self._pairs:
            return float(self.powers @ np.logaddexp(0.0, against)), self.powers * sigmoid(against)
        starts = self._starts
        top = np.maximum(np.maximum.reduceat(against, starts), 0.0)
        raised = np.exp(against - np.repeat(top, self.sizes))
        total = np.exp(-top) + np.add.reduceat(raised, starts)
        value = float(self.powers @ (top + np.log(total)))
        return value, raised * np.repeat(self.powers / total, self.sizes)


def narrow(values: NDArray[np.generic]) -> Array:
    """As float32, which takes half the room; whatever is computed with it is float64 again."""
    return cast("Array", values.astype(np.float32))


def chosen_and_powers(piece: Evidence) -> tuple[tuple[Array, float], ...]:
    """phi (k, d), the chosen one first, and the likelihood power; nothing for what is no choice."""
    match piece:
        case Chosen(phi=phi, weight=weight):
            return ((phi, weight),) if len(phi) > 1 else ()
        case Tied(phi=phi, weight=weight):
            return (phi, weight / 2), (phi[::-1], weight / 2)
        case _:
            return ()
