"""PAL: people as mixtures of prototypes in a space where preference is closeness (Chen et al., 2024, arXiv 2406.08469).

    PAL-A    r_u(x, y) = -|f(phi(x, y)) - f(P w_u)|;  hinge max(0, 1 - margin) on the difference of two answers
    PAL-B    r_u(x, y) = e^l cos(f(phi(x, y)), sum_k w_uk g_k(x));  cross-entropy over the two answers

w_u on the simplex, by a softmax of free logits. f is a perceptron with two hidden layers (A: ReLU with a residual; B:
GELU), P (K, d) are prototypes, g_k perceptrons on the prompt's embedding. Where a prompt has none, g_k sees 0, so that
each prototype is one direction, the same for every prompt.

Shared: f, P or g_k and l, the mean of the training people's logits, a gain.  Per user: K logits.  Cold start: the mean.
A new person's logits are the mode of the posterior under N(mean, I), the spread that the released code starts them
with, by the logistic loss of the gained reward: the code's ten passes at a rate of .005 hardly leave the start. The
gain turns distances into log-odds and is told on people left out. Only choices are learnt from: ratings and statements
are counted. The released training step neither warms up nor adds the bound on points that its settings name;
nor does this.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import FeatureMismatch
from idiolect.reward.choices import narrow
from idiolect.reward.factored import same_dim
from idiolect.reward.gaussian import sigmoid
from idiolect.reward.perceptron import Perceptron, Shapes, Views
from idiolect.reward.protocol import Asked
from idiolect.reward.prototypes import Batch, Kept, PALSettings, PrototypeReward, Slope
from idiolect.schema import Array

LARGEST_SCALE = np.log(100.0)  # of e^l, as the released code clamps it


@dataclass(frozen=True)
class PALA(PrototypeReward):
    """PAL-A. A belief keeps `points`, f of every answer (m, d), in half precision."""

    name: ClassVar[str] = "pal-a"

    shared: Views
    mean: Array
    settings: PALSettings = field(default_factory=PALSettings)
    gain: float = 1.0

    @classmethod
    def of(cls, shared: Views, mean: Array, settings: PALSettings, gain: float = 1.0) -> Self:
        """From its parts."""
        return cls(shared, mean, settings, gain)

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


@dataclass(frozen=True)
class PALB(PrototypeReward):
    """PAL-B. A belief keeps `along` (m, K), f of every answer against g_k of its prompt, and `grams` (n, K, K)."""

    name: ClassVar[str] = "pal-b"

    shared: Views
    mean: Array
    settings: PALSettings = field(default_factory=PALSettings)
    gain: float = 1.0

    @classmethod
    def of(cls, shared: Views, mean: Array, settings: PALSettings, gain: float = 1.0) -> Self:
        """From its parts."""
        return cls(shared, mean, settings, gain)

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
