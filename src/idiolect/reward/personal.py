"""Fitting a few numbers of one person's while the shared network stands still: L-BFGS, with torch's gradient."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from idiolect.reward.minimise import lbfgs
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 15  # more change no prediction, since the penalties hold a person near the start


def fitted(loss: Callable[["Tensor"], "Tensor"], start: Array, tolerance: float = 1e-3) -> Array:
    """A minimum (k,) near `start`; the same start and loss give the same digits."""
    import torch

    def function(flat: Array) -> tuple[float, Array]:
        place = torch.from_numpy(flat.copy()).requires_grad_()
        value = loss(place)
        (slope,) = torch.autograd.grad(value, place)
        return float(value.detach()), slope.numpy()

    return lbfgs(function, start, tolerance=tolerance, steps=STEPS)


def nats(margin: "Tensor", weight: "Tensor") -> "Tensor":
    """sum_i weight_i log(1 + exp(-margin_i))"""
    from torch.nn.functional import softplus

    found: Tensor = (softplus(-margin) * weight).sum()
    return found
