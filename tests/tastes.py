"""People whose taste is known exactly: a weight of each feature, and pairs of which the better one was chosen."""

from collections.abc import Sequence

import numpy as np

from idiolect.reward.population import Population
from idiolect.schema import Array


def choices(taste: Array, count: int, seed: int) -> Array:
    """(count, 2, d) pairs, the one that the taste prefers first."""
    phi = np.random.default_rng(seed).normal(size=(count, 2, len(taste)))
    wrong = (phi[:, 0] - phi[:, 1]) @ taste < 0
    phi[wrong] = phi[wrong][:, ::-1]
    return np.asarray(phi)


def people_of(tastes: Sequence[Array], pairs: int) -> Population:
    """One person of each taste, with so many choices."""
    phi = np.concatenate([choices(taste, pairs, seed) for seed, taste in enumerate(tastes)]).astype(np.float32)
    owner = np.repeat(np.arange(len(tastes), dtype=np.int32), pairs)
    return Population(tuple(f"p{n}" for n in range(len(tastes))), phi, owner, np.ones(len(phi), np.float32))
