"""Embeddings that are computed beside a forgetting."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np

from failing import failing
from idiolect.errors import StoreError
from idiolect.memory.recollection import AT_ONCE, DRAWER, Index, Recollection
from idiolect.memory.store import open_store
from idiolect.schema import Array, Correction
from lives import record, statement


class Interrupted:
    """An embedder beside whose work something else is done."""

    name, dim = "interrupted", 384

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self.kept: set[str] = set()
        self._meanwhile = meanwhile

    def embed(self, texts: Sequence[str]) -> Array:
        """The same for every text."""
        self.kept |= set(texts)
        self._meanwhile()
        return np.full((len(texts), self.dim), self.dim**-0.5)

    def windows(self, text: str) -> Array:
        """One."""
        return self.embed([text])

    def forget(self, texts: Sequence[str]) -> None:
        """Drop these."""
        self.kept -= set(texts)


def test_of_a_person_who_is_erased_while_their_words_are_embedded_nothing_is_kept() -> None:
    with open_store("sqlite://") as store:
        ana = store.user("ana")
        record(ana, *(statement(f"s{number}", f"plums of tree {number}") for number in range(AT_ONCE + 1)))
        times: list[object] = []
        embedder = Interrupted(lambda: times.append(ana.erase()))
        Recollection(embedder).prepare(ana)
        assert embedder.kept == set()
        assert len(times) == 1
        assert store.users() == 0


def test_where_the_database_fails_the_next_recall_still_knows_what_holds() -> None:
    recollection, calls, made = Recollection(Interrupted(lambda: None)), 0, [1]
    while made[0] > calls - 1:
        calls += 1
        with open_store("sqlite://") as store:
            ana = store.user("ana")
            record(ana, statement("old", "plums"))
            recollection.recall(ana, "Shall I buy plums?")
            record(ana, Correction(statement="evt-old"), statement("new", "figs"))
            with failing(calls) as made, suppress(StoreError):
                recollection.recall(ana, "Shall I buy figs?")
            recollection.prepare(ana)
            index = ana.kept().drawers[DRAWER]
            assert isinstance(index, Index)
            assert list(index.held) == ["evt-new"]
    assert calls > 3


def test_many_statements_are_embedded_a_few_at_a_time_so_that_nobody_waits_for_all_of_them() -> None:
    with open_store("sqlite://") as store:
        ana = store.user("ana")
        record(ana, *(statement(f"s{number}", f"plums of tree {number}") for number in range(2 * AT_ONCE + 1)))
        known: list[int] = []
        embedder = Interrupted(lambda: known.append(len(embedder.kept)))
        Recollection(embedder).prepare(ana)
        assert known == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1]
        assert len(ana.embeddings(embedder.name)) == 2 * AT_ONCE + 1


def test_of_what_is_forgotten_meanwhile_nothing_is_kept_and_the_rest_is_embedded_later() -> None:
    with open_store("sqlite://") as store:
        ana = store.user("ana")
        record(ana, statement("said", "plums"), statement("other", "figs"))
        embedder = Interrupted(lambda: ana.forget(["evt-said"]))
        Recollection(embedder).prepare(ana)
        assert embedder.kept == set()
        assert ana.embeddings(embedder.name) == {}
        calm = Interrupted(lambda: None)
        Recollection(calm).prepare(ana)
        assert {event for event, _ in ana.embeddings(calm.name)} == {"evt-other"}
