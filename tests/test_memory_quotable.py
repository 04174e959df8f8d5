from collections.abc import Iterator

import pytest

from idiolect.assistant import Assistant
from idiolect.curating import Changes
from idiolect.memory.quotable import Quotable
from idiolect.models.scripted import Scripted
from idiolect.parts import UNQUOTED
from idiolect.schema import Answer
from idiolect.settings import Settings

SETTINGS = Settings(model="scripted", store="sqlite://", embedder="none", candidates=2, max_tokens=40)
BREAD, TEA = "Which bread goes with soup?", "Which tea should I drink at noon?"


class Elsewhere(Scripted):
    """A model that costs money, on another machine."""

    is_metered = True


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with Assistant(settings=SETTINGS) as opened:
        yield opened


def past(assistant: Assistant, is_elsewhere: bool = False, sensitive: bool = True, turns: bool = True) -> Quotable:
    return Quotable(assistant.store.user("ana"), is_elsewhere, sensitive, turns)


def asked(assistant: Assistant) -> list[str]:
    return [each.asked for each in past(assistant).texts()]


def judged(assistant: Assistant, question: str) -> Answer:
    """A turn of which the answer that was not shown is preferred."""
    answer = assistant.answer("ana", question)
    other = 1 - (answer.chosen or 0)
    assistant.prefer("ana", answer.candidates[other], over=answer)
    return answer


def test_a_turns_text_is_what_the_person_wrote_else_what_they_preferred_else_the_answer(assistant: Assistant) -> None:
    plain = assistant.answer("ana", BREAD)
    preferred = judged(assistant, TEA)
    written = judged(assistant, "Which cake?")
    assistant.edit("ana", written, "Plum cake.")
    texts = past(assistant).texts()
    assert [(each.asked, each.source) for each in texts] == [
        (BREAD, "answered"),
        (TEA, "preferred"),
        ("Which cake?", "written"),
    ]
    other = preferred.candidates[1 - (preferred.chosen or 0)]
    assert [each.text for each in texts] == [plain.text, other.text, "Plum cake."]
    assert [each.turn.answer for each in texts if each.turn] == [plain.id, preferred.id, written.id]


def test_of_several_judgements_of_a_turn_the_newest_counts(assistant: Assistant) -> None:
    answer = judged(assistant, TEA)
    assistant.edit("ana", answer, "Assam.")
    assistant.prefer("ana", answer.candidates[0], over=answer.candidates[1])
    text = past(assistant).texts()[0]
    assert (text.source, text.text) == ("preferred", answer.candidates[0].text)


def test_choices_come_newest_last_and_no_more_than_are_wanted(assistant: Assistant) -> None:
    answers = [judged(assistant, f"Which tea, number {number}?") for number in range(4)]
    found = past(assistant).choices(2)
    assert [each.asked for each in found] == ["Which tea, number 2?", "Which tea, number 3?"]
    assert found[1].rejected == answers[3].text
    assert found[1].turn.answer == answers[3].id
    assert past(assistant).choices(0) == []


def test_an_edit_that_changes_no_word_is_none(assistant: Assistant) -> None:
    answer = assistant.answer("ana", TEA)
    assistant.edit("ana", answer, f"{answer.text}\n")
    assistant.edit("ana", answer, "Assam.")
    assert [(each.before, each.after) for each in past(assistant).edits()] == [(answer.text, "Assam.")]


def test_refusals_and_background_calls_are_not_quoted(assistant: Assistant) -> None:
    assert assistant.answer("ana", "How do I build a pipe bomb at home?").refused
    assistant.answer("ana", "### Task:\nGenerate a concise, 3-5 word title for the chat.\n### Chat History:\nUSER: tea")
    assistant.answer("ana", BREAD)
    assert asked(assistant) == [BREAD]


def test_a_special_category_is_quoted_only_where_the_person_allows_its_use(assistant: Assistant) -> None:
    answer = judged(assistant, "I have diabetes. What should I bake?")
    assistant.edit("ana", answer, "Something without sugar, for your diabetes.")
    assert (past(assistant).texts(), past(assistant).choices(4), past(assistant).edits()) == ([], [], [])
    memory = assistant.memory("ana")
    waiting = [each for each in assistant.store.user("ana").statements() if each.status == "unconsented"]
    memory.change(waiting[0].id, Changes(consented=True))
    assert len(past(assistant).edits()) == 1
    assert past(assistant, is_elsewhere=True, sensitive=False).edits() == []


def test_to_another_machine_goes_nothing_unless_turns_may_and_never_what_stays_here(assistant: Assistant) -> None:
    judged(assistant, "I like Rioja. What goes with it?")
    judged(assistant, TEA)
    assert past(assistant, is_elsewhere=True, turns=False).texts() == []
    assert past(assistant, is_elsewhere=True, turns=False).choices(4) == []
    assert len(past(assistant, is_elsewhere=True).choices(4)) == 2
    rioja = assistant.store.user("ana").preferences()[0]
    assistant.memory("ana").change(rioja.id, Changes(local_only=True))
    assert [each.asked for each in past(assistant, is_elsewhere=True).choices(4)] == [TEA]
    assert len(past(assistant).choices(4)) == 2


@pytest.mark.parametrize("method", ["in-context", "retrieval", "edits"])
def test_what_is_quoted_stands_in_the_trace_and_is_counted_as_shown(assistant: Assistant, method: str) -> None:
    answer = judged(assistant, TEA)
    assistant.edit("ana", answer, "Assam!")
    told = assistant.answer("ana", BREAD, method=method, candidates=1)
    assert any("template" in note for note in told.trace.notes)
    shown = {each.kind for each in assistant.store.user("ana").recipients()}
    assert [turn.answer for turn in told.trace.turns] == [answer.id]
    assert shown == {"words", "turns"}


@pytest.mark.parametrize("method", ["in-context", "retrieval", "edits"])
def test_a_model_elsewhere_is_told_of_no_earlier_turn_unless_the_settings_say_so(method: str) -> None:
    for allowed in (False, True):
        settings = SETTINGS.model_copy(update={"turns_to_remote": allowed})
        with Assistant(settings=settings) as assistant:
            assistant._parts.open_model = Elsewhere
            assistant.edit("ana", judged(assistant, TEA), "Assam!")
            notes = assistant.answer("ana", BREAD, method=method).trace.notes
        assert (UNQUOTED in notes) is not allowed
        assert any("template" in note for note in notes) is allowed


@pytest.mark.parametrize("method", ["in-context", "retrieval", "bridge", "edits"])
def test_what_is_forgotten_is_quoted_no_more_and_erased_the_prompt_is_plain_again(
    assistant: Assistant, method: str
) -> None:
    assistant.edit("ana", judged(assistant, TEA), "Assam!")
    assistant.say("ana", "Shorter answers, please.")
    assert any("template" in note for note in assistant.answer("ana", BREAD, method=method).trace.notes)
    assistant.memory("ana").erase()
    assert not any("template" in note for note in assistant.answer("ana", "Hello?", method=method).trace.notes)


def test_the_settings_say_how_many_and_how_they_are_found() -> None:
    settings = Settings.model_validate({**SETTINGS.model_dump(), "prompting": {"retrieval": {"k": 2, "by": "recency"}}})
    with Assistant(settings=settings) as assistant:
        for question in (BREAD, TEA, "Which cake?"):
            assistant.answer("ana", question)
        notes = assistant.answer("ana", "Which jam?", method="retrieval").trace.notes
    assert "The model was shown 2 of their texts, found by time (template retrieval-1)." in notes
