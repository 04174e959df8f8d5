"""PAL-A: a person's ideal is a mixture of prototypes, and near is good (Chen et al., 2024, arXiv 2406.08469).

    r_u(x, y) = -|f(phi(x, y)) - f(P w_u)|;  hinge max(0, 1 - margin) on the difference of two answers

w_u is on the simplex, f a perceptron with two hidden layers (ReLU with a residual), P (K, d) are prototypes.
Shared: f, P.  How it is fitted, what is per user, and the cold start: `prototypes.py`.
"""

from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from idiolect.reward.factored import same_dim
from idiolect.reward.perceptron import Perceptron, Shapes, Views
from idiolect.reward.protocol import Asked, sigmoid
from idiolect.reward.prototypes import Batch, Kept, PALSettings, PrototypeReward, Slope
from idiolect.schema import Array


@dataclass(frozen=True)
class PALA(PrototypeReward):
    """PAL-A. A belief keeps `points`, f of every answer (m, d), in half precision."""

    name: ClassVar[str] = "pal-a"

    @classmethod
    def shapes(cls, dim: int, prompt: int, settings: PALSettings) -> Shapes:
        """f and `prototypes` (K, d)."""
        return {**Perceptron("f", dim, dim).shapes(), "prototypes": (settings.prototypes, dim)}

    @property
    def f(self) -> Perceptron:
        """Maps features and prototypes into the space."""
        dim = self.shared["prototypes"].shape[1]
        return Perceptron("f", dim, dim, residual=True)

    def begin(self, rng: np.random.Generator) -> None:
        """Prototypes of unit length."""
        self.f.start(self.shared, rng)
        drawn = rng.normal(size=self.shared["prototypes"].shape)
        self.shared["prototypes"][:] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    def rates(self) -> dict[str, float]:
        """The prototypes'."""
        return {"prototypes": self.settings.prototype_rate}

    def push(self, batch: Batch, into: Views) -> Array:
        """Adds the gradient."""
        b = len(batch.owner)
        mixed = batch.weights @ self.shared["prototypes"]
        mapped, cache = self.f.forward(self.shared, np.concatenate([batch.phi[:, 0], batch.phi[:, 1], mixed]))
        away = mapped[: 2 * b].reshape(2, b, -1) - mapped[2 * b :]
        distance = np.linalg.norm(away, axis=2).clip(1e-9)
        margin = distance[1] - distance[0]
        rise = (margin < 1).astype(np.float64) if self.settings.loss == "hinge" else sigmoid(-margin)
        slope = away / distance[..., None] * (batch.power * rise)[None, :, None] * np.array([1.0, -1.0])[:, None, None]
        to_input = self.f.backward(self.shared, cache, np.concatenate([*slope, -slope.sum(axis=0)]), into)[2 * b :]
        into["prototypes"] += batch.weights.T @ to_input
        return np.asarray(to_input @ self.shared["prototypes"].T)

    def row_shapes(self) -> dict[str, tuple[int, ...]]:
        """`points` (d,)."""
        return {"points": (self.shared["prototypes"].shape[1],)}

    def looked(self, phi: Array, asked: Asked | None) -> Kept:
        """f of every answer."""
        same_dim(phi, self.shared["prototypes"].shape[1])
        points, _ = self.f.forward(self.shared, phi)
        return {"points": cast("Array", points.astype(np.float16))}  # 50 choices of 64 numbers: 12.8 kB

    def scored(self, w: Array, kept: Kept, sizes: NDArray[np.intp]) -> tuple[Array, Slope]:
        """Minus the distances to f(P w)."""
        ideal, cache = self.f.forward(self.shared, (w @ self.shared["prototypes"])[None])
        away = kept["points"].astype(np.float64) - ideal
        distance = np.linalg.norm(away, axis=1).clip(1e-9)

        def slope(to_scores: Array) -> Array:
            to_ideal = (to_scores / distance) @ away
            return np.asarray(self.shared["prototypes"] @ self.f.backward(self.shared, cache, to_ideal[None], None)[0])

        return -distance, slope
