"""What a forgetting or an erasure took, in ids and counts."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import Field

from idiolect.schema import Noun

Scope: TypeAlias = Literal["statement", "topic", "source", "period", "retention", "person"]


class Receipt(Noun):
    """What went, or in a dry run would go.

    No prior or expert that ships is learnt from people who use a store, so none has to be refitted; adapters are, and
    stand among the caches.
    """

    scope: Scope
    dry_run: bool
    rows: dict[str, int]  # deleted, by table
    events: tuple[str, ...] = ()  # ids
    kinds: dict[str, int] = Field(default_factory=dict)  # the events by kind
    statements: tuple[str, ...] = ()  # ids of those that no longer hold, also because they were said in the same breath
    later: tuple[str, ...] = ()  # ids of answers that were written while one of these was recalled
    later_forgotten: bool = False  # whether those answers went too
    rebuilt: tuple[str, ...] = ()  # beliefs that are made anew from what is left, at their next use
    caches: tuple[str, ...] = ()  # that were emptied
    ledger: str | None = None  # where it is noted, so that no backup brings it back; None: nowhere


class DryRun(Exception):
    """No error: raised in a transaction it takes back what was tried, and tells what that was."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt


@dataclass(frozen=True)
class Caches:
    """What keeps words, or vectors of them, outside the database; whoever opened these parts hands them over."""

    texts: Callable[[Sequence[str]], object] | None = None  # Embedder.forget
    prompts: Callable[[], object] | None = None  # LlamaCpp.forget
    biases: Callable[[], object] | None = None  # TokenValues.forget
    adapters: Callable[[str, Collection[str] | None], Sequence[str]] | None = None  # Registry.forget

    def empty(
        self, texts: Sequence[str], person: str | None = None, events: Collection[str] | None = None
    ) -> tuple[str, ...]:
        """Drop these texts, what came from these events of a person, or from any of theirs, and all of prompts.

        The names of what was emptied. Adapters go from the disk first, so that no engine loads them once more.
        """
        emptied: list[str] = []
        if self.adapters is not None and person is not None:
            emptied += self.adapters(person, events)
        if self.texts is not None:
            self.texts(texts)
            emptied.append("embeddings of texts")
        for name, forget in (("prompts", self.prompts), ("biases of tokens", self.biases)):
            if forget is not None:
                forget()
                emptied.append(name)
        return tuple(emptied)


NO_CACHES = Caches()
