"""What the default personal reward costs in memory and time: one update, a rebuild, scores of many for many.

Simulated choices in the space of `dim` directions, without a store. A timing is the median of `repeats`; on a machine
that others use the smallest is nearer to the processor's own time, so it stands beside.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.statistics import quantile
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.prior import Prior
from idiolect.reward.protocol import Chosen, sigmoid
from idiolect.schema import Array

MICRO, MILLI = 1e6, 1e3
UPDATES = 20  # to a timing


class RewardSpeed(Bench):
    """Microseconds of an update, milliseconds of a rebuild, bytes of a person, scores a second."""

    beside: ClassVar[Mapping[str, str]] = {
        "update_us": "one choice folded into a belief in memory",
        "rebuild_ms": "a belief from all of this many choices",
        "bytes_a_user": "what is kept of a person",
        "scores_a_second": "answers scored for people in one product, features given",
    }

    dim: int = Field(64, ge=2, description="Directions of the preference space.")
    rebuilt: tuple[int, ...] = Field((5, 50, 200), min_length=1, description="Choices that a rebuild is of.")
    repeats: int = Field(200, ge=10, description="Timings of each.")
    crowd: int = Field(1000, ge=1, description="People, and answers, of the scores.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Time each many times, one after the other in turn, so that a busy moment hits all alike."""
        rng = np.random.default_rng(self.seed)
        reward = Gaussian((Prior.independent(np.full(self.dim, 0.3)),))
        choices = list(_choices(self.dim, max(self.rebuilt), rng))
        belief = reward.rebuild(choices[: self.rebuilt[0]])
        people, answers = rng.normal(size=(self.crowd, self.dim)), rng.normal(size=(self.crowd, self.dim))
        timed: dict[str, tuple[float, Callable[[], object]]] = {
            "update_us": (MICRO / UPDATES, lambda: [reward.update(belief, each) for each in choices[:UPDATES]]),
            "scoring_ms": (MILLI, lambda: people @ answers.T),
        }
        for n in self.rebuilt:
            timed[f"rebuild_ms@{n}"] = (MILLI, partial(reward.rebuild, choices[:n]))
        found = [
            Case(
                id=f"{turn}",
                group=f"{turn}",
                scores={name: unit * _seconds(what) for name, (unit, what) in timed.items()},
                choice="",
            )
            for turn in run.track(range(self.repeats), "timing", self.repeats)
        ]
        kept = float(sum(array.nbytes for array in belief.arrays.values()))
        return [*found, Case(id="room", group="room", scores={"bytes_a_user": kept}, choice="")]

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Medians, and the smallest."""
        columns = {name: np.array([case.scores[name] for case in cases[:-1]]) for name in cases[0].scores}
        scoring = columns.pop("scoring_ms")
        columns["scores_a_second"] = self.crowd**2 / (scoring / MILLI)
        found = dict[str, Figure]()
        for name, values in columns.items():
            found[name] = quantile(values, 0.5, resamples=self.resamples, seed=self.seed)
            best = float(values.max() if name == "scores_a_second" else values.min())
            found[f"{name}/best"] = Figure(value=best, low=best, high=best, n=len(values))
        room = cases[-1].scores["bytes_a_user"]
        return {**found, "bytes_a_user": Figure(value=room, low=room, high=room, n=1)}


def _choices(dim: int, count: int, rng: np.random.Generator) -> Iterator[Chosen]:
    taste: Array = rng.normal(size=dim) * 0.3
    for _ in range(count):
        phi = rng.normal(size=(2, dim))
        first = rng.random() < sigmoid(np.array((phi[0] - phi[1]) @ taste))
        yield Chosen(phi if first else phi[::-1])


def _seconds(what: Callable[[], object]) -> float:
    start = time.perf_counter()
    what()
    return time.perf_counter() - start
