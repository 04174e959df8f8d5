"""A LoRA whose middle is a diagonal that a preference is written into: W + B diag(sigma_1..k, s l_1..m) A (Panacea)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from peft import PeftModel

Hook: TypeAlias = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]


class Spectrum(nn.Module):
    """Sets the last m of each LoRA's r ranks to the objectives. A and B begin orthonormal, and sigma and s at 0."""

    mix: Tensor

    def __init__(self, network: "PeftModel", objectives: Sequence[str], rank: int) -> None:
        super().__init__()
        self.objectives = tuple(objectives)
        modules = {name: each for name, each in network.named_modules() if isinstance(each, nn.Linear)}
        self._downs = [each for name, each in modules.items() if ".lora_A." in name]
        ups = [each for name, each in modules.items() if ".lora_B." in name]
        self.sigma = nn.Parameter(torch.zeros(len(ups), rank - len(objectives)))
        self.scale = nn.Parameter(torch.zeros(len(ups)))
        self.register_buffer("mix", torch.full((len(objectives),), 1 / len(objectives)), persistent=False)
        for at, (down, up) in enumerate(zip(self._downs, ups, strict=True)):
            nn.init.orthogonal_(down.weight)
            nn.init.orthogonal_(up.weight)
            down.register_forward_hook(self._hook(at))

    def diagonal(self, layer: int) -> Tensor:
        """(r,)"""
        return torch.cat([self.sigma[layer], self.scale[layer] * self.mix])

    def draw(self) -> Tensor:
        """A preference from the simplex, uniformly: (m,)."""
        drawn = -torch.rand(len(self.mix), device=self.mix.device).clamp_min(1e-9).log()
        self.mix.copy_(drawn / drawn.sum())
        return self.mix.clone()

    def settle(self) -> None:
        """To all objectives alike."""
        self.mix.fill_(1 / len(self.mix))

    def off_orthonormal(self) -> Tensor:
        """(): how far the rows of A are from being orthonormal, squared; the mean over matrices."""
        grams = [each.weight.float() @ each.weight.float().T for each in self._downs]
        return torch.stack([((gram - torch.eye(len(gram), device=gram.device)) ** 2).sum() for gram in grams]).mean()

    @contextmanager
    def baked(self) -> Iterator[None]:
        """The diagonal multiplied into A, so that it is a LoRA like any other."""
        kept = [down.weight.detach().clone() for down in self._downs]
        with torch.no_grad():
            for at, down in enumerate(self._downs):
                down.weight.mul_(self.diagonal(at)[:, None])
        yield
        with torch.no_grad():
            for down, weight in zip(self._downs, kept, strict=True):
                down.weight.copy_(weight)

    def _hook(self, layer: int) -> Hook:
        def multiply(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
            return output * self.diagonal(layer).to(output.dtype)

        return multiply
