"""Objectives by name: what an answer is worth to one of them.

A file of pairs may bring the rewards of its answers (see data.py). Others are named attributes of an answer, as the
preference space standardises them: `warmth` for more of it, `less:length` for less.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from idiolect.alignment.training.data import Pair
from idiolect.alignment.training.protocol import Job, Scorer
from idiolect.errors import BadInput, UnknownMethod
from idiolect.features.attributes import ATTRIBUTES
from idiolect.features.space import PreferenceSpace
from idiolect.reward.protocol import sigmoid
from idiolect.schema import Array

LESS = "less:"


class Attribute:
    """One attribute of answers, more of it or less."""

    def __init__(self, name: str) -> None:
        attribute = name.removeprefix(LESS)
        self._column = list(ATTRIBUTES).index(attribute)
        self._sign = -1.0 if name.startswith(LESS) else 1.0

    def __call__(self, prompt: str, answers: Sequence[str]) -> Array:
        """(n,), in standard deviations among answers to one prompt."""
        return self._sign * PreferenceSpace.shipped().phi(answers, None)[:, self._column]


SCORERS: Mapping[str, Scorer] = {
    f"{before}{name}": Attribute(f"{before}{name}") for before in ("", LESS) for name in ATTRIBUTES
}


def scorer(job: Job, name: str) -> Scorer:
    """Raises UnknownMethod."""
    if name not in job.scorers:
        plain = [each for each in job.scorers if not each.startswith(LESS)]
        raise UnknownMethod(
            f"no objective named {name!r} that any answer can be asked for; there are: {', '.join(plain)}, each also "
            f"as {LESS}NAME"
        )
    return job.scorers[name]


def rewards(job: Job, pairs: Sequence[Pair], names: Sequence[str]) -> Array:
    """(n, 2, m): of the preferred answer and the other, by objective; each objective with standard deviation 1."""
    found = worth(job, pairs, names)
    return np.asarray(found / found.reshape(-1, len(names)).std(axis=0))


def odds(gains: Array, noise: float) -> Array:
    """(n, m): how likely each objective prefers the first answer, by what it gains; without noise the better one."""
    if not noise:
        return np.asarray(0.5 + 0.5 * np.sign(gains))
    return sigmoid(gains / noise)


def worth(job: Job, pairs: Sequence[Pair], names: Sequence[str]) -> Array:
    """The same as they come.

    Raises UnknownMethod for an objective that neither the pairs bring nor answers can be asked for, and BadInput for
    one that does not vary.
    """
    found = np.stack([_of(job, pairs, name) for name in names], axis=-1)
    for name, sd in zip(names, found.reshape(-1, len(names)).std(axis=0), strict=True):
        if sd == 0:
            raise BadInput(f"all answers are worth the same to the objective {name!r}: leave it out, or bring others")
    return found


def normalised(job: Job, weights: Mapping[str, float]) -> dict[str, float]:
    """Weights that sum to 1; says so where they did not. Raises BadInput for negative ones, or none above 0."""
    total = sum(weights.values())
    if not weights or min(weights.values()) < 0 or not 0 < total < float("inf"):
        raise BadInput(f"weights of objectives are not negative, and one is above 0: {dict(weights)}")
    if abs(total - 1) > 1e-9:
        job.notes.append(f"the weights summed to {total:g}, and were divided by it")
    return {name: weight / total for name, weight in weights.items()}


def _of(job: Job, pairs: Sequence[Pair], name: str) -> Array:
    """(n, 2)"""
    if all(name in pair.rewards for pair in pairs):
        return np.array([pair.rewards[name] for pair in pairs])
    score = scorer(job, name)
    return np.array([score(pair.prompt, [pair.chosen, pair.rejected]) for pair in pairs])
