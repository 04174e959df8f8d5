"""What was said of oneself, in the choice among candidates and in its explanation."""

from collections.abc import Iterator, Sequence
from threading import Event

import pytest

from idiolect import Assistant
from idiolect.models.protocol import OnCompletion, Request
from idiolect.models.scripted import Scripted
from idiolect.reward.compliance import AskedCompliance
from idiolect.schema import Completion
from idiolect.settings import Settings
from yes_or_no import Judge

QUESTION = "What should I cook for dinner tonight?"
SHRIMP = "Shrimp scampi with clams and a glass of white wine."
SOUP = "A potato soup with leeks and a slice of brown bread."


class Menu(Scripted):
    """Writes these answers, one for each candidate."""

    texts = (SHRIMP, SOUP)

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        texts = [self.texts[index % len(self.texts)] for index in range(n)]
        done = [Completion(text=text, finish_reason="stop", prompt_tokens=1, completion_tokens=9) for text in texts]
        for index, completion in enumerate(done):
            if on_completion:
                on_completion(index, completion)
        return done


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    settings = Settings(model="scripted", store="sqlite://", embedder="minilm", candidates=2)
    with Assistant(settings=settings) as opened:
        opened._parts.open_model = Menu
        yield opened


def test_an_answer_that_breaks_a_limit_is_not_chosen_and_the_reason_is_told(assistant: Assistant) -> None:
    assert assistant.answer("ana", QUESTION).text == SHRIMP  # nothing is known: the first
    assistant.say("ana", "I'm allergic to shellfish.")
    answer = assistant.answer("ana", QUESTION)
    assert answer.text == SOUP
    assert "a limit that you set" in answer.why()


def test_the_shares_add_up_to_the_score(assistant: Assistant) -> None:
    assistant.say("ana", "I'm allergic to shellfish.")
    assistant.say("ana", "I love soup for dinner.")
    assistant.prefer("ana", *reversed(assistant.answer("ana", QUESTION).candidates))
    answer = assistant.answer("ana", QUESTION)
    assert answer.chosen is not None
    total = sum(share.contribution for share in answer.trace.shares)
    assert total == pytest.approx(answer.candidates[answer.chosen].reward, abs=0.01)
    limit = next(share for share in answer.trace.shares if share.words == "a limit that you set")
    assert limit.attribute in answer.trace.recalled


def test_a_trace_repeats_no_word_of_what_was_said(assistant: Assistant) -> None:
    assistant.say("ana", "I'm allergic to shellfish.")
    assert "shellfish" not in assistant.answer("ana", QUESTION).trace.model_dump_json()


def test_without_a_statement_or_without_a_choice_nothing_is_scored(assistant: Assistant) -> None:
    assert assistant.answer("ben", QUESTION).trace.shares == ()
    assistant.say("ben", "I'm allergic to shellfish.")
    assert assistant.answer("ben", QUESTION, candidates=1).trace.shares == ()


def test_another_judge_can_take_its_place(assistant: Assistant) -> None:
    assistant._parts.compliance = AskedCompliance(Judge(f"answered: {SHRIMP}\n\nDoes the answer go against"))
    assistant.say("ana", "I'm allergic to shellfish.")
    assert assistant.answer("ana", QUESTION).text == SOUP
