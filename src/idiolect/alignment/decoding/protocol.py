"""What a decoder is made of: what is said in several contexts becomes one, and then tokens are raised or lowered.

    logits = additions( mixing(logits in each context) )

Both compose with what a request has already, in any order of the method's name; a bias on the logits comes last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from idiolect.generation.protocol import Prepared
from idiolect.models.inside import Inside, Step
from idiolect.models.protocol import Request
from idiolect.schema import Message

if TYPE_CHECKING:
    from torch import Tensor


class Mixing(Protocol):
    """Makes one of what is said in several contexts."""

    def mixed(self, said: "Tensor") -> "Tensor":
        """Logits (contexts, n, V) -> (n, V). The first context is the request's own."""


class Addition(Protocol):
    """Changes what the next tokens are drawn from."""

    def added(self, logits: "Tensor", step: Step) -> "Tensor":
        """(n, V) -> (n, V)."""


@dataclass(frozen=True)
class Decoding:
    """A mixture, and what is added to it."""

    mixing: Mixing | None = None
    additions: tuple[Addition, ...] = ()

    def logits(self, step: Step) -> "Tensor":
        """(n, V), what the next tokens are drawn from."""
        logits = step.said[0] if self.mixing is None else self.mixing.mixed(step.said)
        for addition in self.additions:
            logits = addition.added(logits, step)
        return logits


@dataclass(frozen=True)
class Context:
    """One more context of the same answer."""

    messages: tuple[Message, ...]
    adapter: Path | None = None


def mixing(request: Request, contexts: Sequence[Context], how: Mixing, note: str) -> Prepared:
    """The request, answered in further contexts besides, all in one batch. One answer has one mixture."""
    inside, decoding = request.inside, _decoding(request.inside)
    if inside.beside or decoding is None:
        return Prepared(request, notes=("Only one method can mix contexts: the second one was left out.",))
    changed = replace(
        inside,
        beside=tuple(each.messages for each in contexts),
        adapters_beside=tuple(each.adapter for each in contexts),
        decoder=replace(decoding, mixing=how),
    )
    return Prepared(replace(request, inside=changed), notes=(note,))


def adding(request: Request, addition: Addition) -> Request:
    """The request with this done to its logits, after what is done already."""
    decoding = _decoding(request.inside) or Decoding()
    changed = replace(decoding, additions=(*decoding.additions, addition))
    return replace(request, inside=replace(request.inside, decoder=changed))


def _decoding(inside: Inside) -> Decoding | None:
    """What is done so far; None for a decoder that is not of this room."""
    return Decoding() if inside.decoder is None else inside.decoder if isinstance(inside.decoder, Decoding) else None
