"""Which words of a conversation are the person's own."""

import pytest

from idiolect.memory.extraction import own_words
from idiolect.schema import Message

LOREM = "The quick brown fox jumps over the lazy dog while I love cats and hate dogs in this pasted report. "


def said(*turns: str) -> list[Message]:
    """Turns of the user and the assistant in turn, the user first."""
    return [Message(role=("user", "assistant")[place % 2], content=turn) for place, turn in enumerate(turns)]


def test_only_the_newest_user_turn_is_read() -> None:
    assert own_words(said("I hate dogs.", "Noted.", "I love cats.")) == "I love cats."


def test_the_models_answers_and_the_systems_words_are_not_the_persons() -> None:
    assert (
        own_words([Message(role="system", content="I love cats."), Message(role="assistant", content="I do too.")])
        == ""
    )


def test_the_newest_user_turn_counts_even_where_a_tool_answered_after_it() -> None:
    assert own_words([*said("I love cats."), Message(role="tool", content="I hate dogs.")]) == "I love cats."


def test_no_messages_hold_no_words() -> None:
    assert own_words([]) == ""


@pytest.mark.parametrize(
    "text",
    [
        "> I love cats\n> and dogs\nIs that true?",
        'He wrote "I love cats and I hate dogs" to me.\nIs that true?',
        "\u201cI love cats and I hate dogs\u201d, she said.\nIs that true?",
        "```\nI love cats\n```\nIs that true?",
        "Is that true?\n```\nI love cats",
        "<document>I love cats</document>\nIs that true?",
        "Is that true?\n<context>\nI love cats",
        "Is that true?\n\nBob: I love cats\nAnn: I hate dogs",
        "Is that true?\ndef love(cats):\n    return i_love(cats);",
        f"Is that true?\n\n{LOREM * 20}",
        f"Is that true? Here is the report:\n\n{LOREM * 4}",
        f"Is that true?\n\n{(LOREM + chr(10) * 2) * 40}And then?",
    ],
)
def test_quotations_code_transcripts_and_pasted_blocks_are_documents(text: str) -> None:
    own = own_words(said(text))
    assert "love cats" not in own
    assert "love(cats)" not in own
    assert own


def test_a_short_title_in_quotation_marks_stays() -> None:
    assert own_words(said('I love "The Old Man and the Sea".')) == 'I love "The Old Man and the Sea".'


def test_a_note_with_a_label_is_no_transcript() -> None:
    assert own_words(said("About me: I love cats.")) == "About me: I love cats."


@pytest.mark.parametrize(
    "prompt",
    [
        "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\nUSER: I love cats.",
        "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history.\nUSER: I love cats.",
        "### Task:\nSuggest 3-5 relevant follow-up questions that the user might ask next.\nUSER: I love cats.",
        "### Task:\nYou are an autocompletion system. Continue the text.\n<text>I love cats</text>",
        "### Task:\nAnalyze the chat history to determine the necessity of generating search queries.\nI love cats.",
        "Please generate a concise title for this conversation.\nUser: I love cats.",
        "Create a concise title for the conversation started by the user message below.\nI love cats.",
        "Summarize the following into a 5-word-or-less title: I love cats",
        "Given the following conversation and a follow up question, rephrase the follow up question.\nI love cats.",
        "You are a title generator. I love cats.",
        "Your task is to reflect the speaker's likely facial expression through a fitting emoji. I love cats.",
        "What next?\n<chat_history>\nUSER: I love cats.\n</chat_history>",
    ],
)
def test_a_background_call_holds_no_words_of_the_person(prompt: str) -> None:
    assert own_words(said(prompt)) == ""


@pytest.mark.parametrize(
    "text", ["Suggest a title for my novel, please.", "My task is dull. I love cats.", "Summarise my day."]
)
def test_a_person_may_ask_for_titles_and_tasks_too(text: str) -> None:
    assert own_words(said(text)) == text


def test_a_client_can_name_the_persons_own_words_in_a_field() -> None:
    message = Message.model_validate(
        {"role": "user", "content": "context and I hate dogs", "idiolect": {"own_words": "I love cats."}}
    )
    assert own_words([message]) == "I love cats."


def test_a_client_can_mark_the_parts_that_are_the_persons_own() -> None:
    parts = [
        {"type": "text", "text": "I hate dogs.", "own_words": False},
        {"type": "text", "text": "I love cats.", "own_words": True},
        {"type": "text", "text": "Unmarked."},
    ]
    assert own_words([Message.model_validate({"role": "user", "content": parts})]) == "I love cats."
