"""When to stop a fit: people who are left out of it are met anew now and then, as new people will be.

Of each the first half of the choices is evidence and the second half is predicted, at the temperature that suits best:
a fit that only grows surer of itself is not worse, it can be tempered. A fit that has not become better for some looks
is stopped, and the best of the looks is taken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from idiolect.reward.checkpoint import State
from idiolect.reward.population import Population, Progress
from idiolect.reward.protocol import Asked, Chosen, PersonalReward
from idiolect.schema import Array

FEWEST = 20  # people; of fewer, none are left out
MOST = 30  # people who are left out
PAIRS = 20  # of each that are looked at
PATIENCE = 3  # looks without a better one
EVERY = 0.08  # share of the fit between two looks
TEMPERATURES = np.geomspace(1 / 4, 256, 21)


@dataclass
class EarlyStop:
    """Watches one fit, whose parameters are one flat vector. `training` are the people to fit on."""

    training: Population
    held: Population | None
    progress: Progress | None = None
    best: Array | None = None
    loss: float = np.inf
    worse: int = 0
    looked: float = -1.0

    @classmethod
    def over(cls, population: Population, share: float, seed: int, progress: Progress | None = None) -> Self:
        """Leave out this share of the people, at most `MOST`; nobody, where there are few."""
        count = min(MOST, int(share * len(population.users)))
        if len(population.users) < FEWEST or count == 0:
            return cls(population, None, progress)
        shuffled = np.random.default_rng(seed).permutation(len(population.users))
        training = population.of(sorted(shuffled[count:].tolist()))
        return cls(training, population.of(sorted(shuffled[:count].tolist())), progress)

    def told(self, done: float, place: Array, made: Callable[[Array], PersonalReward]) -> bool:
        """Whether to stop, at this share of the longest fit; `made` makes the reward of a place."""
        if done - self.looked < EVERY:
            return False
        self.looked = done
        if self.held is not None:
            self._look(place, made)
        if self.progress is not None:
            self.progress(done, "fitting" if self.held is None else f"fitting: {self.loss:.4f} nats on people left out")
        return self.worse >= PATIENCE

    def best_of(self, end: Array, made: Callable[[Array], PersonalReward]) -> Array:
        """The best place that was seen, the end included."""
        if self.held is not None:
            self._look(end, made)
        if self.progress is not None:
            self.progress(1.0, "fitted")
        return end if self.best is None else self.best

    def state(self) -> State:
        """What the looks found."""
        best = {} if self.best is None else {"best": self.best.copy()}
        return State(best, {"loss": self.loss, "worse": self.worse, "looked": self.looked})

    def resume(self, state: State) -> None:
        """Have looked so often before."""
        self.best = state.array("best") if "best" in state.arrays else None
        self.loss, self.looked, self.worse = state.number("loss"), state.number("looked"), int(state.number("worse"))

    def _look(self, place: Array, made: Callable[[Array], PersonalReward]) -> None:
        assert self.held is not None
        loss = float(few_shot_losses(made(place), self.held).min())
        if loss < self.loss - 1e-4:
            self.best, self.loss, self.worse = place.copy(), loss, 0
        else:
            self.worse += 1


def few_shot_losses(reward: PersonalReward, population: Population) -> Array:
    """Nats a choice at each of `TEMPERATURES`: each person's second half is predicted from the first."""
    order = np.argsort(population.owner, kind="stable")
    found = []
    for rows in np.split(order, np.searchsorted(population.owner[order], np.arange(1, len(population.users)))):
        asked = rows[len(rows) // 2 :][: PAIRS // 2]
        if len(asked):
            belief = reward.rebuild([_chosen(population, row) for row in rows[: min(len(rows), PAIRS) // 2]])
            pieces = [_chosen(population, row) for row in asked]
            chances = np.array([reward.probability(belief, piece.phi, piece.asked) for piece in pieces])
            safe = chances.clip(1e-12, 1 - 1e-12)
            margins = np.log(safe) - np.log1p(-safe)
            found.append(np.logaddexp(0.0, -margins / TEMPERATURES[:, None]).mean(axis=1))
    return np.mean(found, axis=0) if found else np.full(len(TEMPERATURES), np.inf)


def few_shot_loss(reward: PersonalReward, population: Population) -> float:
    """The same at the reward's own temperature."""
    return float(few_shot_losses(reward, population)[np.argmin(np.abs(np.log(TEMPERATURES)))])


def _chosen(population: Population, row: int) -> Chosen:
    phi = np.asarray(population.phi[row], dtype=np.float64)
    asked = None if population.asked is None else Asked(embedding=np.asarray(population.asked[row], dtype=np.float64))
    return Chosen(phi, float(population.weight[row]), asked)
