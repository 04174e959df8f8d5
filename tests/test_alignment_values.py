"""Values of the next token: what the fit finds, what is kept, and whom it guides."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idiolect.alignment.decoding.fit_values import (
    Problem,
    covariance_of,
    fit,
    main_directions,
    own_samples,
    unscaled,
    within,
)
from idiolect.alignment.decoding.protocol import Decoding
from idiolect.alignment.decoding.value_guided import KL_BUDGET, Guide, ValueGuided
from idiolect.alignment.decoding.value_table import Values
from idiolect.errors import DataError, WeightsError
from idiolect.features.space import PreferenceSpace
from idiolect.generation import Host, Person
from idiolect.models import WhiteBox, WhiteBoxSettings, open_model
from idiolect.models.protocol import Request
from idiolect.models.white_box.tiny import save_tiny
from idiolect.schema import Sampling, as_messages

SPACE = PreferenceSpace.shipped()
ASKED = Request(as_messages("Hello."), Sampling(max_tokens=8, seed=1))


def quiet(_: str, __: float) -> None:
    """Nobody is told."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteBox]:
    folder = save_tiny(tmp_path_factory.mktemp("tiny"))
    opened = open_model(f"transformers:{folder}", white_box=WhiteBoxSettings(rows=8, dtype="float32", device="cpu"))
    assert isinstance(opened, WhiteBox)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def fitted(model: WhiteBox) -> Values:
    samples = own_samples(model, [f"Question {number}?" for number in range(8)], 4, quiet)
    return fit(model, [each.model_copy(update={"ids": each.ids[:16]}) for each in samples], SPACE, quiet)


@pytest.fixture(scope="module")
def values(fitted: Values) -> Values:
    """A model of chance weights has nothing to find: the same form, with something in it."""
    rng, attributes = np.random.default_rng(0), len(fitted.theta)
    known = fitted.about.model_copy(update={"correlation": dict.fromkeys(fitted.about.names, 0.5)})
    root = rng.normal(size=(attributes, attributes))
    return replace(fitted, theta=rng.normal(size=fitted.theta.shape), fisher=root @ root.T, about=known)


def somebody(names: tuple[str, ...] = SPACE.names) -> Person:
    mean = np.zeros(len(names))
    mean[:6] = (2.0, -2.0, 1.0, 1.0, -1.0, 1.0)
    return Person([], mean, np.full(len(names), 0.2), names, evidence=9)


def host(model: WhiteBox, values: Path | None) -> Host:
    return Host(model, SPACE.version, "Be helpful.", values=values)


def test_the_fit_finds_what_was_put_in() -> None:
    rng = np.random.default_rng(0)
    prompt = np.arange(400) % 20
    plain, by_state = within(rng.normal(size=(400, 3)), prompt), within(rng.normal(size=(400, 3, 2)), prompt)
    theta = rng.normal(size=(2, 3, 3))  # attributes, tokens' numbers, one and the state's
    phi = plain @ theta[:, :, 0].T + np.einsum("nqp,aqp->na", by_state, theta[:, :, 1:])
    problem = Problem(plain, by_state, phi, prompt)
    found = unscaled(problem.solve(1e-6, 1.0), (np.ones(3), np.ones((3, 2))), 1.0, 2)
    assert found == pytest.approx(theta, abs=1e-4)
    assert (problem.correlation(1e-3, 1.0) > 0.99).all()
    assert (problem.correlation(1e-3, 0.0) < 0.95).all()  # the state is needed for it


def test_a_fit_without_the_state_has_no_part_for_it() -> None:
    problem = Problem(np.eye(3), np.ones((3, 3, 2)), np.ones((3, 1)), np.arange(3))
    found = unscaled(problem.solve(1.0, 0.0), (np.ones(3), np.ones((3, 2))), 0.0, 2)
    assert found.shape == (1, 3, 3)
    assert not found[:, :, 1:].any()


def test_directions_have_unit_variance_and_a_covariance_is_that_of_the_draws() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 4)) * (5.0, 3.0, 0.1, 0.01)
    centre, directions = main_directions(rows, 2)
    assert ((rows - centre) @ directions).std(axis=0) == pytest.approx(np.ones(2))
    p = np.array([0.5, 0.25, 0.25])
    e = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert covariance_of(e, p) == pytest.approx(np.array([[0.25, -0.125], [-0.125, 0.1875]]))


def test_a_fit_is_of_its_model_and_answers(model: WhiteBox, fitted: Values) -> None:
    about = fitted.about
    assert (about.fingerprint, about.space, about.answers, about.prompts) == (model.fingerprint, SPACE.version, 32, 8)
    assert fitted.tokens.shape[0] == model.max_bias_entries
    assert fitted.projection.shape[0] == model.width
    assert all(np.isfinite(each).all() for each in (fitted.tokens, fitted.theta, fitted.fisher))
    assert np.linalg.eigvalsh(fitted.fisher).min() > -1e-9


def test_values_that_were_kept_guide_as_before(model: WhiteBox, values: Values, tmp_path: Path) -> None:
    values.save(tmp_path / "v.safetensors")
    again = Values.load(tmp_path / "v.safetensors")
    assert again.about == values.about
    assert again.theta == pytest.approx(values.theta, rel=1e-4, abs=1e-6)
    method = ValueGuided.open(host(model, tmp_path / "v.safetensors"))
    prepared = method.prepare(ASKED, somebody())
    decoder = prepared.request.inside.decoder
    assert isinstance(decoder, Decoding) and isinstance(decoder.additions[0], Guide)
    assert len(model.complete(prepared.request, 3)) == 3


def test_guiding_takes_no_more_than_its_budget(values: Values) -> None:
    found = ValueGuided(values).weights(somebody())
    assert isinstance(found, np.ndarray)
    assert 0.0 < values.kl(found) <= KL_BUDGET + 1e-9


def test_opposite_people_are_guided_oppositely(values: Values) -> None:
    one, other = somebody(), somebody()
    found, against = (ValueGuided(values).weights(each) for each in (one, replace(other, mean=-other.mean)))
    assert isinstance(found, np.ndarray) and isinstance(against, np.ndarray)
    assert against == pytest.approx(-found)


def test_values_of_another_model_or_space_are_left_aside_and_told(
    model: WhiteBox, values: Values, tmp_path: Path
) -> None:
    for at, change in enumerate(({"fingerprint": "another"}, {"space": "another"})):
        path = tmp_path / f"{at}.safetensors"
        replace(values, about=values.about.model_copy(update=change)).save(path)
        prepared = ValueGuided.open(host(model, path)).prepare(ASKED, somebody())
        assert prepared.request == ASKED
        assert "another version" in prepared.notes[0] or "another model" in prepared.notes[0]
    assert "fit-values" in ValueGuided.open(host(model, None)).prepare(ASKED, somebody()).notes[0]
    renamed = ValueGuided(values).prepare(ASKED, somebody(tuple(f"new {name}" for name in SPACE.names)))
    assert "no longer have" in renamed.notes[0]


def test_a_file_that_is_none_and_too_few_answers_are_refused(model: WhiteBox, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="fit-values"):
        Values.load(tmp_path / "nothing.safetensors")
    (tmp_path / "text.safetensors").write_text("no arrays")
    with pytest.raises(WeightsError, match="fit-values"):
        Values.load(tmp_path / "text.safetensors")
    with pytest.raises(DataError, match="20 answers"):
        fit(model, [], SPACE, quiet)
