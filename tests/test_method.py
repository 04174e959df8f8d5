"""A method by name: what can stand together, and what is said where it cannot."""

from collections.abc import Iterator

import pytest

from idiolect.assistant import Assistant
from idiolect.errors import UnknownMethod
from idiolect.method import parse
from idiolect.settings import Settings

QUESTION = "What is a good breakfast?"


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with Assistant(settings=Settings(model="scripted", store="sqlite://", embedder="none")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("plain+agent", "'plain' is the model as it is"),
        ("profile+plain", "'plain' is the model as it is"),
        ("profile+token-values+profile", "'profile' is named twice"),
        ("plain+plain", "'plain' is named twice"),
        ("agent+agent", "'agent' is named twice"),
        ("best-of-2+soft-best-of-4", "two numbers of candidates"),
        ("profile+best-of-N", "write a number, such as best-of-8"),
        ("soft-best-of-N", "write a number, such as soft-best-of-8"),
        ("best-of", "write a number, such as best-of-8"),
        ("best-of-", "write a number, such as best-of-8"),
        ("best-of-99", "choose among 1 to 16"),
        ("best-of-0", "choose among 1 to 16"),
        ("", "no method named ''"),
        ("profile+", "no method named ''"),
        ("worst-of-4", "no method named 'worst-of-4'"),
    ],
)
def test_what_cannot_be_a_method_is_refused_with_the_reason(name: str, said: str) -> None:
    with pytest.raises(UnknownMethod) as told:
        parse(name)
    assert said in str(told.value)


def test_the_model_as_it_is_may_still_be_chosen_from() -> None:
    assert parse("plain+best-of-4").candidates == 4


def test_the_model_as_it_is_writes_one_answer_unless_more_are_asked_for(assistant: Assistant) -> None:
    for method, wanted, written in (
        ("plain", None, 1),
        ("plain+best-of-3", None, 3),
        ("plain", 2, 2),
        ("profile", None, 4),
    ):
        answer = (
            assistant.answer("ana", QUESTION, method=method)
            if wanted is None
            else assistant.answer("ana", QUESTION, method=method, candidates=wanted)
        )
        assert len(answer.candidates) == written, method
    assert assistant.answer("ana", QUESTION, method="plain").trace.method == "plain"
