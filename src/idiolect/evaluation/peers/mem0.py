"""Mem0's open-source library in local mode (Chhikara et al., 2025, arXiv 2504.19413): qdrant on the disk, no server.

`add` with `infer=False` keeps the text as it is: no language model is asked, as none is on our side. Telemetry is off
and nothing leaves the machine; spaCy and fastembed, which would give it entities and BM25 for more time, are not
installed with it. Embeddings come from the embedder that is given, so that both sides spend the same on them.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from idiolect.errors import MissingExtra
from idiolect.evaluation.peers.protocol import Peer
from idiolect.features.embedder import Embedder

USER = "person-1"
OFF = {"MEM0_TELEMETRY": "False", "HF_HUB_OFFLINE": "1"}


class Embedding:
    """Our embedder as Mem0 calls one. It asks no more of one than this."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        """The vector of a text, whatever it is for."""
        row: list[float] = self._embedder.embed([text])[0].tolist()
        return row

    def embed_batch(self, texts: Sequence[str], memory_action: str = "add") -> list[list[float]]:
        """The vectors of some."""
        rows: list[list[float]] = self._embedder.embed(texts).tolist()
        return rows


class Mem0(Peer):
    """One person in a collection of their own."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        os.environ.update(OFF, MEM0_DIR=str(folder / "settings"))  # it reads them as it is imported
        try:
            import mem0
        except ImportError as missing:
            raise MissingExtra(
                "this comparison needs mem0ai, which is not installed: pip install 'idiolect[peers]', best into a "
                "virtual environment of its own"
            ) from missing
        self._version = str(mem0.__version__)
        store = {"path": str(folder / "qdrant"), "on_disk": True, "embedding_model_dims": embedder.dim}
        unasked = {"api_key": "none: no model is asked"}
        self._memory = mem0.Memory.from_config(
            {
                "vector_store": {"provider": "qdrant", "config": store},
                "llm": {"provider": "openai", "config": unasked},
                "embedder": {"provider": "openai", "config": {**unasked, "embedding_dims": embedder.dim}},
                "history_db_path": str(folder / "history.db"),
            }
        )
        self._memory.embedding_model = Embedding(embedder)

    @property
    def version(self) -> str:
        """Of mem0ai."""
        return self._version

    def add(self, text: str) -> None:
        """Keep a text as it is."""
        self._memory.add(text, user_id=USER, infer=False)

    def search(self, prompt: str) -> int:
        """As many as ours gives at most."""
        found = self._memory.search(prompt, filters={"user_id": USER}, top_k=5)
        return len(found["results"])

    def close(self) -> None:
        """Close its databases."""
        self._memory.close()
