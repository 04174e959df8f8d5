"""A file that was written or changed by hand is restored only where a belief can be made of it."""

import json

import pytest

from idiolect.assistant import Assistant
from idiolect.errors import DataError
from idiolect.memory.rights import erase, export, import_again
from idiolect.memory.rights.asking import Forgetting, forgotten
from idiolect.memory.store import Store, UserStore
from idiolect.schema import AnyEvent, Choice, Correction, Edit, Feedback, Hint, Inferred, Rating, Signal, Tie
from idiolect.settings import Settings
from lives import MONDAY, ids, life, record, turn

RESTS_ON = Inferred(by="reactions", consent="c", turns=("a",))
NAMING: dict[str, AnyEvent] = {
    "choice": Choice(id="x", chosen="gone-1", over=("a-0",)),
    "choice over": Choice(id="x", chosen="a-1", over=("a-0", "gone-0")),
    "tie": Tie(id="x", between=("a-0", "gone-0")),
    "rating": Rating(id="x", candidate="gone-0", value=5),
    "rating of an answer": Rating(id="x", candidate="a", value=5),
    "edit": Edit(id="x", candidate="gone-0", text="Tea."),
    "signal": Signal(id="x", candidate="gone-0", what="copied"),
    "hint": Hint(id="x", inferred=RESTS_ON, weight=0.1, chosen="gone-1", over="a-0"),
}


def by_hand(*events: AnyEvent) -> bytes:
    """A file of these events."""
    records = [json.loads(event.model_dump_json()) for event in events]
    return json.dumps({"format": "idiolect-memory", "version": 1, "events": records}).encode()


@pytest.mark.parametrize("case", sorted(NAMING))
def test_what_names_a_candidate_of_nobody_is_refused_by_its_number_and_nothing_is_written(
    store: Store, ana: UserStore, case: str
) -> None:
    event = NAMING[case]
    with pytest.raises(DataError, match=rf"^event 2 of the file, a {event.kind} .*: put the turn before it, or leave"):
        import_again(ana, by_hand(turn("a"), event))
    assert store.users() == 0
    record(ana, turn("a"))
    before = ids(ana)
    with pytest.raises(DataError, match="event 1 of the file"):
        import_again(ana, by_hand(event))
    assert ids(ana) == before
    assert ana.audit_trail() == []


def test_a_choice_before_its_turn_and_one_of_another_persons_turn_are_refused(store: Store, ana: UserStore) -> None:
    choice = Choice(id="x", chosen="a-1", over=("a-0",))
    record(store.user("ben"), turn("a"))
    for data in (by_hand(choice, turn("b")), by_hand(choice)):
        with pytest.raises(DataError, match="event 1 of the file, a choice with the id 'x', names the candidate 'a-1'"):
            import_again(ana, data)
    assert ids(ana) == []


def test_a_choice_of_answers_that_the_person_has_already_is_restored(ana: UserStore) -> None:
    record(ana, turn("a"))
    assert import_again(ana, by_hand(Choice(id="x", chosen="a-1", over=("a-0",)))).events == 1


@pytest.mark.parametrize(
    "event",
    [
        Correction(id="x", attribute="sparkle", weight=1.0),
        Hint(id="x", inferred=RESTS_ON, weight=0.1, attribute="sparkle", target=0.4),
    ],
)
def test_what_names_an_attribute_that_there_is_not_is_refused(ana: UserStore, event: AnyEvent) -> None:
    with pytest.raises(DataError, match=r"event 1 of the file, .* names the attribute 'sparkle'"):
        import_again(ana, by_hand(event))
    assert ids(ana) == []


def test_of_a_file_that_is_restored_a_belief_can_be_made() -> None:
    fields = Settings(model="scripted", store="sqlite://", embedder="none", candidates=2)
    with Assistant(settings=fields) as assistant:
        import_again(assistant.store.user("ana"), by_hand(turn("a"), Choice(id="x", chosen="a-1", over=("a-0",))))
        assert assistant.profile("ana").evidence == 1


@pytest.mark.parametrize(
    "asked",
    [
        Forgetting(statement="evt-said"),
        Forgetting(topic="food"),
        Forgetting(since=MONDAY.isoformat(), until=MONDAY.replace(minute=31).isoformat()),
    ],
)
def test_who_forgot_turns_exports_and_restores_to_the_same_bytes(
    store: Store, ana: UserStore, asked: Forgetting
) -> None:
    record(ana, *life(), turn("d", "Name a song."), Choice(id="evt-last", chosen="d-1", over=("d-0",), at=MONDAY))
    forgotten(ana, asked)
    assert "evt-choice" not in ids(ana)
    first = export(ana)
    import_again(store.user("ben"), first)
    assert export(store.user("ben")) == first
    erase(ana)
    import_again(ana, first)
    assert export(ana) == first


def test_a_choice_among_two_turns_goes_with_either(ana: UserStore) -> None:
    for gone in ("evt-a", "evt-b"):
        record(ana, turn("a"), turn("b"), Choice(id="x", chosen="a-1", over=("a-0", "b-0")))
        ana.forget([gone])
        assert "x" not in ids(ana)
        ana.erase()


def test_feedback_of_a_real_assistant_survives_export_forgetting_and_restore() -> None:
    fields = Settings(model="scripted", store="sqlite://", embedder="none", candidates=2)
    with Assistant(settings=fields) as assistant:
        first, second = (assistant.answer("ana", prompt) for prompt in ("Name a song.", "Name a river."))
        for answer in (first, second):
            one, other = (candidate.id for candidate in answer.candidates)
            assistant.feedback("ana", Feedback(kind="tie", answer=one, over=other))
            assistant.rate("ana", one, 4)
        assistant.prefer("ana", first.candidates[0], second.candidates[0])
        person = assistant.store.user("ana")
        person.forget([person.turn(first.id).event.id])
        exported, profile = export(person), assistant.profile("ana")
        import_again(assistant.store.user("ben"), exported)
        assert export(assistant.store.user("ben")) == exported
        assert assistant.profile("ben").tastes == profile.tastes
