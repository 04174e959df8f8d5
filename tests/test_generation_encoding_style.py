"""A person's manner as one direction inside a model: two tiny layers, in float32."""

from collections.abc import Iterator

import numpy as np
import pytest

from idiolect.generation.encoding.style_vector import FEW, StyleVector
from idiolect.generation.encoding.traces import Answers, divergence
from idiolect.generation.protocol import Host, Person
from idiolect.models import Request, WhiteBox, WhiteBoxSettings
from idiolect.models.scripted import Scripted
from idiolect.models.white_box.tiny import save_tiny
from idiolect.schema import Sampling, as_messages

ASKED = Request(as_messages("Hello?"), Sampling(max_tokens=8, seed=1))
CHOICES = tuple((f"Question {number}?", f"Yes!! {number}!", f"No. {number}.") for number in range(3))
TURNED = tuple((prompt, left, liked) for prompt, liked, left in CHOICES)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteBox]:
    folder = save_tiny(tmp_path_factory.mktemp("tiny"))
    opened = WhiteBox(f"transformers:{folder}", settings=WhiteBoxSettings(dtype="float32", device="cpu"))
    yield opened
    opened.close()


def person(*choices: tuple[str, str, str]) -> Person:
    return Person((), np.zeros(1), np.ones(1), ("length",), len(choices), choices)


def method(model: WhiteBox) -> StyleVector:
    return StyleVector.open(Host(model, "s", "system", kl_budget=0.05))


def test_somebody_without_choices_leaves_the_request_as_it_is(model: WhiteBox) -> None:
    assert method(model).prepare(ASKED, person()).request is ASKED
    same = ("Question?", "Yes.", "Yes.")
    assert method(model).prepare(ASKED, person(same)).request is ASKED


def test_choices_turned_around_turn_the_vector_around(model: WhiteBox) -> None:
    one, other = (method(model).vector(each)[1] for each in (CHOICES, TURNED))
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert cosine == pytest.approx(-1)


def test_the_order_of_choices_does_not_matter_to_the_direction(model: WhiteBox) -> None:
    one, other = (method(model).vector(each)[1] for each in (CHOICES, CHOICES[::-1]))
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) == pytest.approx(1)


def test_the_budget_of_kl_holds_on_what_was_chosen(model: WhiteBox) -> None:
    layer, vector = method(model).vector(CHOICES)
    budget = 0.05 * len(CHOICES) / (len(CHOICES) + FEW)
    cost = 0.0
    with model.alone() as network:
        for prompt, liked, _ in CHOICES[-2:]:
            texts = Answers(model.prompt_ids(as_messages(prompt)), [model.tokenize(liked)])
            cost += divergence(network, texts, {layer: vector}) / 2
    assert 0 < cost <= budget * (1 + 1e-6)


def test_a_model_answers_as_the_person_is_steered(model: WhiteBox) -> None:
    prepared = method(model).prepare(ASKED, person(*CHOICES))
    assert list(prepared.request.inside.steering) == [model.layers // 2]
    assert prepared.strength > 0
    assert model.complete(prepared.request)[0].completion_tokens > 0


def test_a_model_that_cannot_be_opened_says_so() -> None:
    closed = StyleVector.open(Host(Scripted(), "s", "system"))
    prepared = closed.prepare(ASKED, person(*CHOICES))
    assert prepared.request is ASKED
    assert "scripted is not open" in prepared.notes[0]
