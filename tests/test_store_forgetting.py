"""Forgetting takes what hangs on an event; embeddings come back as they were; the audit trail has no texts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from idiolect.errors import AnswerNotFound, BadInput
from idiolect.memory.arrays import embedding_bytes, embeddings_of
from idiolect.memory.store import Forgotten, Store, UserStore, open_store
from idiolect.schema import (
    AnyEvent,
    Choice,
    Correction,
    Decision,
    Edit,
    Proposal,
    Rating,
    Revision,
    Slots,
    Statement,
    Verdict,
)
from lives import record, turn

FINE = Verdict(score=1.0)
JAZZ = Slots(kind="topic", object="jazz")


def test_a_turn_goes_with_its_answer_vectors_embeddings_feedback_and_what_was_read_from_it(
    store: Store, ana: UserStore
) -> None:
    kept: list[AnyEvent] = [
        turn("b"),
        Rating(candidate="b-0", value=4),
        Statement(text="I like tea.", turn="b", slots=()),
    ]
    said = Statement(text="I like soup.", turn="a", slots=())
    gone: list[AnyEvent] = [turn("a"), said, Choice(chosen="a-1", over=("a-0",)), Rating(candidate="a-0", value=2)]
    gone += [Edit(candidate="a-0", text="Broth."), Choice(chosen="b-1", over=("a-1",)), Correction(statement=said.id)]
    record(ana, *kept, *gone)
    record(store.user("ben"), *gone)
    before = ana.head()
    counts = ana.forget(["evt-a"])
    assert counts == {"vector": 1, "embedding": 7, "answer": 3, "event": 7, "state": 1}
    assert [each.event for each in ana.events()] == kept
    assert (set(ana.vectors(["a-0", "b-0"], "v1")), ana.state("belief")) == ({"b-0"}, None)
    assert {event for event, _ in ana.embeddings("m1")} == {event.id for event in kept}
    with pytest.raises(AnswerNotFound):
        ana.interaction("a-0")
    after = ana.head()
    assert before is not None
    assert after is not None
    assert after.epoch != before.epoch
    assert len(store.user("ben").events()) == 7


def test_a_statement_goes_with_all_that_repeats_its_words_or_decides_on_it(ana: UserStore) -> None:
    said = Statement(id="evt-1", text="I like jazz and tea.", slots=(JAZZ, JAZZ))
    offered = Proposal(id="evt-2", text="jazz", slots=JAZZ, origin="import", source="an export")
    about: list[AnyEvent] = [Revision(statement="evt-1.1", slots=JAZZ), Decision(proposal="evt-2", accepted=True)]
    dotted = Statement(id="evt-1.1.x", text="I like rain.", slots=())
    record(ana, said, offered, *about, dotted, Correction(statement="evt-1"), Correction(attribute="length", weight=1))
    assert ana.forget(["evt-1"])["event"] == 3
    assert ana.forget(["evt-2"])["event"] == 2
    assert [each.event.kind for each in ana.events()] == ["statement", "correction"]


def test_ids_of_nobodys_are_passed_over_and_many_are_forgotten_at_once(ana: UserStore) -> None:
    record(ana, *(Statement(id=f"evt-{index}", text="I like tea.", slots=()) for index in range(1203)))
    assert ana.forget(["nobody's", *(f"evt-{index}" for index in range(1202))])["event"] == 1202
    assert [each.event.id for each in ana.events()] == ["evt-1202"]
    assert ana.forget([]) == {"vector": 0, "embedding": 0, "answer": 0, "event": 0, "state": 0}


def test_the_head_tells_how_far_the_events_go_and_a_person_who_comes_back_is_another(ana: UserStore) -> None:
    assert ana.head() is None
    record(ana, turn("a"), Rating(candidate="a-0", value=2))
    first = ana.head()
    assert first is not None
    assert first.newest == ana.events()[-1].seq
    ana.erase()
    assert ana.head() is None
    record(ana, turn("a"))
    again = ana.head()
    assert again is not None
    assert again.epoch != first.epoch


def test_embeddings_are_kept_by_event_part_and_version(ana: UserStore) -> None:
    record(ana, Statement(id="evt-1", text="tea", slots=()), Statement(id="evt-2", text="tea", slots=()))
    near = np.array([0.6, -0.8, 0.0], np.float32)
    with ana.transaction() as transaction:
        transaction.save_embeddings("m2", {("evt-1", 0): near, ("evt-1", 1): -near, ("evt-2", 0): near})
        transaction.save_embeddings("m2", {("evt-1", 0): -near})  # made anew
    found = ana.embeddings("m2")
    assert list(found) == [("evt-1", 0), ("evt-1", 1), ("evt-2", 0)]
    assert found["evt-1", 0] == pytest.approx(-near, abs=0.004)
    assert list(ana.embeddings("m2", ["evt-2", "nobody's"])) == [("evt-2", 0)]
    assert ana.embeddings("m3") == {}


def test_an_embedding_of_an_event_that_was_never_recorded_is_refused(ana: UserStore) -> None:
    with pytest.raises(BadInput, match="append it first"), ana.transaction() as transaction:
        transaction.save_embeddings("m1", {("evt-1", 0): np.ones(2, np.float32)})


@given(arrays(np.float32, 384, elements=st.floats(-1, 1, width=32)))
def test_int8_keeps_the_direction_of_an_embedding(vector: NDArray[np.float32]) -> None:
    scale, data = embedding_bytes(vector)
    back = embeddings_of([scale], [data])[0]
    assert np.abs(back - vector).max() <= scale / 2 + 1e-6
    assert len(data) == 384


def test_int8_costs_less_than_a_thousandth_of_cosine_on_embeddings() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 384)).astype(np.float32)
    packed = [embedding_bytes(row) for row in rows]
    back = embeddings_of([scale for scale, _ in packed], [data for _, data in packed])
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(back, axis=1)
    assert ((rows * back).sum(axis=1) / norms).min() > 0.9999


def test_the_audit_trail_takes_ids_and_counts_and_refuses_texts(ana: UserStore) -> None:
    with ana.transaction() as transaction:
        transaction.note("forget", {"events": 2, "ids": ["evt-1", "evt-2"]})
        transaction.note("export", {})
    trail = ana.audit_trail()
    assert [(each.action, each.what) for each in trail] == [
        ("forget", {"events": 2, "ids": ["evt-1", "evt-2"]}),
        ("export", {}),
    ]
    assert trail[0].at <= trail[1].at
    assert trail[0].at.tzinfo is not None
    for text in ("I like tea", "", "x" * 300):
        with pytest.raises(BadInput, match="never a text"), ana.transaction() as transaction:
            transaction.note("forget", {"ids": [text]})
    assert len(ana.audit_trail()) == 2


def test_forgetting_leaves_no_byte_of_the_words_in_any_file(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        ana = store.user("ana")
        for index in range(50):
            with ana.transaction() as transaction:
                transaction.append(Statement(id=f"evt-{index}", text=f"I like canaries {index} " * 20, slots=()))
                transaction.append(Edit(id=f"edit-{index}", candidate="a-0", text="sparrow " * index))
        assert any(b"canaries" in file.read_bytes() for file in tmp_path.iterdir())
        ana.forget(f"evt-{index}" for index in range(50))
        assert [file.name for file in tmp_path.iterdir() if b"canaries" in file.read_bytes()] == []
        assert len(ana.events()) == 50


def test_a_turn_has_the_key_of_its_words_first_and_once_and_the_key_goes_with_it(ana: UserStore, store: Store) -> None:
    def is_first(person: UserStore, name: str) -> bool:
        with person.transaction() as transaction:
            return transaction.is_first("ab12", transaction.append(turn(name)))

    assert [is_first(ana, "a"), is_first(ana, "b"), is_first(store.user("ben"), "a")] == [True, False, True]
    ana.forget(["evt-b"])
    assert not is_first(ana, "c")
    ana.forget(["evt-a"])
    assert is_first(ana, "d")


def test_a_transaction_in_which_nothing_is_written_makes_no_person(store: Store, ana: UserStore) -> None:
    with ana.transaction() as transaction:
        assert transaction.events() == []
    assert store.users() == 0


def test_what_was_made_of_an_earlier_life_is_not_kept(store: Store, ana: UserStore) -> None:
    record(ana, Statement(text="I like tea.", slots=()))
    before = ana.kept().epoch
    with ana.transaction(before) as transaction:
        transaction.note("export", {"events": 1})
    ana.erase()
    with pytest.raises(Forgotten), ana.transaction(before) as transaction:
        transaction.note("export", {"events": 1})
    assert store.users() == 0
