"""Conversations are told from turns, so that a person can go on with one."""

from collections.abc import Iterator

import pytest

from idiolect.assistant import Assistant
from idiolect.conversations import Conversation, recent
from idiolect.schema import Answer, Message
from idiolect.settings import Settings


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with Assistant(settings=Settings(model="scripted", store="sqlite://", embedder="none", candidates=2)) as opened:
        yield opened


def ask(assistant: Assistant, prompt: str, before: Conversation | None = None) -> Answer:
    history = before.messages if before else ()
    return assistant.answer("ana", [*history, Message(role="user", content=prompt)])


def latest(assistant: Assistant, most: int = 5) -> list[list[str]]:
    """The prompts of each conversation."""
    return [[said.event.prompt for said in talk.turns] for talk in recent(assistant.store.user("ana"), most)]


def test_turns_that_follow_one_another_are_one_conversation_and_the_newest_is_first(assistant: Assistant) -> None:
    ask(assistant, "What is tea?")
    ask(assistant, "What is rain?")
    rain, tea = recent(assistant.store.user("ana"), 5)
    ask(assistant, "And who drinks it?", tea)
    assert latest(assistant) == [["What is tea?", "And who drinks it?"], ["What is rain?"]]
    assert latest(assistant, 1) == [["What is tea?", "And who drinks it?"]]
    assert rain.messages[0].text == "What is rain?"


def test_a_conversation_goes_on_from_whichever_candidate_it_went_on_from(assistant: Assistant) -> None:
    answer = ask(assistant, "What is tea?")
    other = answer.candidates[1 - (answer.chosen or 0)]
    history = [Message(role="user", content="What is tea?"), Message(role="assistant", content=other.text)]
    assistant.answer("ana", [*history, Message(role="user", content="And who drinks it?")])
    (talk,) = recent(assistant.store.user("ana"), 5)
    assert talk.turns[0].id == other.id
    assert list(talk.messages[:2]) == history


def test_an_answer_that_was_written_anew_takes_the_place_of_the_older_one(assistant: Assistant) -> None:
    ask(assistant, "What is tea?")
    again = ask(assistant, "What is tea?")
    (talk,) = recent(assistant.store.user("ana"), 5)
    assert [said.event.answer.id for said in talk.turns] == [again.id]


def test_what_a_client_began_with_words_of_its_own_and_background_calls_are_left_out(assistant: Assistant) -> None:
    system = Message(role="system", content="You are a pirate.")
    assistant.answer("ana", [system, Message(role="user", content="Hello?")])
    assistant.answer("ana", "Generate a concise title for this chat.\n### Chat History:\nuser: tea")
    assert latest(assistant) == []


def test_of_one_whose_beginning_was_forgotten_the_rest_is_left_out(assistant: Assistant) -> None:
    ask(assistant, "What is tea?")
    ask(assistant, "And who drinks it?", recent(assistant.store.user("ana"), 1)[0])
    person = assistant.store.user("ana")
    person.forget([recent(person, 1)[0].turns[0].event.id])
    assert latest(assistant) == []
