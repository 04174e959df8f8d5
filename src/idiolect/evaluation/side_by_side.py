"""Our memory beside another system's, in one run: the same texts, the same embedder, step by step in turns.

Both sides embed the text in the call (`add`, `search`): of what is kept it is the same text alone. Ours need not: a
turn waits only until what was said is on the disk with the turn (`hear`), and embeddings are computed behind it. Each
side has a cache of embeddings of its own, and every text is new to both; who goes first changes from round to round.
"""

from collections.abc import Iterator, Mapping, Sequence
from os import getloadavg
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from idiolect.evaluation.memory_latency import CPU, Stopwatch
from idiolect.evaluation.peers import PEERS
from idiolect.evaluation.peers.ours import Ours
from idiolect.evaluation.peers.protocol import Peer
from idiolect.evaluation.protocol import Bench, Case, Figure, Run
from idiolect.evaluation.sayings import prompts, sayings
from idiolect.evaluation.statistics import quantile, ratio_of_medians
from idiolect.features.embedder import Embedder, open_embedder

WARM_UP = 3  # rounds that are not counted
RATIOS = {  # what of theirs is held against what of ours
    "add": ("their_add", "our_add"),
    "add_embedded_later": ("their_add", "our_hear"),
    "search": ("their_search", "our_search"),
}


class SideBySide(Bench):
    """Milliseconds of adding and of searching, ours and another memory system's, with the ratio of the medians."""

    beside: ClassVar[Mapping[str, str]] = {
        "times_faster/add@": "their add over ours, both with the embedding in the call",
        "times_faster/add_embedded_later@": "their add over what a turn of ours waits for: read and on the disk",
        "times_faster/search@": "their search over our recall, both with the prompt's embedding",
        "times_faster_cpu/": "the same of the processor's time",
        "our_hear_ms": "read and on the disk, to be embedded behind the turn",
        "our_": "ours",
        "their_": "theirs",
        "embedding_ms": "one new text alone: in each add and search of both, but not in our_hear",
        "load": "processes that wanted to run, over the last minute",
    }

    peer: str = Field("mem0", description=f"The other system: {', '.join(sorted(PEERS))}.")
    statements: int = Field(1000, ge=10, description="What both keep before the clock starts.")
    rounds: int = Field(100, ge=5, description="Of adding and searching, on each side.")

    @field_validator("peer")
    @classmethod
    def _is_known(cls, peer: str) -> str:
        if peer not in PEERS:
            raise ValueError(f"no peer named {peer!r}; there are: {', '.join(sorted(PEERS))}")
        return peer

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Fill both, then take turns."""
        with TemporaryDirectory(prefix="idiolect-peers-") as name:
            folder = Path(name)
            theirs, ours = PEERS[self.peer](folder, _embedder()), Ours(folder, _embedder())
            try:
                texts = sayings(self.statements + 2 * (self.rounds + WARM_UP), self.seed)
                kept, said = texts[: self.statements], iter(texts[self.statements :])
                ours.fill(kept)
                for text in run.track(kept, f"filling {self.peer}", self.statements):
                    theirs.add(text)
                return list(run.track(self._rounds(ours, theirs, said), f"beside {self.peer}", self.rounds))
            finally:
                theirs.close()
                ours.close()

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Ratios of medians first; the rounds are drawn together."""
        columns = {name: np.array([case.scores[name] for case in cases]) for name in cases[0].scores}
        found: dict[str, Figure] = {}
        for prefix, unit in (("", ""), (CPU, "_cpu")):
            for name, (top, bottom) in RATIOS.items():
                found[f"times_faster{unit}/{name}@p50"] = ratio_of_medians(
                    columns[prefix + top], columns[prefix + bottom], resamples=self.resamples, seed=self.seed
                )
        for name, values in columns.items():
            label = name if name == "load" else f"{name}_ms@p50"
            found[label] = quantile(values, 0.5, resamples=self.resamples, seed=self.seed)
        return found

    def _rounds(self, ours: Ours, theirs: Peer, said: Iterator[str]) -> Iterator[Case]:
        asked, alone = prompts(self.seed), _embedder()
        for number in range(-WARM_UP, self.rounds):
            watch, text, later, prompt = Stopwatch(), next(said), next(said), next(asked)
            sides: list[tuple[str, Peer]] = [("our", ours), ("their", theirs)]
            for side, peer in sides if number % 2 else reversed(sides):
                with watch(f"{side}_add"):
                    peer.add(text)
                with watch(f"{side}_search"):
                    peer.search(prompt)
            with watch("our_hear"):
                ours.hear(later)
            ours.embed()
            theirs.add(later)  # both keep the same
            with watch("embedding"):
                alone.embed([prompt])
            if number >= 0:
                scores = {**watch.scores, "load": getloadavg()[0]}
                yield Case(id=str(number), group=self.peer, scores=scores, choice=theirs.version)


def _embedder() -> Embedder:
    """One with a cache of its own; the model behind them is one."""
    embedder = open_embedder("minilm")
    assert embedder is not None
    embedder.embed(["Good morning."])
    return embedder
