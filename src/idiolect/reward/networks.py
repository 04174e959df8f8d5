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
    """What is to be trained: `loss` of the next batch at a step, and `held` for the people held out, if any."""

    parameters: Parameters
    loss: Callable[[Parameters, int], "Tensor"]
    held: Callable[[Parameters], float] | None


def trained(task: Task, steps: int, training: Training, progress: Progress | None = None) -> Parameters:
    """AdamW with warm-up and cosine; returns the parameters that served the held-out people best."""
    import torch

    parameters = {name: tensor.clone().requires_grad_() for name, tensor in task.parameters.items()}
    optimiser = torch.optim.AdamW(list(parameters.values()), lr=training.rate, weight_decay=training.weight_decay)
    best, lowest, bad = _copy(parameters), math.inf, 0
    every = max(1, steps // training.checks)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = training.rate * pace(step, steps, training.warm_up)
        optimiser.zero_grad()
        loss = task.loss(parameters, step)
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        optimiser.step()
        if (step + 1) % every and step + 1 < steps:
            continue
        if progress:
            progress((step + 1) / steps, f"step {step + 1} of {steps}")
        value = task.held(parameters) if task.held else -step
        if value < lowest:
            best, lowest, bad = _copy(parameters), value, 0
        elif (bad := bad + 1) >= training.patience:
            break
    return best


def pace(step: int, steps: int, warm_up: float) -> float:
    """The share of the highest rate at this step: a line up, then half a cosine down."""
    rising = warm_up * steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, steps - rising)))


def _copy(parameters: Parameters) -> Parameters:
    return {name: tensor.detach().clone() for name, tensor in parameters.items()}
