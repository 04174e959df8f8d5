"""A small network with its gradient by hand, and Adam: what PAL trains, without torch.

All parameters of a model stand in one flat vector, with named views into it, so that a step is one vector operation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from idiolect.reward.checkpoint import State
from idiolect.schema import Array

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
Views: TypeAlias = dict[str, Array]  # by name
Cache: TypeAlias = list[Array]

LAYERS = 3  # linear maps: the released `mlp2` has two hidden layers
DECAY_1, DECAY_2, EPSILON = 0.9, 0.999, 1e-8  # of Adam (Kingma and Ba, 2015, algorithm 1)


def views(flat: Array, shapes: Shapes) -> Views:
    """Named views into a flat vector."""
    found, first = Views(), 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        found[name] = flat[first : first + size].reshape(shape)
        first += size
    return found


def size(shapes: Shapes) -> int:
    """Of the flat vector."""
    return sum(int(np.prod(shape)) for shape in shapes.values())


@dataclass(frozen=True)
class Perceptron:
    """Two hidden layers; parameters `NAME.0.w` (out, in), `NAME.0.b` (out,), and so on among the views."""

    name: str
    inputs: int
    outputs: int
    residual: bool = False  # y = x + mlp(x); inputs and outputs are equal
    smooth: bool = False  # GELU in place of ReLU

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of its parameters."""
        widths = [self.inputs, *[self.outputs] * LAYERS]
        found: dict[str, tuple[int, ...]] = {}
        for layer in range(LAYERS):
            found[f"{self.name}.{layer}.w"] = (widths[layer + 1], widths[layer])
            found[f"{self.name}.{layer}.b"] = (widths[layer + 1],)
        return found

    def start(self, parameters: Views, rng: np.random.Generator) -> None:
        """Uniform within 1 / sqrt(inputs of the layer), as torch starts a linear map."""
        for layer in range(LAYERS):
            weight = parameters[f"{self.name}.{layer}.w"]
            reach = 1 / np.sqrt(weight.shape[1])
            weight[:] = rng.uniform(-reach, reach, weight.shape)
            parameters[f"{self.name}.{layer}.b"][:] = rng.uniform(-reach, reach, len(weight))

    def forward(self, parameters: Views, x: Array) -> tuple[Array, Cache]:
        """x (n, inputs) -> (n, outputs), and what `backward` needs."""
        cache, hidden = [x], x
        for layer in range(LAYERS):
            before = hidden @ parameters[f"{self.name}.{layer}.w"].T + parameters[f"{self.name}.{layer}.b"]
            cache.append(before)
            hidden = self._bent(before) if layer < LAYERS - 1 else before
        return (x + hidden if self.residual else hidden), cache

    def backward(self, parameters: Views, cache: Cache, slope: Array, into: Views | None) -> Array:
        """Adds the gradient of the parameters to `into`, if there is one; returns that of x (n, inputs)."""
        to_x = slope if self.residual else np.zeros_like(cache[0])
        for layer in range(LAYERS - 1, -1, -1):
            if layer < LAYERS - 1:
                slope = slope * self._slope(cache[layer + 1])
            if into is not None:
                into[f"{self.name}.{layer}.w"] += slope.T @ (self._bent(cache[layer]) if layer else cache[0])
                into[f"{self.name}.{layer}.b"] += slope.sum(axis=0)
            slope = slope @ parameters[f"{self.name}.{layer}.w"]
        return np.asarray(to_x + slope)

    def _bent(self, x: Array) -> Array:
        return 0.5 * x * (1 + np.tanh(_inner(x))) if self.smooth else np.maximum(x, 0.0)

    def _slope(self, x: Array) -> Array:
        if not self.smooth:
            return (x > 0).astype(np.float64)
        t = np.tanh(_inner(x))
        return np.asarray(0.5 * (1 + t) + 0.5 * x * (1 - t * t) * ROOT * (1 + 3 * CUBE * x * x))


ROOT, CUBE = np.sqrt(2 / np.pi), 0.044715  # of GELU's usual approximation


def _inner(x: Array) -> Array:
    return np.asarray(ROOT * (x + CUBE * x * x * x))


@dataclass
class Adam:
    """Steps of Adam on one flat vector (n,), where it lies, with a rate and a decay of weights for each entry."""

    place: Array
    rate: Array
    decay: Array
    steps: int = 0

    def __post_init__(self) -> None:
        self.mean, self.square = np.zeros_like(self.rate), np.zeros_like(self.rate)

    def step(self, gradient: Array) -> None:
        """Move the vector."""
        self.steps += 1
        gradient = gradient + self.decay * self.place
        self.mean += (1 - DECAY_1) * (gradient - self.mean)
        self.square += (1 - DECAY_2) * (gradient**2 - self.square)
        scale = np.sqrt(self.square / (1 - DECAY_2**self.steps)) + EPSILON
        self.place -= self.rate * (self.mean / (1 - DECAY_1**self.steps)) / scale

    def state(self) -> State:
        """The vector, and Adam's two means."""
        arrays = {"place": self.place.copy(), "mean": self.mean.copy(), "square": self.square.copy()}
        return State(arrays, {"steps": self.steps})

    def resume(self, state: State) -> None:
        """Be there again."""
        self.place[:], self.mean[:], self.square[:] = (state.arrays[name] for name in ("place", "mean", "square"))
        self.steps = int(state.number("steps"))


@dataclass
class Batches:
    """Passes over rows (n,), shuffled; `told` hears the share done, and may stop it."""

    rows: int
    batch: int
    epochs: int
    rng: np.random.Generator
    use: Callable[[NDArray[np.intp]], None]
    told: Callable[[float], bool]
    number: int = 0
    over: bool = False

    def __post_init__(self) -> None:
        self.order = np.arange(self.rows)

    def step(self) -> bool:
        """Use one batch; whether there are more."""
        each = -(-self.rows // self.batch)
        if self.over or self.number >= self.epochs * each:
            return False
        at = self.number % each
        if at == 0:
            self.order = self.rng.permutation(self.rows)
        self.use(self.order[at * self.batch : (at + 1) * self.batch])
        self.number += 1
        self.over = self.told(self.number / (self.epochs * each))
        return not self.over

    def state(self) -> State:
        """Where in which order."""
        return State({"order": self.order.copy()}, {"number": self.number, "over": self.over})

    def resume(self, state: State) -> None:
        """Be there again."""
        self.order = state.array("order")
        self.number, self.over = int(state.number("number")), bool(state.numbers["over"])
