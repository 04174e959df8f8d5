"""PReF: weights on a few attributes that are learnt (Shenfeld et al., 2025, arXiv 2503.06358, section 4).

    r_u = lambda_u . A phi(x, y);  minimise over A, lambda  mean_i log(1 + exp(-lambda_u . A delta_i))
                                           + c (mean_i |A delta_i|^2 + mean_u |lambda_u|^2)

Shared: A (J, d), a linear head on frozen features, where the paper trains a language model under it.  Per user:
lambda_u (J,), by logistic MAP, with the inverse Hessian as its ellipsoid.  Cold start: the mean of the training
people's lambda.  The start of a fit is the paper's, a singular value decomposition of the people's imputed preferences:
here each person's own ridge regression says what they would have preferred.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from idiolect.reward.checkpoint import Checkpoint, run
from idiolect.reward.choices import Choices, narrow
from idiolect.reward.factored import COV, FactoredReward, Z, array_of
from idiolect.reward.held_out import EarlyStop
from idiolect.reward.minimise import LBFGS, newton
from idiolect.reward.population import Population, Progress
from idiolect.schema import Array

JITTER = 0.1  # of a typical squared lambda, on the prior's variance: the fits of few choices lie too close together


class PReFSettings(BaseModel, frozen=True, extra="forbid"):
    """Of PReF; places in the released code (`train_features.py`)."""

    rank: int = Field(5, ge=1, description="J, `feature_dim`.")
    strength: float = Field(
        0.02, ge=0, description="c, `regularization_strength`; the code's `double_l2`, squared so that it is smooth."
    )
    steps: int = Field(500, ge=0, description="Most L-BFGS steps; 0 stays at the singular value decomposition.")
    tolerance: float = Field(1e-6, gt=0, description="Largest entry of the gradient at which it ends.")
    held_out: float = Field(0.1, ge=0, lt=1, description="Share of the people on whom it is told when to stop.")
    ridge: float = Field(
        1.0, gt=0, description="Of each person's regression, by which missing preferences are imputed."
    )


@dataclass(frozen=True)
class PReF(FactoredReward):
    """Arrays of a belief: `z` (J,), which are lambda_u, `cov` (J, J), and the choices (see `factored.py`)."""

    Settings: ClassVar[type[BaseModel]] = PReFSettings
    name = "pref"

    basis: Array  # A (J, d)
    mean: Array  # (J,) of the people's lambda
    cov: Array  # (J, J)
    settings: PReFSettings = field(default_factory=PReFSettings)

    @classmethod
    def fit(
        cls,
        population: Population,
        settings: BaseModel | None = None,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Fit A and the prior of lambda."""
        given = PReFSettings.model_validate(settings or {})
        stop = EarlyStop.over(population.checked(), given.held_out, 0, progress)
        problem = _Bilinear(stop.training, given)
        search = LBFGS(
            problem.loss,
            _imputed(stop.training, problem.rank, given.ridge),
            given.tolerance,
            given.steps,
            watch=lambda number, place: stop.told(number / given.steps, place, problem.reward),
        )
        run("directions", search.step, {"search": search, "stop": stop}, checkpoint)
        found = problem.reward(stop.best_of(search.place, problem.reward))
        return cls(found.basis, found.mean, found.cov, given)

    def arrays(self) -> dict[str, Array]:
        """`basis` (J, d), `mean` (J,), `cov` (J, J)."""
        return {"basis": self.basis, "mean": self.mean, "cov": self.cov}

    @classmethod
    def restored(cls, arrays: Mapping[str, Array], settings: BaseModel) -> Self:
        """From what was saved."""
        basis = array_of(arrays, "basis", None, None)
        rank = len(basis)
        mean, cov = array_of(arrays, "mean", rank), array_of(arrays, "cov", rank, rank)
        return cls(basis, mean, cov, PReFSettings.model_validate(settings))

    def settled(self, choices: Choices) -> dict[str, Array]:
        """`z`, the MAP under N(mean, cov), and `cov`, the inverse Hessian there."""
        precision = np.linalg.inv(self.cov)

        def loss(w: Array) -> tuple[float, Array, Array]:
            value, gradient, hessian = choices.curved_loss(w)
            away = w - self.mean
            return value + 0.5 * float(away @ precision @ away), gradient + precision @ away, hessian + precision

        if not len(choices.sizes):
            return {Z: self.mean, COV: self.cov}
        mode = newton(loss, self.mean)
        return {Z: mode, COV: np.asarray(np.linalg.inv(loss(mode)[2]))}


class _Bilinear:
    """The joint loss over A (J, d) and all lambda (U, J), as one flat vector."""

    def __init__(self, population: Population, settings: PReFSettings) -> None:
        self.population, self.settings = population, settings
        self.rank, self.people = min(settings.rank, population.dim), len(population.users)
        self.power = population.per_user() / max(1, len(np.unique(population.owner)))

    def split(self, place: Array) -> tuple[Array, Array]:
        """A (J, d) and lambda (U, J)."""
        cut = self.rank * self.population.dim
        return place[:cut].reshape(self.rank, -1), place[cut:].reshape(self.people, self.rank)

    def loss(self, place: Array) -> tuple[float, Array]:
        """Value and gradient."""
        basis, tastes = self.split(place)
        strength = self.settings.strength
        value, to_basis = strength * float((tastes**2).sum()) / self.people, np.zeros_like(basis)
        to_tastes = 2 * strength / self.people * tastes

        def of_block(rows: slice, delta: NDArray[np.float32]) -> tuple[slice, float, Array, Array]:
            weight, own = self.power[rows], tastes[self.population.owner[rows]]
            along = delta @ basis.T.astype(np.float32)  # (b, J)
            margin = np.einsum("bj,bj->b", along, own)
            loss = float(weight @ (np.logaddexp(0.0, -margin) + strength * (along**2).sum(axis=1)))
            push = -weight * np.exp(-np.logaddexp(0.0, margin))
            pushed = push[:, None] * own + 2 * strength * weight[:, None] * along
            return rows, loss, narrow(pushed).T @ delta, push[:, None] * along

        for rows, loss, found, each in self.population.over_blocks(of_block):
            value += loss
            to_basis += found
            for j in range(self.rank):
                to_tastes[:, j] += np.bincount(self.population.owner[rows], each[:, j], minlength=self.people)
        return value, np.append(to_basis.ravel(), to_tastes.ravel())

    def reward(self, place: Array) -> PReF:
        """The reward of these directions, with these people as the prior of others."""
        basis, tastes = self.split(place)
        spread = np.zeros((self.rank,) * 2)
        if self.people > 1:
            spread += np.cov(tastes, rowvar=False)
        size = float(np.mean(tastes**2)) or 1.0
        return PReF(basis, tastes.mean(axis=0), spread + JITTER * size * np.eye(self.rank), self.settings)


def _imputed(population: Population, rank: int, ridge: float) -> Array:
    """The start: leading singular vectors of all people's preferences on all pairs, as their ridge fits impute them.

    Preferences are D W' with D the deltas (m, d) and W the fits (U, d), so the decomposition is one of (d, d) matrices.
    """
    people, dim = len(population.users), population.dim
    gram, fits = np.zeros((dim, dim)), np.zeros((people, dim))
    order = np.argsort(population.owner, kind="stable")
    ends = np.searchsorted(population.owner[order], np.arange(people + 1))
    for user in range(people):
        rows = order[ends[user] : ends[user + 1]]
        pairs = np.asarray(population.phi[np.sort(rows)], dtype=np.float64)
        delta = pairs[:, 0] - pairs[:, 1]
        gram += delta.T @ delta / max(1, len(population.phi))
        own = delta @ delta.T + ridge * dim * np.eye(len(delta))  # the dual: fewer choices than dimensions
        fits[user] = delta.T @ np.linalg.solve(own, np.ones(len(delta)))
    root = np.linalg.cholesky(gram + 1e-9 * np.eye(dim))
    _, values, axes = np.linalg.svd(fits @ root, full_matrices=False)
    values, axes = np.pad(values, (0, max(0, rank - len(values))))[:rank], axes[:rank]
    if len(axes) < rank:  # fewer people than directions
        axes = np.vstack([axes, np.zeros((rank - len(axes), dim))])
    half = np.sqrt(values / np.sqrt(max(1, people)))[:, None]
    basis = half * np.linalg.solve(root.T, axes.T).T
    tastes = np.divide(fits @ root @ axes.T, half.T, where=half.T > 0, out=np.zeros((people, rank)))
    return np.append(basis.ravel(), tastes.ravel())
