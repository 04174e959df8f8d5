"""What a memory system must do to be measured: keep what one person says, and find what bears on a prompt."""

from abc import ABC, abstractmethod
from pathlib import Path

from idiolect.features.embedder import Embedder


class Peer(ABC):
    """A memory system with one person in it, in a folder on the disk. It embeds with the embedder that it is given."""

    @abstractmethod
    def __init__(self, folder: Path, embedder: Embedder) -> None:
        """Open it, empty. Raises MissingExtra, with the next step, where its package is not installed."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Of its package."""

    @abstractmethod
    def add(self, text: str) -> None:
        """Keep what the person says; it is embedded and on the disk when this returns."""

    @abstractmethod
    def search(self, prompt: str) -> int:
        """Find what bears on a prompt that was never seen; how much there was."""

    @abstractmethod
    def close(self) -> None:
        """Free what it holds."""
