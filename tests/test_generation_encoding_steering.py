"""Steering by what a person likes: arithmetic by hand, and a model of two tiny layers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import DataError, WeightsError
from idiolect.features.attributes import ATTRIBUTES
from idiolect.features.space import PreferenceSpace
from idiolect.generation.encoding.fit_steering import (
    LEAST,
    MOST_RISE,
    TOP,
    Material,
    Wanted,
    checked,
    chosen,
    contrasted,
    fit,
    read,
    within,
)
from idiolect.generation.encoding.steering import FARTHEST, SHIPPED, Steering
from idiolect.generation.encoding.traces import Answers, divergence
from idiolect.generation.encoding.trials import Design
from idiolect.generation.encoding.vectors import About, Measured, SteeringVectors, orthogonal
from idiolect.generation.protocol import Host, Person
from idiolect.generation.token_values import Unfit
from idiolect.models import Request, WhiteBox, WhiteBoxSettings
from idiolect.models.inside import Inside
from idiolect.models.scripted import Scripted
from idiolect.models.starter import SHA256
from idiolect.models.white_box.tiny import save_tiny
from idiolect.schema import Array, Sampling, as_messages

NAMES = ("length", "warmth")
ASKED = Request(as_messages("Hello?"), Sampling(max_tokens=12, seed=1))
SPACE = PreferenceSpace.shipped()
UNTRIED = Wanted(tries=0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteBox]:
    folder = save_tiny(tmp_path_factory.mktemp("tiny"))
    opened = WhiteBox(f"transformers:{folder}", settings=WhiteBoxSettings(dtype="float32", device="cpu"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def answers() -> Mapping[str, list[str]]:
    """To ten prompts; of four, two with exclamation marks and two without."""
    return {
        f"Question {number}?": [f"So it is{end * 2} {number} of them{end}" for end in ("!", "!!", ".", "..")]
        for number in range(10)
    }


def never() -> WhiteBox:
    raise AssertionError("steering needs no look inside the model before it answers")


def nobody(_: str, __: float) -> None:
    """Nobody is told."""


def vectors(*rows: tuple[float, ...], layers: tuple[int, ...] = (0, 1), **known: str) -> SteeringVectors:
    attributes = {
        name: Measured(layer=layer, strength=1, correlation=0.5) for name, layer in zip(NAMES, layers, strict=True)
    }
    about = About.model_validate(
        {"fingerprint": "f", "space": "s", "answers": 9, "prompts": 3, "attributes": attributes} | known
    )
    return SteeringVectors(np.array(rows), np.eye(len(rows)) * 0.05, about)


def person(*mean: float, sd: float = 0.0, evidence: int = 1) -> Person:
    return Person((), np.array(mean), np.full(len(mean), sd), NAMES[: len(mean)], evidence)


def steering(of: Person, budget: float = 0.1, made: SteeringVectors | None = None) -> Mapping[int, Array]:
    method = Steering(made or vectors((1, 0, 0), (0, 1, 0)), budget)
    return method.prepare(ASKED, of).request.inside.steering


def test_somebody_of_whom_nothing_is_known_leaves_the_request_as_it_is() -> None:
    method = Steering(vectors((1, 0, 0), (0, 1, 0)))
    assert method.prepare(ASKED, person(0, 0)).request is ASKED
    assert method.prepare(ASKED, person(1, 1, evidence=0)).request is ASKED


def test_opposite_people_are_steered_oppositely() -> None:
    one, other = steering(person(0.4, -0.2)), steering(person(-0.4, 0.2))
    assert one[0] == pytest.approx(-other[0])
    assert one[1] == pytest.approx(-other[1])
    assert one[0][0] > 0 > one[1][1]


def test_the_budget_of_kl_is_spent_and_no_more() -> None:
    method = Steering(vectors((1, 0, 0), (0, 1, 0)), kl_budget=0.02)
    found = method.coefficients(person(0.4, -0.2))
    assert not isinstance(found, Unfit)
    assert vectors((1, 0, 0), (0, 1, 0)).kl(found) == pytest.approx(0.02)


def test_no_coefficient_goes_beyond_what_was_measured() -> None:
    found = Steering(vectors((1, 0, 0), (0, 1, 0)), kl_budget=100).coefficients(person(0.4, -0.2))
    assert not isinstance(found, Unfit)
    assert np.abs(found).max() == pytest.approx(FARTHEST)


def test_who_is_less_sure_of_is_steered_less_far() -> None:
    sure, unsure = steering(person(0.4, -0.2, sd=0.01)), steering(person(0.4, -0.2, sd=1.0))
    assert 0 < unsure[0][0] < sure[0][0] / 3


def test_vectors_of_one_layer_are_added_up() -> None:
    both = steering(person(0.4, 0.4), made=vectors((1, 0, 0), (0, 1, 0), layers=(1, 1)))
    assert list(both) == [1]
    assert both[1] == pytest.approx([both[1][0], both[1][0], 0])


def test_what_a_request_is_steered_by_already_stays_in_it() -> None:
    steered = replace(ASKED, inside=Inside(steering={0: np.array([0.0, 0.0, 5.0])}))
    found = Steering(vectors((1, 0, 0), (0, 1, 0))).prepare(steered, person(0.4, 0.4)).request.inside.steering
    assert found[0][2] == 5
    assert found[0][0] > 0


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    made = vectors((1, 0, 0.5), (0, 1, 0))
    made.save(tmp_path / "v.safetensors")
    loaded = SteeringVectors.load(tmp_path / "v.safetensors")
    assert loaded.about == made.about
    assert loaded.vectors == pytest.approx(made.vectors)
    assert loaded.fisher == pytest.approx(made.fisher)


def test_files_that_do_not_fit_are_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "v.safetensors"
    vectors((1, 0, 0), (0, 1, 0)).save(file)
    other = Host(Scripted(), "s", "system", opened=never, steering=file)
    said = Steering.open(other).prepare(ASKED, person(0.4, 0.4))
    assert said.request is ASKED
    assert "no vectors for the model scripted" in said.notes[0]
    vectors((1, 0, 0), (0, 1, 0), fingerprint=Scripted().fingerprint).save(file)
    assert Steering.open(other).prepare(ASKED, person(0.4, 0.4)).request.inside.steering
    closed = Steering.open(replace(other, opened=None)).prepare(ASKED, person(0.4, 0.4))
    assert "not open" in closed.notes[0]
    newer = Steering.open(replace(other, space="newer")).prepare(ASKED, person(0.4, 0.4))
    assert "another version of the preference space" in newer.notes[0]
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(WeightsError, match="fit-steering"):
        Steering.open(other)
    with pytest.raises(WeightsError, match="there is no file"):
        Steering.open(replace(other, steering=tmp_path / "nowhere"))


def test_a_belief_without_one_of_the_attributes_is_told_of_it() -> None:
    said = Steering(vectors((1, 0, 0), (0, 1, 0))).prepare(ASKED, person(0.4))
    assert "'warmth'" in said.notes[0]


def test_vectors_of_one_layer_are_made_orthogonal_and_those_of_others_stay() -> None:
    rows = np.random.default_rng(0).normal(size=(3, 8))
    made = orthogonal(rows, [0, 0, 1])
    assert made[0] @ made[1] == pytest.approx(0)
    assert made[2] == pytest.approx(rows[2])
    assert np.linalg.norm(made, axis=1) == pytest.approx(np.linalg.norm(rows, axis=1))
    assert orthogonal(rows[[1, 0, 2]], [0, 0, 1])[[1, 0, 2]] == pytest.approx(made)
    assert orthogonal(rows * [[-1], [1], [1]], [0, 0, 1]) == pytest.approx(made * [[-1], [1], [1]])


def material(model: WhiteBox, answers: Mapping[str, list[str]]) -> Material:
    return read(model, answers, SPACE, nobody)


def test_a_contrast_vector_flips_with_the_labels(model: WhiteBox, answers: Mapping[str, list[str]]) -> None:
    found = material(model, answers)
    flipped = replace(found, phi=-found.phi)
    assert flipped.contrasts() == pytest.approx(-found.contrasts())
    assert found.contrasts().any()


def test_a_contrast_vector_is_the_mean_difference_over_the_pairs(
    model: WhiteBox, answers: Mapping[str, list[str]]
) -> None:
    found = material(model, answers)
    column = list(ATTRIBUTES).index("exclamations")
    total = np.zeros(model.width)
    for prompt in np.unique(found.prompt[~found.held_out]):
        rows = np.flatnonzero(found.prompt == prompt)
        for i in rows:
            for k in rows:
                total += (found.phi[i, column] - found.phi[k, column]) * (found.hidden[i, 0] - found.hidden[k, 0])
    assert found.contrasts()[0, column] == pytest.approx(total / np.linalg.norm(total), abs=1e-6)


def test_fitted_vectors_make_their_attribute_likelier_and_cost_what_was_said(
    model: WhiteBox, answers: Mapping[str, list[str]]
) -> None:
    found = fit(model, answers, SPACE, tell=nobody, wanted=UNTRIED)
    about = found.about
    assert about.fingerprint == model.fingerprint
    assert about.space == SPACE.version
    assert "exclamations" in about.names
    assert all(each.correlation > 0 for each in about.attributes.values())
    only = np.array([name == "exclamations" for name in about.names]) * TOP
    texts = Answers(model.prompt_ids(as_messages("Question 0?")), [model.tokenize(t) for t in answers["Question 0?"]])
    with model.alone() as network:
        assert divergence(network, texts, found.at(only)) == pytest.approx(found.kl(only), rel=0.4)


def test_a_model_that_never_differs_gets_no_vectors(model: WhiteBox) -> None:
    same = {f"Question {number}?": ["So it is.", "So it is."] for number in range(10)}
    with pytest.raises(DataError, match="no attribute"):
        fit(model, same, SPACE, tell=nobody, wanted=UNTRIED)
    with pytest.raises(DataError, match="at least 8 prompts"):
        fit(model, {"A?": ["One.", "Two."]}, SPACE, tell=nobody, wanted=UNTRIED)


def test_units_that_cost_too_much_fluency_are_made_smaller() -> None:
    assert within(0.05, 0.8) == (1.0, {"moved": 0.8, "rise": 0.05})
    assert within(-0.05, 0.8) == (1.0, {"moved": 0.8, "rise": -0.05})
    share, expected = within(4 * MOST_RISE, 0.8)
    assert share == 0.5
    assert expected == {"moved": 0.4, "rise": MOST_RISE}


def test_vectors_that_were_tried_say_how_far_they_moved(model: WhiteBox, answers: Mapping[str, list[str]]) -> None:
    fitted = fit(model, answers, SPACE, tell=nobody, wanted=UNTRIED)
    found = checked(model, fitted, Design(list(answers)[:2], 4, 8), SPACE, nobody)
    assert all(each.moved is not None and each.rise is not None for each in found.about.attributes.values())
    assert all(each.rise <= MOST_RISE for each in found.about.attributes.values() if each.rise is not None)


def test_a_layer_is_chosen_by_what_was_held_out() -> None:
    """Of two layers, at one the way that answers differ in is the way that makes them likelier."""
    rng = np.random.default_rng(0)
    phi = np.zeros((40, len(ATTRIBUTES)))
    phi[:, 0] = np.tile([1.0, -1.0], 20)
    hidden = np.zeros((40, 2, 4))
    hidden[:, :, 0] = phi[:, :1]
    push = rng.normal(size=(8, 2, 4)) * 0.1
    held_out = np.arange(40) < 8
    push[:, 1, 0] += phi[held_out, 0]
    material = Material(phi, np.arange(40) // 4, held_out, hidden, push, np.full(40, 10.0), (3, 5))
    found = chosen(material, contrasted(material), range(len(ATTRIBUTES)), "f", SPACE)
    assert found.about.names == (SPACE.names[0],)
    assert found.about.layers == (5,)
    assert found.about.attributes[SPACE.names[0]].correlation > 0.9 > LEAST
    assert found.kl(np.array([TOP])) == pytest.approx(0.1)


def test_no_steering_is_the_plain_model_to_the_last_bit(model: WhiteBox) -> None:
    made = SteeringVectors(np.ones((2, model.width)), np.eye(2), vectors((1, 0), (0, 1)).about)
    nothing = Inside(steering=made.at(np.zeros(2)))
    assert nothing.is_empty
    plain = model.complete(ASKED, 2)
    assert [each.text for each in model.complete(replace(ASKED, inside=nothing), 2)] == [each.text for each in plain]


def test_the_shipped_vectors_are_of_the_starter_and_of_this_space() -> None:
    made = SteeringVectors.load(Path(str(files("idiolect.resources") / SHIPPED)))
    assert made.about.fingerprint == SHA256
    assert made.about.space == SPACE.version
    assert set(made.about.names) <= set(ATTRIBUTES)
    assert len(made.about.names) >= 8
    assert np.isfinite(made.vectors).all()
