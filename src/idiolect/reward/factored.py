"""What rewards have in common that are linear in a few shared directions: r_u = z_u . B phi.

Shared: B (k, d).  Per user: z (k,), and the choices in the k directions, from which every new one refits it; no order
of the evidence can change it. Only choices are learnt from: ratings and statements are counted and leave z as it is.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from idiolect.errors import DataError, FeatureMismatch
from idiolect.reward.choices import Choices
from idiolect.reward.protocol import Asked, Belief, Evidence, FittedReward, LinearReward, Scores
from idiolect.schema import Array

Z, COV = "z", "cov"


class FactoredReward(LinearReward, FittedReward):
    """`basis` is B (k, d); a belief holds `z` (k,), its choices, and `cov` (k, k) where there is one."""

    name: str
    basis: Array
    settings: BaseModel
    gain: float = 1.0  # multiplies the finished reward; z is fitted without it

    @abstractmethod
    def settled(self, choices: Choices) -> dict[str, Array]:
        """`z`, and `cov` if it is known, given all the choices."""

    @property
    def version(self) -> str:
        """The method's name with a hash of what it shares."""
        return versioned(self.name, self.arrays(), self.settings)

    def prior(self) -> Belief:
        """No choices yet."""
        return self._belief(Choices.none(len(self.basis)), 0)

    def update(self, belief: Belief, evidence: Evidence) -> Belief:
        """Fold in one piece: a refit of z from all the choices."""
        fresh = Choices.of([evidence], self._seen, len(self.basis))
        if not len(fresh.sizes):
            return Belief(belief.arrays, belief.seen + 1)
        return self._belief(Choices.kept(belief.arrays).and_(fresh), belief.seen + 1)

    def rebuild(self, evidence: Sequence[Evidence]) -> Belief:
        """The belief from all the evidence at once."""
        return self._belief(Choices.of(evidence, self._seen, len(self.basis)), len(evidence))

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> mean and sd (n,) of each answer's reward above the mean of the n."""
        centred = self._seen(phi - phi.mean(axis=0))
        return Scores(self.gain * (centred @ belief.arrays[Z]), np.sqrt(self._variance(belief, centred)))

    def difference(self, belief: Belief, phi: Array, asked: Asked | None = None) -> tuple[float, float]:
        """Mean and variance of r_u(phi[0]) - r_u(phi[1])."""
        delta = self._seen(phi[:1] - phi[1:2])
        return self.gain * float(delta[0] @ belief.arrays[Z]), float(self._variance(belief, delta)[0])

    def weights(self, belief: Belief) -> tuple[Array, Array]:
        """Mean and sd (d,) of the weights of the preference space; sd is 0 where z is a point."""
        return self.gain * (self.basis.T @ belief.arrays[Z]), np.sqrt(self._variance(belief, self.basis.T))

    def weight_matrix(self, beliefs: Sequence[Belief]) -> NDArray[np.float32]:
        """(u, d): the mean weights of u people, in one product."""
        return (self.gain * np.stack([belief.arrays[Z] for belief in beliefs]) @ self.basis).astype(np.float32)

    def _variance(self, belief: Belief, rows: Array) -> Array:
        if COV not in belief.arrays:
            return np.zeros(len(rows))
        return np.asarray(self.gain**2 * np.einsum("nk,kl,nl->n", rows, belief.arrays[COV], rows).clip(0))

    def _belief(self, choices: Choices, seen: int) -> Belief:
        return Belief({**self.settled(choices), **choices.arrays()}, seen)

    def _seen(self, phi: Array) -> Array:
        """(n, d) -> (n, k)"""
        same_dim(phi, self.basis.shape[1])
        return np.asarray(phi @ self.basis.T, dtype=np.float64)


def same_dim(phi: Array, dim: int) -> None:
    """Raises FeatureMismatch for features of another space."""
    if phi.shape[-1] != dim:
        raise FeatureMismatch(
            f"features have {phi.shape[-1]} directions where the reward knows {dim}: "
            "they were made by another version of Idiolect; fit the reward again with `idiolect reward fit`"
        )


def versioned(name: str, arrays: Mapping[str, Array], settings: BaseModel) -> str:
    """A name with a hash of arrays and settings."""
    found = sha256(settings.model_dump_json().encode())
    for key in sorted(arrays):
        found.update(key.encode() + np.ascontiguousarray(arrays[key]).tobytes())
    return f"{name}-{found.hexdigest()[:12]}"


def array_of(arrays: Mapping[str, Array], name: str, *shape: int | None) -> Array:
    """A saved array as float64. Raises DataError where it is missing, of another shape (None: any), or not finite."""
    found = arrays.get(name)
    if found is None:
        raise DataError(f"a saved reward holds no array {name!r} (it has {', '.join(sorted(arrays)) or 'none'})")
    if len(found.shape) != len(shape) or any(n not in (None, m) for n, m in zip(shape, found.shape, strict=True)):
        expected = "x".join("?" if n is None else str(n) for n in shape)
        raise DataError(f"a saved reward's {name!r} is {'x'.join(map(str, found.shape))} where {expected} is expected")
    if not np.isfinite(found).all():
        raise DataError(f"a saved reward's {name!r} holds numbers that are not finite: fit it again")
    return np.asarray(found, dtype=np.float64)
