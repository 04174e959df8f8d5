"""Vectors optimised on preferences: the loss by hand, and what they do to a model of two tiny layers."""

from collections.abc import Iterator, Mapping, Sequence
from math import log

import numpy as np
import pytest
import torch
from torch import Tensor

from idiolect.errors import BadInput
from idiolect.features.space import PreferenceSpace
from idiolect.generation.encoding.bipo import Layer, Training, loss, optimised, pairs_of
from idiolect.generation.encoding.fit_steering import LEAST, Wanted, fit
from idiolect.generation.encoding.traces import Answers, adding, likelihoods, traces
from idiolect.models import WhiteBox, WhiteBoxSettings
from idiolect.models.white_box.tiny import save_tiny
from idiolect.schema import Array, as_messages

SPACE = PreferenceSpace.shipped()
LAYER = Layer(1, 1.0)
SHORT = Training(epochs=6, rate=0.05)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteBox]:
    folder = save_tiny(tmp_path_factory.mktemp("tiny"))
    opened = WhiteBox(f"transformers:{folder}", settings=WhiteBoxSettings(dtype="float32", device="cpu"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pairs(model: WhiteBox) -> list[Answers]:
    """Of eight prompts an answer with marks and one without."""
    return [
        Answers(
            model.prompt_ids(as_messages(f"Question {number}?")),
            [model.tokenize(f"It is {number}{end}") for end in "!."],
        )
        for number in range(8)
    ]


def told(_: float) -> None:
    """Nobody is told."""


def gains(model: WhiteBox, pairs: Sequence[Answers], vector: Array) -> Tensor:
    """(n, 2) nats that a vector adds to each answer."""
    added = torch.tensor(vector, dtype=torch.float32)
    with torch.no_grad(), model.alone() as network:
        rows = [
            likelihoods(network, pair, {LAYER.number: adding(added)}) - likelihoods(network, pair, {}) for pair in pairs
        ]
    return torch.stack(rows)


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_loss_of_no_vector_is_the_logarithm_of_two(model: WhiteBox, pairs: Sequence[Answers], sign: int) -> None:
    assert float(loss(gains(model, pairs, np.zeros(model.width)), sign, 0.1)) == pytest.approx(log(2))


def test_the_loss_by_hand() -> None:
    assert float(loss(torch.tensor([[3.0, 1.0]]), 1, 0.5)) == pytest.approx(log(1 + np.exp(-1.0)))
    assert float(loss(torch.tensor([[3.0, 1.0]]), -1, 0.5)) == pytest.approx(log(1 + np.exp(1.0)))


def test_a_vector_makes_more_likelier_and_turned_around_less(model: WhiteBox, pairs: Sequence[Answers]) -> None:
    vector = optimised(model, LAYER, pairs, SHORT, told)
    more, less = gains(model, pairs, vector), gains(model, pairs, -vector)
    assert float((more[:, 0] - more[:, 1]).mean()) > 0.5
    assert float((less[:, 0] - less[:, 1]).mean()) < -0.5
    assert float(loss(more, 1, 0.1)) < log(2) > float(loss(less, -1, 0.1))


def test_with_the_labels_turned_the_vector_points_the_other_way(model: WhiteBox, pairs: Sequence[Answers]) -> None:
    turned = [Answers(pair.prompt, pair.ids[::-1]) for pair in pairs]
    one, other = optimised(model, LAYER, pairs, SHORT, told), optimised(model, LAYER, turned, SHORT, told)
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) < -0.95


def test_the_first_step_goes_where_the_gradients_at_nought_say(model: WhiteBox, pairs: Sequence[Answers]) -> None:
    with model.alone() as network:
        push = np.stack([traces(network, pair, [1], with_push=True).push[:, 0] for pair in pairs])
    once = Training(epochs=1, batch=8, rate=1e-3)
    vector = optimised(model, LAYER, pairs, once, told)
    assert np.sign(vector).tolist() == np.sign((push[:, 0] - push[:, 1]).mean(axis=0)).tolist()


def test_pairs_are_those_that_differ_most() -> None:
    assert pairs_of(np.array([0.3, -1.0, 2.0, 0.5]), 2) == [(2, 1), (3, 0)]
    assert pairs_of(np.array([0.3, -1.0, 2.0]), 5) == [(2, 1)]
    assert pairs_of(np.zeros(4), 2) == []


@pytest.fixture(scope="module")
def answers() -> Mapping[str, list[str]]:
    return {
        f"Question {number}?": [f"So it is{end * 2} {number} of them{end}" for end in ("!", "!!", ".", "..")]
        for number in range(10)
    }


def test_fitted_by_preferences_the_file_says_so_and_keeps_to_the_attributes_that_were_named(
    model: WhiteBox, answers: Mapping[str, list[str]]
) -> None:
    wanted = Wanted("bipo", ("exclamations",), tries=0, training=Training(epochs=2))
    found = fit(model, answers, SPACE, tell=lambda *_: None, wanted=wanted)
    assert found.about.by == "bipo"
    assert found.about.names == ("exclamations",)
    assert found.about.attributes["exclamations"].correlation > LEAST
    assert fit(model, answers, SPACE, tell=lambda *_: None, wanted=Wanted(tries=0)).about.by == "caa"


def test_an_attribute_that_there_is_not_is_refused_by_name(model: WhiteBox, answers: Mapping[str, list[str]]) -> None:
    with pytest.raises(BadInput, match="no attribute named 'wit'"):
        fit(model, answers, SPACE, tell=lambda *_: None, wanted=Wanted(attributes=("wit",)))
