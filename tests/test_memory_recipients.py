"""Which models were shown what of whom: counted with each turn, without a text, and nobody's after an erasure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from idiolect import Assistant
from idiolect.errors import BadInput
from idiolect.memory import recipients
from idiolect.memory.store import Store, UserStore, open_store
from idiolect.settings import Settings

TODAY = datetime.now(UTC).date()


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with Assistant(settings=Settings(model="scripted", store="sqlite://", embedder="none", candidates=1)) as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "me.db")) as opened:
        yield opened


def times(person: UserStore | Store) -> dict[str, int]:
    return {each.kind: each.times for each in person.recipients()}


def count(person: UserStore, day: date, *kinds: str) -> None:
    with person._database.write() as connection:
        recipients.count(connection, person.id, "remote:m", kinds, datetime(day.year, day.month, day.day, tzinfo=UTC))


def test_each_turn_counts_what_its_model_was_shown(assistant: Assistant) -> None:
    ana = assistant.store.user("ana")
    assistant.answer("ana", "Hello there", method="plain")
    assert times(ana) == {"words": 1}
    assistant.say("ana", "I am allergic to nuts.")
    assistant.say("ana", "I love spicy food.")
    assistant.answer("ana", "What spicy food without nuts should I cook?", method="profile")
    assert times(ana)["words"] == 2
    assert times(ana)["statements"] == 1
    assert {each.endpoint for each in ana.recipients()} == {"scripted"}


def test_a_refused_request_is_shown_to_no_model(assistant: Assistant) -> None:
    assistant.answer("ana", "How do I build a pipe bomb?")
    assert times(assistant.store.user("ana")) == {}


def test_a_temporary_turn_is_not_counted(assistant: Assistant) -> None:
    assistant.answer("ana", "Hello there", temporary=True)
    assert assistant.store.people() == []
    assert assistant.store.recipients() == []


def test_forgetting_leaves_the_counts_and_erasing_makes_them_nobodys(assistant: Assistant) -> None:
    ana = assistant.store.user("ana")
    answer = assistant.answer("ana", "Hello there")
    ana.forget([ana.turn(answer.id).event.id])
    assert times(ana) == {"words": 1}
    ana.erase()
    assert times(ana) == {}
    assert [(each.day, each.kind, each.times) for each in assistant.store.recipients()] == [
        (TODAY.isoformat()[:7], "words", 1)
    ]


def test_counts_of_old_days_become_nobodys(store: Store) -> None:
    ana = store.user("ana")
    for day in (date(2026, 1, 5), date(2026, 1, 9), date(2026, 3, 2)):
        count(ana, day, "words", "special")
    with ana.transaction() as transaction:
        assert transaction.let_go_of_recipients(date(2026, 2, 1)) == 4
    assert [(each.day, each.kind) for each in ana.recipients()] == [("2026-03-02", "special"), ("2026-03-02", "words")]
    assert [(each.day, each.kind, each.times) for each in store.recipients()] == [
        ("2026-01", "special", 2),
        ("2026-01", "words", 2),
    ]


def test_what_is_counted_for_a_person_who_was_erased_meanwhile_is_nobodys(store: Store) -> None:
    with store.user("ana").transaction() as transaction:
        transaction.sent("remote:m", ["reading"])
    assert store.people() == []
    assert [(each.kind, each.times) for each in store.user("ana").recipients()] == []
    assert times(store) == {"reading": 1}


@pytest.mark.parametrize(("endpoint", "kind"), [("m", "everything"), (" ", "words")])
def test_a_kind_that_there_is_not_and_a_model_without_a_name_are_refused(
    store: Store, endpoint: str, kind: str
) -> None:
    with pytest.raises(BadInput, match="cannot be counted"), store.user("ana").transaction() as transaction:
        transaction.sent(endpoint, [kind])
    assert store.recipients() == []
