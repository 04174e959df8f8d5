"""Past turns in the loop: which come, which stay away, and what is kept of them."""

from datetime import UTC, datetime, timedelta

import pytest

from earlier_turns import BACK, NEVER, ORDINARY, TURNS
from idiolect.assistant import Assistant
from idiolect.features.embedder import open_embedder
from idiolect.memory.past_turns import TurnIndex
from idiolect.memory.recall import Recalled, RecallSettings
from idiolect.memory.recall.turns import PastTurns
from idiolect.memory.recollection import Recollection
from idiolect.memory.records import Recorded
from idiolect.memory.store import Store, UserStore, open_store
from idiolect.schema import Message, Revision, Slots, Statement
from idiolect.settings import Settings
from lives import MONDAY, turn

BOOK = "What was the name of the novel you recommended?"


def lived(store: Store, *names: str) -> UserStore:
    """The turns of these names, one a day."""
    person = store.user("ana")
    with person.transaction() as transaction:
        for number, name in enumerate(names):
            event = turn(name, *TURNS[name], at=MONDAY + timedelta(days=number))
            transaction.append(event)
    return person


def answers(recalled: Recalled) -> list[str]:
    return [each.answer for each in recalled.turns]


def test_the_gate_lets_through_what_is_referred_back_to_and_nothing_else() -> None:
    with open_store("sqlite://") as store:
        person, recollection = lived(store, *TURNS), Recollection(open_embedder("minilm"))
        recollection.prepare(person)
        found = [answers(recollection.recall(person, prompt))[:1] == [name] for prompt, name in BACK]
        leaked = [prompt for prompt in (*NEVER, *ORDINARY) if answers(recollection.recall(person, prompt))]
    assert sum(found) >= 19
    assert leaked == []


def test_a_turn_comes_as_what_was_asked_and_what_was_answered_with_its_date() -> None:
    with open_store("sqlite://") as store:
        found = Recollection(None).recall(lived(store, "wine", "book"), BOOK).episodes
    assert [(each.episode.speaker, each.episode.text) for each in found] == [("you", TURNS["book"][0])]
    assert [(each.speaker, each.text) for each in found[0].after] == [("assistant", f"{TURNS['book'][1]} 0")]
    assert found[0].episode.at == MONDAY + timedelta(days=1)


def test_what_was_forgotten_or_erased_is_not_recalled() -> None:
    with open_store("sqlite://") as store:
        person, recollection = lived(store, "wine", "book"), Recollection(None)
        assert answers(recollection.recall(person, BOOK)) == ["book"]
        person.forget(["evt-book"])
        assert answers(recollection.recall(person, BOOK)) == []
        assert answers(recollection.recall(person, "Which wine did you suggest with the sardines?")) == ["wine"]
        person.erase()
        assert answers(recollection.recall(person, "Which wine did you suggest with the sardines?")) == []


def test_a_turn_that_the_request_itself_holds_is_not_recalled_again() -> None:
    with open_store("sqlite://") as store:
        person = lived(store, "book")
        assert answers(Recollection(None).recall(person, BOOK, told=[TURNS["book"][0]])) == []


def test_turns_go_to_a_remote_model_only_if_that_is_allowed() -> None:
    with open_store("sqlite://") as store:
        person = lived(store, "book")
        remote = RecallSettings(remote_model=True)
        allowed = remote.model_copy(update={"turns_to_remote": True})
        assert answers(Recollection(None).recall(person, BOOK, remote)) == []
        assert answers(Recollection(None).recall(person, BOOK, allowed)) == ["book"]


def test_refused_turns_background_calls_and_special_categories_are_left_out() -> None:
    refused = turn("refused", "Recommend a novel about bombs.")
    answer = refused.answer.model_copy(update={"chosen": None, "candidates": ()})
    with open_store("sqlite://") as store:
        person = store.user("ana")
        with person.transaction() as transaction:
            transaction.append(refused.model_copy(update={"answer": answer}))
            transaction.append(turn("title", "Generate a title for this chat about a novel."))
            transaction.append(turn("ill", "I have diabetes. Which novel is about it?"))
        assert answers(Recollection(None).recall(person, BOOK)) == []


def test_of_a_turn_whose_own_words_the_client_marked_only_those_are_recalled() -> None:
    marked = turn("book", "The Shipping News is a novel. Which one is it?").model_copy(update={"own": "Which novel?"})
    unmarked = turn("title", BOOK).model_copy(update={"own": ""})
    with open_store("sqlite://") as store:
        person = store.user("ana")
        with person.transaction() as transaction:
            transaction.append(marked)
            transaction.append(unmarked)
        found = Recollection(None).recall(person, "Which novel did you recommend?").episodes
    assert [each.episode.text for each in found] == ["Which novel?"]


def test_turns_of_a_special_category_are_recalled_where_it_was_consented_to_and_only_there() -> None:
    ill = turn("ill", "I have diabetes. Which novel is about it?")
    pious = turn("pious", "I am a Muslim. Which novel is it?")
    slots = Slots(kind="about_me", object="diabetes", sensitive="health", span="I have diabetes")
    said = Statement(id="evt-said", text="I have diabetes", source="conversation", turn="ill", slots=(slots,))
    with open_store("sqlite://") as store:
        person, recollection = store.user("ana"), Recollection(None)

        def consent(given: bool) -> list[str]:
            with person.transaction() as transaction:
                transaction.append(Revision(statement="evt-said", consented=given))
            return answers(recollection.recall(person, BOOK))

        with person.transaction() as transaction:
            for event in (ill, said, pious):
                transaction.append(event)
        assert answers(recollection.recall(person, BOOK)) == []
        assert consent(given=True) == ["ill"]
        remote = RecallSettings(remote_model=True, turns_to_remote=True)
        assert answers(recollection.recall(person, BOOK, remote)) == []
        allowed = remote.model_copy(update={"sensitive_to_remote": True})
        assert answers(recollection.recall(person, BOOK, allowed)) == ["ill"]
        assert consent(given=False) == []


def test_turns_that_come_later_are_followed_and_their_embeddings_are_kept_beside_them() -> None:
    embedder = open_embedder("minilm")
    assert embedder is not None
    with open_store("sqlite://") as store:
        person, recollection = lived(store, "wine"), Recollection(embedder)
        assert answers(recollection.recall(person, BOOK)) == []
        with person.transaction() as transaction:
            transaction.append(turn("book", *TURNS["book"]))
        recollection.prepare(person)
        assert {("evt-book", 0), ("evt-book", 1)} <= set(person.embeddings(embedder.name))
        assert answers(recollection.recall(person, BOOK)) == ["book"]


def test_two_that_read_the_same_turns_at_once_hold_each_of_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store("sqlite://") as store:
        person = lived(store, "book", "wine")
        kept, index, read_events = person.kept(), TurnIndex(PastTurns(0)), UserStore.events
        overtaken: list[bool] = []

        def another_is_quicker(reader: UserStore, *kinds: str, after: int = 0) -> list[Recorded]:
            found = read_events(reader, *kinds, after=after)
            if not overtaken:
                overtaken.append(True)
                index.follow(person, kept, None)
            return found

        monkeypatch.setattr(UserStore, "events", another_is_quicker)
        index.follow(person, kept, None)
    assert overtaken
    assert [turn.answer for turn in index.turns.turns] == ["book", "wine"]


def test_the_budget_and_the_number_of_turns_are_kept() -> None:
    with open_store("sqlite://") as store:
        person = lived(store, "book")
        assert answers(Recollection(None).recall(person, BOOK, RecallSettings(turn_tokens=10))) == []
        assert answers(Recollection(None).recall(person, BOOK, RecallSettings(turns=0))) == []


@pytest.fixture
def assistant() -> Assistant:
    return Assistant(settings=Settings(model="scripted", store="sqlite://", embedder="none", method="auto"))


def test_the_loop_recalls_an_earlier_turn_and_says_so(assistant: Assistant) -> None:
    with assistant:
        first = assistant.answer("ana", "Can you recommend a novel about the sea?", candidates=1)
        later = assistant.answer("ana", BOOK, candidates=1, temporary=True)
        assert [each.answer for each in later.trace.turns] == [first.id]
        today = datetime.now(UTC)
        assert f"Recalled an earlier turn of {today.day} {today:%B %Y}." in later.why()
        assert "profile" in later.trace.method
        assert len(assistant.store.user("ana").events()) == 1


def test_the_conversation_that_goes_on_is_not_quoted_to_itself(assistant: Assistant) -> None:
    with assistant:
        asked = "Can you recommend a novel about the sea?"
        first = assistant.answer("ana", asked, candidates=1)
        talk = [Message(role="user", content=asked), Message(role="assistant", content=first.text)]
        assert assistant.answer("ana", [*talk, Message(role="user", content=BOOK)]).trace.turns == ()
