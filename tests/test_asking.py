"""When a second answer is shown: as the person's patience allows, and once after their taste has changed."""

from collections.abc import Iterator, Sequence

import pytest
from pydantic import JsonValue

from idiolect.asking import LOOKED_AT, Past
from idiolect.assistant import Assistant
from idiolect.reward.elicitation import CONFIRM, patience, recent
from idiolect.schema import Answer, Feedback
from idiolect.settings import Settings


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with Assistant(settings=Settings(model="scripted", store="sqlite://", embedder="none")) as opened:
        yield opened


def pair(answer: Answer) -> tuple[str, str]:
    assert answer.ask is not None
    one, two = (answer.candidates[place].id for place in answer.ask)
    return one, two


def shows(assistant: Assistant, user: str, turns: int, said: str | None) -> list[bool]:
    """At which of so many turns a pair is shown to somebody who says this of each: a choice, a tie, or nothing."""
    found = list[bool]()
    for turn in range(turns):
        answer = assistant.answer(user, f"What should I know about bees, number {turn}?")
        found.append(answer.ask is not None)
        if answer.ask is not None and said is not None:
            one, two = pair(answer)
            assistant.feedback(user, Feedback.model_validate({"kind": said, "answer": one, "over": two}))
    return found


def test_patience_is_fresh_at_first_is_spent_most_in_vain_and_comes_back() -> None:
    assert patience(recent(()), recent(())) == 1
    thrice = recent((1, 2, 3))
    assert 1 < patience(thrice, 0) < patience(thrice, recent((1,))) < patience(thrice, thrice)
    assert patience(recent((9, 10, 11)), recent((9, 10, 11))) < patience(thrice, thrice) / 3
    assert recent((8,)) == pytest.approx(0.5)


def test_who_ignores_three_pairs_is_asked_less_and_who_answers_keeps_being_asked(assistant: Assistant) -> None:
    ignoring, answering = shows(assistant, "ana", 16, None), shows(assistant, "bea", 16, "choice")
    assert ignoring[0] and answering[0]
    assert sum(ignoring) <= 5
    third = [turn for turn, shown in enumerate(ignoring) if shown][2]
    assert sum(ignoring[third + 1 : third + 5]) == 0
    assert any(ignoring[third + 5 :])
    assert sum(answering) >= 2 * sum(ignoring)


def test_no_preference_is_an_answer(assistant: Assistant) -> None:
    assert sum(shows(assistant, "ana", 8, "tie")) > sum(shows(assistant, "bea", 8, None))


def test_a_pair_that_was_answered_forgives_those_before_it(assistant: Assistant) -> None:
    assert shows(assistant, "ana", 2, None) == [True, True]
    person = assistant.store.user("ana")
    spent = Past.of(person).patience
    newest = person.interactions(1)[0].answer
    one, two = pair(newest)
    assistant.prefer("ana", one, over=two)
    assert Past.of(person).patience < spent / 4


def test_no_pair_is_shown_of_a_turn_that_is_not_kept_or_that_a_program_reads(assistant: Assistant) -> None:
    question = "What should I know about bees?"
    assert assistant.answer("ana", question, candidates=4).ask is not None
    assert assistant.answer("bea", question, candidates=4, temporary=True).ask is None
    structured: dict[str, JsonValue] = {"response_format": {"type": "json_object"}}
    assert assistant.answer("bea", question, show=4, extra=structured).ask is None


def test_as_much_is_read_of_a_long_life_as_of_a_short_one(assistant: Assistant) -> None:
    shows(assistant, "ana", LOOKED_AT + 8, "choice")
    person = assistant.store.user("ana")
    newest = person.newest("interaction", "choice", "tie", most=LOOKED_AT)
    assert len(newest) == LOOKED_AT
    assert [each.seq for each in newest] == sorted((each.seq for each in newest), reverse=True)


# --- a change of taste ---------------------------------------------------------------------------------------------


def lived(assistant: Assistant, user: str, shortest: Sequence[bool]) -> list[Answer]:
    """Turns at each of which the shortest candidate, or the longest, is preferred over the other."""
    answers = list[Answer]()
    for turn, short in enumerate(shortest):
        answers.append(assistant.answer(user, f"Tell me about rivers, number {turn}.", candidates=4))
        by_length = sorted(answers[-1].candidates, key=lambda candidate: len(candidate.text), reverse=not short)
        assistant.prefer(user, by_length[0], over=by_length[-1])
    return answers


def test_after_a_change_of_taste_one_pair_is_shown_for_less_to_confirm_it_and_says_why() -> None:
    with Assistant(settings=Settings(model="scripted", store="sqlite://", embedder="none", ask_above=0.6)) as opened:
        answers = lived(opened, "ana", [True] * 30 + [False] * 20)
        assert len(opened.store.user("ana").events("choice")) == 50  # none was erased
    told = [turn for turn, answer in enumerate(answers) if answer.ask is not None]
    assert len(told) == 1
    assert told[0] > 30
    assert CONFIRM in answers[told[0]].why()
    assert not [turn for turn, answer in enumerate(answers) if CONFIRM in answer.trace.notes and turn != told[0]]


def test_a_steady_person_is_asked_to_confirm_nothing(assistant: Assistant) -> None:
    assert not [each for each in lived(assistant, "bea", [True] * 40) if CONFIRM in each.trace.notes]
