"""The toy world in numbers: its answers, what they are worth to whom, and the best policy there can be.

    J(p) = E_p r_u - beta KL(p || ref)   over the admitted answers;   p* ~ ref exp(r_u / beta),   J* = J(p*)
    regret(p) = (J* - J(p)) / (J* - J(ref, admitted))         0: the optimum, 1: nothing was gained

An answer is one to three of four words, and an end. Its objectives are exact; `order` is no sum over words, so that no
method of single words can see it. An answer with the word `harm` is outside the boundary, whatever it is worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from idiolect.schema import Array

Words = tuple[int, ...]
TASTES: Mapping[str, tuple[float, ...]] = {  # weights of the objectives, in their order
    "warm": (1.0, -0.5, 0.0, 0.0),
    "formal": (-0.5, 1.0, 0.0, 0.0),
    "brief": (0.0, 0.0, 1.0, 0.0),
    "careful": (0.0, 0.0, -0.5, 1.0),
}


@dataclass(frozen=True)
class World:
    """Answers are numbered in one order everywhere; a distribution over them is an array (n,)."""

    words: tuple[str, ...] = ("dear", "hence", "tea", "harm")
    longest: int = 3
    objectives: tuple[str, ...] = ("warm", "formal", "concise", "order")
    beta: float = 0.25  # of J, unless one says another

    @cached_property
    def answers(self) -> tuple[Words, ...]:
        """All n = 84, as numbers of words."""
        lengths = range(1, self.longest + 1)
        return tuple(answer for length in lengths for answer in product(range(len(self.words)), repeat=length))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The same as they are read."""
        return tuple(" ".join(self.words[word] for word in answer) for answer in self.answers)

    @cached_property
    def phi(self) -> Array:
        """(n, objectives): each from 0 to 1."""
        rows = [
            (
                answer.count(0) / self.longest,
                answer.count(1) / self.longest,
                (self.longest - len(answer)) / (self.longest - 1),
                float(answer[0] == 0 and answer[-1] == 1),
            )
            for answer in self.answers
        ]
        return np.array(rows)

    @cached_property
    def admitted(self) -> NDArray[np.bool_]:
        """(n,): r_0 >= tau."""
        return np.array([len(self.words) - 1 not in answer for answer in self.answers])

    def reward(self, weights: Sequence[float]) -> Array:
        """r_u (n,), for weights of the objectives."""
        return np.asarray(self.phi @ np.asarray(weights))

    def within(self, p: Array) -> Array:
        """(n,): a distribution once the boundary has been applied."""
        kept = np.where(self.admitted, p, 0.0)
        return np.asarray(kept / kept.sum())

    def optimum(self, ref: Array, reward: Array, beta: float | None = None) -> Array:
        """(n,): p*, the boundary not applied."""
        weight = np.log(ref.clip(1e-300)) + reward / (self.beta if beta is None else beta)
        tilted = np.exp(weight - weight.max())
        return np.asarray(tilted / tilted.sum())

    def objective(self, p: Array, ref: Array, reward: Array, beta: float | None = None) -> float:
        """J(p)."""
        return float(p @ reward - (self.beta if beta is None else beta) * kl(p, ref))

    def regret(self, p: Array, ref: Array, reward: Array, beta: float | None = None) -> float:
        """Of a policy, once the boundary has been applied to it and to the reference."""
        inside, start = self.within(p), self.within(ref)
        best = self.objective(self.optimum(start, reward, beta), start, reward, beta)
        gain = best - self.objective(start, start, reward, beta)
        return (best - self.objective(inside, start, reward, beta)) / gain if gain > 0 else 0.0

    @cached_property
    def prefixes(self) -> tuple[Words, ...]:
        """The s = 85 states in which a token is chosen: what was written so far."""
        return ((), *self.answers)

    @property
    def end(self) -> int:
        """The token that ends an answer, behind the words."""
        return len(self.words)

    @cached_property
    def possible(self) -> NDArray[np.bool_]:
        """(s, words + 1): which tokens may follow. An answer has a word, and after the longest comes the end."""
        rows = np.ones((len(self.prefixes), len(self.words) + 1), dtype=bool)
        rows[0, self.end] = False
        for at, prefix in enumerate(self.prefixes):
            rows[at, : self.end] &= len(prefix) < self.longest
        return rows

    @cached_property
    def steps(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Of each answer, its (state, token) pairs, the end included."""
        at = {prefix: index for index, prefix in enumerate(self.prefixes)}
        return tuple(
            tuple((at[answer[:place]], token) for place, token in enumerate((*answer, self.end)))
            for answer in self.answers
        )

    def joint(self, logprobs: Array) -> Array:
        """(s, words + 1) log-probabilities of the next token -> (n,), normalised over the answers there are."""
        totals = np.array([sum(logprobs[state, token] for state, token in steps) for steps in self.steps])
        weight = np.exp(totals - totals.max())
        return np.asarray(weight / weight.sum())

    def conditionals(self, p: Array) -> Array:
        """(n,) -> (s, words + 1) log-probabilities of the next token; -inf where nothing can follow."""
        mass = np.zeros(self.possible.shape)
        for steps, probability in zip(self.steps, p, strict=True):
            for state, token in steps:
                mass[state, token] += probability
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(mass) - np.log(mass.sum(axis=1, keepdims=True).clip(1e-300)))

    def values(self, p: Array, reward: Array) -> Array:
        """(s, words + 1): E_p[r | prefix and next token], what is to be expected once a token was chosen."""
        total, mass = np.zeros(self.possible.shape), np.zeros(self.possible.shape)
        for steps, probability, worth in zip(self.steps, p, reward, strict=True):
            for state, token in steps:
                total[state, token] += probability * worth
                mass[state, token] += probability
        return np.asarray(total / mass.clip(1e-300))


def kl(p: Array, q: Array) -> float:
    """KL(p || q) in nats."""
    seen = p > 0
    return float(p[seen] @ (np.log(p[seen]) - np.log(q[seen].clip(1e-300))))


WORLD = World()
