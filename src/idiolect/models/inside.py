"""What can be changed inside a model that is open: engines that only take text refuse a request that has any of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from idiolect.schema import Array, Message

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Step:
    """Where n answers to one request stand before their next tokens; the first context is the request's own."""

    said: "Tensor"  # (contexts, n, V) float32: the logits in each
    hidden: "Tensor"  # (contexts, n, width): what the last layer says, which these are made from
    written: Sequence[Sequence[int]]  # the tokens of each so far


class Decoder(Protocol):
    """Turns what the model said in each context into what the next tokens are drawn from."""

    def logits(self, step: Step) -> "Tensor":
        """(n, V)."""


@dataclass(frozen=True)
class Inside:
    """Changes to one request; rows of a batch may differ in all of them."""

    soft_prompt: Array | None = None  # (T, d_model): vectors that are read before the messages
    steering: Mapping[int, Array] = field(default_factory=dict)  # layer -> (d_model,), added to what it says of each
    # token from the last of the prompt on
    adapter: Path | None = None  # a LoRA's folder, in PEFT's form
    beside: tuple[tuple[Message, ...], ...] = ()  # further contexts of the same answer, run in the same batch
    adapters_beside: tuple[Path | None, ...] = ()  # of the further contexts; empty: each has the first one's
    decoder: Decoder | None = None  # None: the first context alone

    def of(self, context: int) -> "Inside":
        """What is changed in one of the contexts."""
        if context == 0 or not self.adapters_beside:
            return self
        return replace(self, adapter=self.adapters_beside[context - 1])

    @property
    def is_empty(self) -> bool:
        """Whether nothing is changed."""
        return self.is_plain and self.decoder is None

    @property
    def is_adapter_alone(self) -> bool:
        """Whether an adapter is all that is changed: an endpoint may serve that by its name."""
        return self.adapter is not None and replace(self, adapter=None).is_empty and not self.beside

    @property
    def is_plain(self) -> bool:
        """Whether the first context is still the model's own, whatever is done with what it says."""
        return self.soft_prompt is None and not self.steering and self.adapter is None
