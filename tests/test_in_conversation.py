"""What is said of oneself holds in that very conversation, consent or not, and not beyond it."""

from collections.abc import Iterator

import pytest

from idiolect import Assistant
from idiolect.curating import Changes
from idiolect.features.minilm import MiniLM
from idiolect.memory.in_conversation import HERE, NOTE
from idiolect.models.protocol import Request
from idiolect.schema import Answer, Message
from idiolect.settings import Settings
from test_reward_compliance_loop import QUESTION, SHRIMP, SOUP, Menu

LIMIT = "I have a shellfish allergy."


class Elsewhere(Menu):
    """The same on another machine, for money."""

    is_metered = True


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    settings = Settings(model="scripted", store="sqlite://", embedder="minilm", candidates=2)
    with Assistant(settings=settings) as opened:
        opened._parts.open_model = Menu
        yield opened


def conversation(*told: str) -> list[Message]:
    """The person and the assistant in turn."""
    return [Message(role="assistant" if number % 2 else "user", content=text) for number, text in enumerate(told)]


def marks(answer: Answer) -> list[str]:
    return [share.words for share in answer.trace.shares]


@pytest.mark.parametrize("temporary", [False, True])
@pytest.mark.parametrize(
    "told",
    [
        (f"{LIMIT} {QUESTION}",),
        (LIMIT, "Good to know.", QUESTION),
        (f"{LIMIT} {QUESTION}", "A stew.", "Something quicker, please."),
        (QUESTION, SHRIMP, "But I have a shellfish allergy!"),
    ],
)
def test_a_limit_holds_for_the_conversation_that_it_is_said_in(
    assistant: Assistant, told: tuple[str, ...], temporary: bool
) -> None:
    assert assistant.answer("ben", QUESTION).text == SHRIMP
    answer = assistant.answer("ana", conversation(*told), temporary=temporary)
    assert answer.text == SOUP
    assert "a limit that you set" in marks(answer)
    assert NOTE in answer.trace.notes


def test_it_holds_no_further_without_consent(assistant: Assistant) -> None:
    assistant.answer("ana", conversation(f"{LIMIT} {QUESTION}"))
    assert assistant.answer("ana", QUESTION).text == SHRIMP
    (waiting,) = assistant.store.user("ana").statements()
    assert waiting.status == "unconsented"


def test_a_temporary_conversation_leaves_nothing(assistant: Assistant) -> None:
    assistant.answer("ana", conversation(f"{LIMIT} {QUESTION}"), temporary=True)
    assert assistant.store.user("ana").events() == []
    embedder = assistant.learner.embedder
    assert isinstance(embedder, MiniLM)
    assert not embedder.keeps("shellfish allergy")


def test_what_is_kept_is_named_by_its_id_and_what_is_not_is_not(assistant: Assistant) -> None:
    first = assistant.answer("ana", told := conversation(f"{LIMIT} {QUESTION}"))
    assert first.trace.recalled == ()
    assert first.trace.shares[0].attribute.startswith(HERE)
    (kept,) = assistant.store.user("ana").statements()
    later = assistant.answer("ana", [*told, *conversation("", "A stew.", "Something quicker, please.")[1:]])
    assert later.trace.recalled == (kept.id,)
    assert "shellfish" not in later.trace.model_dump_json()


def test_what_was_ended_holds_no_longer_though_the_conversation_has_the_words(assistant: Assistant) -> None:
    told = conversation(f"{LIMIT} {QUESTION}", SOUP, QUESTION)
    assistant.answer("ana", told[:1])
    (kept,) = assistant.store.user("ana").statements()
    assistant.memory("ana").change(kept.id, Changes(ended=True))
    assert assistant.answer("ana", told).text == SHRIMP


def test_what_the_conversation_takes_back_is_not_recalled(assistant: Assistant) -> None:
    assistant.say("ana", "I love shrimp scampi.")
    told = conversation(f"I no longer like shrimp scampi. {QUESTION}")
    assert assistant.answer("ana", told, temporary=True).text == SOUP
    assert assistant.answer("ana", QUESTION).text == SHRIMP


def test_another_subject_of_the_same_conversation_is_left_alone(assistant: Assistant) -> None:
    told = conversation(
        f"{LIMIT} {QUESTION}", "A stew.", "Thank you.", "Welcome.", "Write a function that sorts a list."
    )
    assert assistant.answer("ana", told).trace.shares == ()


@pytest.mark.parametrize("text", [f'He wrote: "{LIMIT}" {QUESTION}', f"My sister has a shellfish allergy. {QUESTION}"])
def test_what_others_say_does_not_hold(assistant: Assistant, text: str) -> None:
    assert assistant.answer("ana", text).text == SHRIMP


def test_its_words_go_to_a_model_elsewhere_as_the_conversation_does(assistant: Assistant) -> None:
    assistant._parts.open_model = Elsewhere
    assert assistant.answer("ana", conversation(f"{LIMIT} {QUESTION}"), candidates=2).text == SOUP


def test_the_profile_prompt_tells_it_the_model(assistant: Assistant) -> None:
    parts, told = assistant._parts, conversation(f"{LIMIT} {QUESTION}")
    recalled = parts.recall(assistant.store.user("ana"), told, {})
    method = parts.method("profile", None, {}, recalled)
    person = assistant.store.user("ana")
    request = parts.prepare(Request(tuple(told)), method, person, assistant.learner.belief(person), recalled).request
    assert 'They said: "I have a shellfish allergy"' in request.messages[0].text
