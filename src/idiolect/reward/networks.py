"""What the rewards that train a network share: parameters by name, a few layers, and the training loop.

A network is a function of a dictionary of tensors, so that what is trained is what is saved, array by array. torch is
imported inside the functions: without it the core still starts, and `load` names the extra that brings it.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from pydantic import BaseModel, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from idiolect import openmp
from idiolect.errors import MissingExtra
from idiolect.reward.checkpoint import Chance, Checkpoint, State, run
from idiolect.reward.factored import array_of
from idiolect.reward.population import Progress
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Generator, Tensor

Parameters: TypeAlias = "dict[str, Tensor]"


class Training(BaseModel, frozen=True, extra="forbid"):
    """How a network is trained; every method adds its own. A held-out person trains nothing, and says when to stop."""

    seed: int = Field(0, description="Of the start, the batches and the noise.")
    rate: PositiveFloat = Field(1e-3, description="Learning rate at its highest.")
    weight_decay: NonNegativeFloat = Field(0.0, description="Of AdamW.")
    warm_up: NonNegativeFloat = Field(0.03, description="Share of the steps in which the rate rises; a cosine follows.")
    batch: PositiveInt = Field(32, description="People in a step.")
    centred: bool = Field(False, description="Whether phi is taken from the mean of a question's options.")
    jitter: NonNegativeFloat = Field(0.0, description="Noise on the standardised phi in training; none in the papers.")
    held_out: float = Field(0.15, ge=0, lt=1, description="Share of the people that only say when to stop.")
    checks: PositiveInt = Field(20, description="How often the held-out people are looked at, at most.")
    patience: PositiveInt = Field(5, description="Looks without a gain after which training stops.")


def load() -> None:
    """Load torch. Raises MissingExtra where it is not installed."""
    try:
        openmp.load("torch")
    except ModuleNotFoundError as missing:
        raise MissingExtra(
            "this reward is a network and needs torch, which is not installed: pip install 'idiolect[local]'"
        ) from missing


@contextmanager
def one_thread() -> Iterator[None]:
    """These networks are too small to share, and sums in one thread have one order: the same numbers everywhere."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def kept(array: Array, dtype: type[np.floating] = np.float32) -> Array:
    """The same numbers in less room. `Array` says float64, which is what every reader of these makes of them again."""
    return cast("Array", np.asarray(array, dtype=dtype))


def tensors(arrays: Mapping[str, Array]) -> Parameters:
    """For scoring: in float64, so that no order of the rows shows in the digits that are printed."""
    load()
    import torch

    return {name: torch.from_numpy(np.array(array, dtype=np.float64)) for name, array in arrays.items()}


def arrays_of(parameters: Parameters) -> dict[str, Array]:
    """As they are saved: float32."""
    return {name: kept(tensor.detach().numpy()) for name, tensor in parameters.items()}


def still(parameters: Parameters) -> Parameters:
    """The same numbers where nothing is trained on them, in float64."""
    return {name: tensor.detach().double() for name, tensor in parameters.items()}


def restored(arrays: Mapping[str, Array], expected: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """The arrays that were saved, in the form that the settings ask for. Raises DataError for others."""
    return {name: kept(array_of(arrays, name, *shape)) for name, shape in expected.items()}


def generator(seed: int) -> "Generator":
    """Chance that depends on the seed alone."""
    import torch

    return torch.Generator().manual_seed(seed)


def layers(name: str, sizes: tuple[int, ...], chance: "Generator") -> Parameters:
    """A start for `mlp`, uniform within 1 / sqrt(inputs): torch's own."""
    import torch

    found: Parameters = {}
    for at, (inputs, outputs) in enumerate(pairwise(sizes)):
        bound = 1 / math.sqrt(inputs)
        found[f"{name}.{at}.weight"] = torch.empty(outputs, inputs).uniform_(-bound, bound, generator=chance)
        found[f"{name}.{at}.bias"] = torch.empty(outputs).uniform_(-bound, bound, generator=chance)
    return found


def linear(parameters: Parameters, name: str, x: "Tensor") -> "Tensor":
    """(..., inputs) -> (..., outputs)"""
    return x @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]


def mlp(parameters: Parameters, name: str, x: "Tensor", slope: float = 0.0) -> "Tensor":
    """(..., inputs) -> (..., outputs), a (leaky) ReLU between the layers."""
    from torch.nn.functional import leaky_relu

    depth = 0
    while f"{name}.{depth}.weight" in parameters:
        x = linear(parameters, f"{name}.{depth}", leaky_relu(x, slope) if depth else x)
        depth += 1
    return x


def attend(query: "Tensor", key: "Tensor", value: "Tensor", weight: "Tensor") -> "Tensor":
    """Attention without positions: (..., q, h), (..., k, h), (..., k, v) -> (..., q, v).

    `weight` (..., k) counts each key so many times; of no keys, or none that counts, the answer is 0.
    """
    if key.shape[-2] == 0:
        return query.new_zeros((*query.shape[:-1], value.shape[-1]))
    logits = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    shares = (logits - logits.amax(dim=-1, keepdim=True)).exp() * weight.unsqueeze(-2)
    found: Tensor = shares @ value / shares.sum(dim=-1, keepdim=True).clamp_min(1e-30)
    return found


@dataclass(frozen=True)
class Task:
    """What is to be trained: `loss` of the next batch at a step, and `held` for the people held out, if any.

    `chance` is what batches and noise are drawn from.
    """

    parameters: Parameters
    loss: Callable[[Parameters, int], "Tensor"]
    held: Callable[[Parameters], float] | None
    chance: np.random.Generator


def trained(
    task: Task,
    steps: int,
    training: Training,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Parameters:
    """AdamW with warm-up and cosine; returns the parameters that served the held-out people best."""
    course = _Steps(task, steps, training, progress)
    run("network", course.step, {"network": course, "chance": Chance(task.chance)}, checkpoint)
    return course.best


class _Steps:
    def __init__(self, task: Task, steps: int, training: Training, progress: Progress | None) -> None:
        import torch

        self.task, self.steps, self.training, self.progress = task, steps, training, progress
        self.parameters = {name: tensor.clone().requires_grad_() for name, tensor in task.parameters.items()}
        self.optimiser = torch.optim.AdamW(
            list(self.parameters.values()), lr=training.rate, weight_decay=training.weight_decay
        )
        self.best, self.lowest, self.bad = _copy(self.parameters), math.inf, 0
        self.taken, self.over = 0, False

    def step(self) -> bool:
        """Whether there is more to do after this one."""
        if self.over or self.taken >= self.steps:
            return False
        for group in self.optimiser.param_groups:
            group["lr"] = self.training.rate * pace(self.taken, self.steps, self.training.warm_up)
        self.optimiser.zero_grad()
        loss = self.task.loss(self.parameters, self.taken)
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        self.optimiser.step()
        self.taken += 1
        if self.taken % max(1, self.steps // self.training.checks) == 0 or self.taken == self.steps:
            self._look()
        return not self.over

    def _look(self) -> None:
        if self.progress:
            self.progress(self.taken / self.steps, f"step {self.taken} of {self.steps}")
        value = self.task.held(self.parameters) if self.task.held else -self.taken
        if value < self.lowest:
            self.best, self.lowest, self.bad = _copy(self.parameters), value, 0
        else:
            self.bad += 1
            self.over = self.bad >= self.training.patience

    def state(self) -> State:
        """The network, AdamW's two means of each array, and the best network so far."""
        arrays = {f"now/{name}": tensor.detach().numpy().copy() for name, tensor in self.parameters.items()}
        arrays |= {f"best/{name}": tensor.numpy().copy() for name, tensor in self.best.items()}
        for name, tensor in self.parameters.items():
            for key, value in self.optimiser.state.get(tensor, {}).items():
                arrays[f"{key}/{name}"] = value.numpy().copy()
        numbers = {"taken": self.taken, "over": self.over, "lowest": self.lowest, "bad": self.bad}
        return State(arrays, numbers)

    def resume(self, state: State) -> None:
        """Be there again."""
        import torch

        for name, tensor in self.parameters.items():
            tensor.data.copy_(torch.from_numpy(state.array(f"now/{name}")))
            means = {key: f"{key}/{name}" for key in ADAMW if f"{key}/{name}" in state.arrays}
            if means:
                self.optimiser.state[tensor] = {
                    key: torch.from_numpy(state.array(place)) for key, place in means.items()
                }
        self.best = {name: torch.from_numpy(state.array(f"best/{name}")) for name in self.parameters}
        self.taken, self.bad = int(state.number("taken")), int(state.number("bad"))
        self.over, self.lowest = bool(state.numbers["over"]), state.number("lowest")


ADAMW = ("step", "exp_avg", "exp_avg_sq")  # torch's names of what it keeps of each array


def pace(step: int, steps: int, warm_up: float) -> float:
    """The share of the highest rate at this step: a line up, then half a cosine down."""
    rising = warm_up * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, steps - rising)))


def _copy(parameters: Parameters) -> Parameters:
    return {name: tensor.detach().clone() for name, tensor in parameters.items()}
