"""How much room a person takes: bytes of the database's file, embeddings included, and of the process that serves them.

One person after the other is added to a database, each with statements of their own, and the file is measured each
time. Then a fresh process recalls for one after the other and keeps what it holds of all of them, and looks each time
how much memory it has. The first person of each is not counted: with them come the tables, the code and the weights.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from os import sysconf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.sayings import lived, prompts, sayings
from idiolect.evaluation.statistics import over_users
from idiolect.features.embedder import Embedder, open_embedder
from idiolect.memory.recollection import Recollection
from idiolect.memory.store import open_store

STATM: Final = Path("/proc/self/statm")  # Linux; elsewhere the figure is left out
DISK, RESIDENT = "disk_bytes", "resident_bytes"


class Footprint(Bench):
    """Bytes that a person's memory takes on the disk and in the process, embeddings included."""

    beside: ClassVar[Mapping[str, str]] = {
        DISK: "what the database's file grows by with one such person",
        RESIDENT: "what the process grows by while it holds one such person, ready to recall",
    }

    statements: int = Field(1000, ge=1, description="Of each person.")
    people: int = Field(4, ge=2, description="Beside the first, who is not counted.")

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Measure after each person."""
        with TemporaryDirectory(prefix="idiolect-footprint-") as folder:
            url = f"sqlite:///{folder}/people.db"
            sizes = list(run.track(self._sizes(url, Path(folder) / "people.db"), "on the disk", len(self._names())))
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                held = pool.submit(resident, url, self._names()).result()
        grown = {DISK: np.diff(sizes), RESIDENT: np.diff(held)}
        return [
            Case(
                id=name,
                group=name,
                scores={sort: float(each[row]) for sort, each in grown.items() if each.size},
                choice="",
            )
            for row, name in enumerate(self._names()[1:])
        ]

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Means over people."""
        people = [case.group for case in cases]
        return {
            sort: over_users(
                np.array([case.scores[sort] for case in cases]), people, resamples=self.resamples, seed=self.seed
            )
            for sort in cases[0].scores
        }

    def _names(self) -> list[str]:
        return [f"person-{number}" for number in range(self.people + 1)]

    def _sizes(self, url: str, file: Path) -> Iterator[int]:
        embedder, texts = _embedder(), sayings(self.statements, self.seed)
        for name in self._names():
            with open_store(url) as store:
                lived(store.user(name), texts)
                Recollection(embedder).prepare(store.user(name))
            yield file.stat().st_size  # the store is closed, so the write-ahead log is in the file


def resident(url: str, names: Sequence[str]) -> list[int]:
    """Bytes of this process after it has recalled for each of these people in turn; none where no kernel says it."""
    if not STATM.exists():
        return []
    recollection, asked, found = Recollection(_embedder()), prompts(), []
    with open_store(url) as store:
        for name in names:
            recollection.recall(store.user(name), next(asked))
            found.append(int(STATM.read_text(encoding="ascii").split()[1]) * sysconf("SC_PAGE_SIZE"))
    return found


def _embedder() -> Embedder:
    embedder = open_embedder("minilm")
    assert embedder is not None
    return embedder
