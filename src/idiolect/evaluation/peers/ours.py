"""Idiolect as a peer of others: the same two operations on the same texts, by the doors that people use."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from idiolect.evaluation.memory_latency import USER, hear
from idiolect.evaluation.peers.protocol import Peer
from idiolect.evaluation.sayings import lived
from idiolect.features.embedder import Embedder
from idiolect.memory.feedback import event_of
from idiolect.memory.recollection import Recollection
from idiolect.memory.store import open_store
from idiolect.schema import Feedback


class Ours(Peer):
    """The store in an SQLite file, every commit synced to the disk."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self._store = open_store(f"sqlite:///{folder / 'idiolect.db'}")
        self._person, self._recollection = self._store.user(USER), Recollection(embedder)

    @property
    def version(self) -> str:
        """Ours."""
        return version("idiolect")

    def fill(self, texts: Sequence[str]) -> None:
        """Many statements at once; how they come here is not timed."""
        lived(self._person, tuple(texts))
        self.embed()

    def hear(self, text: str) -> None:
        """Keep it as a turn does: read and on the disk; embedded behind the turn."""
        hear(self._person, text)

    def embed(self) -> None:
        """What happens behind the turn."""
        self._recollection.prepare(self._person)

    def add(self, text: str) -> None:
        """Keep what is told on purpose, without a turn around it, and embed it before anything else happens."""
        event = event_of(self._person, Feedback(kind="statement", value=text))
        with self._person.transaction() as transaction:
            transaction.append(event)
        self.embed()

    def search(self, prompt: str) -> int:
        """Recall, with the prompt's embedding."""
        return len(self._recollection.recall(self._person, prompt).preferences)

    def close(self) -> None:
        """Close the store."""
        self._store.close()
