"""What answers leave inside a model: on two tiny layers, in float32."""

from collections.abc import Iterator

import numpy as np
import pytest

from idiolect.generation.encoding.traces import Answers, divergence, traces
from idiolect.models import WhiteBox, WhiteBoxSettings
from idiolect.models.white_box.tiny import save_tiny
from idiolect.schema import Array, as_messages

LAYERS = (0, 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteBox]:
    folder = save_tiny(tmp_path_factory.mktemp("tiny"))
    opened = WhiteBox(f"transformers:{folder}", settings=WhiteBoxSettings(dtype="float32", device="cpu"))
    yield opened
    opened.close()


def answers(model: WhiteBox, *texts: str) -> Answers:
    return Answers(model.prompt_ids(as_messages("Good morning.")), [model.tokenize(text) for text in texts])


def likelihood(model: WhiteBox, text: str, layer: int, vector: Array) -> float:
    """Summed over an answer's tokens, counted by the engine itself, one steered step at a time."""
    from idiolect.models.inside import Inside
    from idiolect.models.white_box.inner.cache import RowsCache

    inside = Inside(steering={layer: vector})
    *_, last = prompt = model.prompt_ids(as_messages("Good morning."))
    total = 0.0
    with model.alone() as network:
        rows = RowsCache()
        rows.join([network.read(prompt, inside)])
        for token in model.tokenize(text):
            said = network.step(rows, [last], [inside])[0][0].log_softmax(-1)
            total += float(said[token])
            last = token
    return total


@pytest.mark.parametrize("layer", LAYERS)
def test_a_gradient_tells_what_a_vector_does_to_an_answers_likelihood(model: WhiteBox, layer: int) -> None:
    with model.alone() as network:
        found = traces(network, answers(model, "Hello there!", "No."), LAYERS, with_push=True)
    vector = np.random.default_rng(0).normal(size=model.width) * 1e-2
    for row, text in enumerate(("Hello there!", "No.")):
        moved = likelihood(model, text, layer, vector) - likelihood(model, text, layer, -vector)
        assert 2 * found.push[row, layer] @ vector == pytest.approx(moved, rel=0.02)


def test_answers_read_together_leave_what_each_leaves_alone(model: WhiteBox) -> None:
    with model.alone() as network:
        both = traces(network, answers(model, "Hello there!", "No."), LAYERS, with_push=True)
        alone = traces(network, answers(model, "No."), LAYERS, with_push=True)
        forward = traces(network, answers(model, "No."), LAYERS, with_push=False)
    assert both.hidden[1] == pytest.approx(alone.hidden[0], abs=1e-4)
    assert both.push[1] == pytest.approx(alone.push[0], abs=1e-3)
    assert forward.hidden == pytest.approx(alone.hidden, abs=1e-5)
    assert both.tokens.tolist() == [len("Hello there!"), len("No.")]


def test_steering_by_nothing_diverges_by_nothing_and_twice_as_far_by_four_times_as_much(model: WhiteBox) -> None:
    vector = np.random.default_rng(1).normal(size=model.width) * 4e-3
    texts = answers(model, "Hello there!", "No.")
    with model.alone() as network:
        assert divergence(network, texts, {0: np.zeros(model.width)}) == 0.0
        once, twice = (divergence(network, texts, {0: c * vector}) for c in (1, 2))
    assert once > 0
    assert twice / once == pytest.approx(4, rel=0.1)
