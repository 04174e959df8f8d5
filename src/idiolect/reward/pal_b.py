"""PAL-B: prototypes point from each prompt, a person between them (Chen et al., 2024, arXiv 2406.08469).

    r_u(x, y) = e^l cos(f(phi(x, y)), sum_k w_uk g_k(x));  cross-entropy over the two answers

w_u is on the simplex; f and g_k, on the prompt's embedding, are perceptrons with two hidden layers (GELU). Where a
prompt has no embedding, g_k sees 0, so that each prototype is one direction, the same for every prompt.
Shared: f, g_k, l.  How it is fitted, what is per user, and the cold start: `prototypes.py`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import FeatureMismatch
from idiolect.reward.choices import narrow
from idiolect.reward.factored import same_dim
from idiolect.reward.perceptron import Perceptron, Shapes, Views
from idiolect.reward.protocol import Asked, sigmoid
from idiolect.reward.prototypes import Batch, Kept, PALSettings, PrototypeReward, Slope
from idiolect.schema import Array

LARGEST_SCALE = np.log(100.0)  # of e^l, as the released code clamps it


@dataclass(frozen=True)
class PALB(PrototypeReward):
    """PAL-B. A belief keeps `along` (m, K), f of every answer against g_k of its prompt, and `grams` (n, K, K)."""

    name: ClassVar[str] = "pal-b"

    @classmethod
    def shapes(cls, dim: int, prompt: int, settings: PALSettings) -> Shapes:
        """f, g_k and `scale` (1,), which is l. Without embeddings of prompts g_k reads one number, which is 0."""
        nets = [Perceptron("f", dim, settings.width)]
        nets += [Perceptron(f"g{k}", max(prompt, 1), settings.width) for k in range(settings.prototypes)]
        found: dict[str, tuple[int, ...]] = {"scale": (1,)}
        for net in nets:
            found |= net.shapes()
        return found

    @property
    def f(self) -> Perceptron:
        """Maps features into the space."""
        return self._net("f")

    def begin(self, rng: np.random.Generator) -> None:
        """l = ln(1 / .07)."""
        for net in (self.f, *self._g()):
            net.start(self.shared, rng)
        self.shared["scale"][:] = np.log(1 / 0.07)

    def rates(self) -> dict[str, float]:
        """That of l."""
        return {"scale": self.settings.scale_rate}

    def push(self, batch: Batch, into: Views) -> Array:
        """Adds the gradient."""
        b, g = len(batch.owner), self._g()
        mapped, f_cache = self.f.forward(self.shared, np.concatenate([batch.phi[:, 0], batch.phi[:, 1]]))
        maps = [net.forward(self.shared, self._prompts(batch.prompts)) for net in g]
        targets = np.stack([points for points, _ in maps])  # (K, b, p)
        ideal = np.einsum("bk,kbp->bp", batch.weights, targets)
        ideal_unit, ideal_length = _unit(ideal)
        unit, length = _unit(mapped.reshape(2, b, -1))
        cosines = (unit * ideal_unit).sum(axis=2)
        scale = float(np.exp(min(self.shared["scale"][0], LARGEST_SCALE)))
        gap = cosines[0] - cosines[1]
        rise = -batch.power * sigmoid(-scale * gap)
        if self.shared["scale"][0] < LARGEST_SCALE:
            into["scale"] += float(rise @ gap) * scale
        to_cosines = (scale * rise)[None] * np.array([1.0, -1.0])[:, None]
        to_mapped = (ideal_unit - cosines[..., None] * unit) * (to_cosines[..., None] / length)
        to_ideal = ((unit - cosines[..., None] * ideal_unit) * to_cosines[..., None]).sum(axis=0) / ideal_length
        self.f.backward(self.shared, f_cache, to_mapped.reshape(2 * b, -1), into)
        for k, (net, (_, cache)) in enumerate(zip(g, maps, strict=True)):
            net.backward(self.shared, cache, batch.weights[:, k : k + 1] * to_ideal, into)
        return np.asarray(np.einsum("bp,kbp->bk", to_ideal, targets))

    def row_shapes(self) -> dict[str, tuple[int, ...]]:
        """`along` (K,) and `grams` (K, K)."""
        return {"along": (len(self.mean),), "grams": (len(self.mean),) * 2}

    def looked(self, phi: Array, asked: Asked | None) -> Kept:
        """Products of f, as unit vectors, with every g_k, and those of the g_k among themselves."""
        same_dim(phi, self.f.inputs)
        known = None if asked is None else asked.embedding
        prompt = np.zeros((1, self._g()[0].inputs)) if known is None else self._prompts(np.asarray(known)[None])
        targets = np.concatenate([net.forward(self.shared, prompt)[0] for net in self._g()])  # (K, p)
        unit, _ = _unit(self.f.forward(self.shared, phi)[0])
        return {"along": narrow(unit @ targets.T), "grams": narrow((targets @ targets.T)[None])}

    def scored(self, w: Array, kept: Kept, sizes: NDArray[np.intp]) -> tuple[Array, Slope]:
        """e^l times the cosines."""
        toward = kept["grams"] @ w  # (n, K)
        length = np.repeat(np.sqrt((toward @ w).clip(1e-18)), sizes)
        scale = float(np.exp(min(self.shared["scale"][0], LARGEST_SCALE)))
        along = kept["along"] @ w

        def slope(to_scores: Array) -> Array:
            pulled = to_scores * along / length**3
            return np.asarray(
                scale * ((to_scores / length) @ kept["along"] - pulled @ np.repeat(toward, sizes, axis=0))
            )

        return scale * along / length, slope

    def _net(self, name: str) -> Perceptron:
        outputs, inputs = self.shared[f"{name}.0.w"].shape
        return Perceptron(name, inputs, outputs, smooth=True)

    def _g(self) -> list[Perceptron]:
        return [self._net(f"g{k}") for k in range(len(self.mean))]

    def _prompts(self, embeddings: Array) -> Array:
        expected = self._g()[0].inputs
        if embeddings.shape[1] == 0 or (expected == 1 and embeddings.shape[1] != 1):  # fitted, or asked, without any
            return np.zeros((len(embeddings), expected))
        if embeddings.shape[1] != expected:
            raise FeatureMismatch(
                f"prompts' embeddings have {embeddings.shape[1]} numbers where the reward knows {expected}: "
                "use the embedder that it was fitted with"
            )
        return embeddings


def _unit(vectors: Array) -> tuple[Array, Array]:
    """Unit vectors (..., p) and lengths (..., 1)."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True).clip(1e-9)
    return vectors / length, length
