"""The path through a language model: the same slots, and nothing that the text does not hold."""

from collections.abc import Sequence
from threading import Event

import pytest

from idiolect.errors import ModelError
from idiolect.memory.extraction.by_model import Answer, extract_with, request, schema
from idiolect.models.protocol import OnCompletion, Request
from idiolect.models.scripted import Scripted
from idiolect.models.scripted_json import fitted
from idiolect.schema import Completion


def test_a_model_with_structured_output_gives_slots_whose_span_is_in_the_text() -> None:
    (slots,) = extract_with(Scripted(), "I love quiet hotels.")
    assert (slots.kind, slots.polarity, slots.object, slots.span) == ("about_me", -1, "quiet hotels", "quiet hotels")


def test_what_the_text_does_not_hold_is_dropped() -> None:
    assert extract_with(Scripted(), "I love gardens and quiet hotels.") == ()  # the scripted span: "gardens hotels"


def test_a_background_call_and_a_quotation_are_never_sent() -> None:
    assert extract_with(Scripted(), "### Task:\nGenerate a concise title for the chat history.") == ()
    assert extract_with(Scripted(), "> I love quiet hotels") == ()


def test_the_form_that_is_asked_for_is_the_form_that_is_read() -> None:
    assert Answer.model_validate_json(fitted(schema(), "quiet hotels")).preferences[0].object == "quiet hotels"
    assert request("I love cats.").messages[-1].text == "I love cats."


def test_an_answer_in_another_form_is_an_error_and_not_an_empty_memory() -> None:
    class Prose(Scripted):
        """A model that knows no schema."""

        def complete(
            self,
            request: Request,
            n: int = 1,
            on_completion: OnCompletion | None = None,
            stop: Event | None = None,
        ) -> Sequence[Completion]:
            return super().complete(Request(request.messages, request.sampling), n, on_completion, stop)

    with pytest.raises(ModelError, match="did not answer in the form that was asked for"):
        extract_with(Prose(), "I love quiet hotels.")
