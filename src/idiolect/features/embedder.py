"""The embedder: a text becomes a unit vector."""

from collections.abc import Sequence
from typing import Protocol

from idiolect.errors import UnknownMethod
from idiolect.features.minilm import MiniLM
from idiolect.schema import Array


class Embedder(Protocol):
    """Turns texts into unit vectors. Safe to call from many threads at once."""

    name: str
    dim: int

    def embed(self, texts: Sequence[str]) -> Array:
        """(n, dim): a unit row for each text, in order."""

    def windows(self, text: str) -> Array:
        """(w, dim): a unit row for each window of a text, at least one."""

    def forget(self, texts: Sequence[str]) -> None:
        """Drop what is kept of these texts."""


EMBEDDERS: dict[str, type[MiniLM] | None] = {"minilm": MiniLM, "none": None}


def open_embedder(name: str) -> Embedder | None:
    """The embedder of that name; "none" works with the named attributes alone."""
    if name not in EMBEDDERS:
        raise UnknownMethod(f"no embedder named {name!r}; there are: {', '.join(sorted(EMBEDDERS))}")
    embedder = EMBEDDERS[name]
    return None if embedder is None else embedder()
