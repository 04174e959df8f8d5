"""Soft prompts from a belief: arithmetic by hand, and training on a model of two tiny layers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import DataError, WeightsError
from idiolect.features.space import PreferenceSpace
from idiolect.generation.encoding.fit_soft_prompt import Training, fit
from idiolect.generation.encoding.soft_prompt import About, SoftPrompt, SoftPromptMap
from idiolect.generation.protocol import Host, Person
from idiolect.models import Request, WhiteBox, WhiteBoxSettings
from idiolect.models.scripted import Scripted
from idiolect.models.white_box.tiny import save_tiny
from idiolect.schema import Sampling, as_messages

NAMES = ("length", "warmth")
ASKED = Request(as_messages("Hello?"), Sampling(max_tokens=8, seed=1))
SPACE = PreferenceSpace.shipped()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteBox]:
    folder = save_tiny(tmp_path_factory.mktemp("tiny"))
    opened = WhiteBox(f"transformers:{folder}", settings=WhiteBoxSettings(dtype="float32", device="cpu"))
    yield opened
    opened.close()


def made(seed: int = 0, **known: str) -> SoftPromptMap:
    chance = np.random.default_rng(seed)
    about = About.model_validate({"fingerprint": "f", "space": "s", "names": NAMES, "steps": 1, "gain": 0} | known)
    return SoftPromptMap(
        chance.normal(size=(3, 8)), chance.normal(size=(2, 5)), chance.normal(size=(5, 24)), 1.5, about
    )


def person(*mean: float, sd: float = 0.1, evidence: int = 1) -> Person:
    return Person((), np.array(mean), np.full(len(mean), sd), NAMES[: len(mean)], evidence)


def nobody(_: str, __: float) -> None:
    """Nobody is told."""


def test_every_vector_has_the_length_of_a_words_embedding() -> None:
    for tastes in (np.zeros(2), np.array([1.0, -1.0]), np.array([50.0, 9.0])):
        assert np.linalg.norm(made().of(tastes), axis=1) == pytest.approx(1.5)


def test_of_nobody_in_particular_there_is_the_start_alone() -> None:
    start = made().start
    assert made().of(np.zeros(2)) == pytest.approx(1.5 * start / np.linalg.norm(start, axis=1, keepdims=True))


def test_somebody_of_whom_nothing_is_known_leaves_the_request_as_it_is() -> None:
    assert SoftPrompt(made()).prepare(ASKED, person(0, 0)).request is ASKED
    assert SoftPrompt(made()).prepare(ASKED, person(1, 1, evidence=0)).request is ASKED


def test_a_soft_prompt_that_a_request_has_stays_before_it() -> None:
    first = SoftPrompt(made(1)).prepare(ASKED, person(0.4, -0.2)).request
    both = SoftPrompt(made(0)).prepare(first, person(0.4, -0.2)).request.inside.soft_prompt
    assert first.inside.soft_prompt is not None and both is not None
    assert both.shape == (6, 8)
    assert both[:3] == pytest.approx(first.inside.soft_prompt)


def test_a_file_gives_back_what_was_saved_and_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "soft.safetensors"
    made().save(file)
    assert SoftPromptMap.load(file).of(np.array([1.0, 0.0])) == pytest.approx(made().of(np.array([1.0, 0.0])), abs=0.02)
    host = Host(Scripted(), "s", "system", soft_prompt=file)
    known = person(0.4, 0.4)
    assert "of another model than scripted" in SoftPrompt.open(host).prepare(ASKED, known).notes[0]
    assert "fit-soft-prompt" in SoftPrompt.open(replace(host, soft_prompt=None)).prepare(ASKED, known).notes[0]
    made(fingerprint=Scripted().fingerprint).save(file)
    assert "not open" in SoftPrompt.open(host).prepare(ASKED, known).notes[0]
    newer = SoftPrompt.open(replace(host, space="newer")).prepare(ASKED, known)
    assert newer.request is ASKED
    assert "another version" in newer.notes[0]
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(WeightsError, match="fit-soft-prompt"):
        SoftPrompt.open(host)


def test_training_makes_what_people_like_likelier_to_be_said_to_them(model: WhiteBox, tmp_path: Path) -> None:
    """Half of the answers shout: whoever likes that is likelier to be shouted at, on prompts left out of training."""
    answers = {f"Question {number}?": ["AAAA!!!! AAAA!!!!", "bbbb bbbb, bbbb."] for number in range(10)}
    trained = fit(model, answers, SPACE, Training(vectors=4, hidden=16, steps=60), nobody)
    assert trained.about.gain > 0
    trained.save(tmp_path / "soft.safetensors")
    host = Host(model, SPACE.version, "system", soft_prompt=tmp_path / "soft.safetensors")
    known = Person((), np.ones(SPACE.dim), np.ones(SPACE.dim), SPACE.names, 5)
    prepared = SoftPrompt.open(host).prepare(ASKED, known)
    assert prepared.request.inside.soft_prompt is not None
    assert prepared.request.inside.soft_prompt.shape == (4, model.width)
    assert model.complete(prepared.request)[0].completion_tokens > 0


def test_too_few_prompts_are_refused(model: WhiteBox) -> None:
    with pytest.raises(DataError, match="at least 8 prompts"):
        fit(model, {"A?": ["One.", "Two."]}, SPACE, Training(), nobody)
