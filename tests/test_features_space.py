"""The preference space: standardised, clipped, versioned, and the same for a batch and for one."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import DataError, FeatureMismatch
from idiolect.features.attributes import ATTRIBUTES, measure
from idiolect.features.space import CLIP, PreferenceSpace, Statistics, fit_space, read_answers
from idiolect.schema import Array

ANSWERS = [
    "Boil the rice for twelve minutes, then add the spinach.",
    "I think you might enjoy a warm soup tonight! Would you like a recipe?",
    "- rice\n- eggs\n- spinach",
]


class Letters:
    """An embedder that can be worked out by hand: how often each of three letters stands in a text, at unit length."""

    name = "letters"
    dim = 3

    def embed(self, texts: Sequence[str]) -> Array:
        rows = np.array([[1.0 + text.count(letter) for letter in "aei"] for text in texts])
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    def windows(self, text: str) -> Array:
        return self.embed([text])

    def forget(self, texts: Sequence[str]) -> None:
        """Nothing is kept."""


def population() -> dict[str, list[str]]:
    return {
        f"What of {thing}?": [
            f"The {thing} is {'very ' * more}big{'!' * more} {'I like it. ' * more}" for more in range(4)
        ]
        for thing in ("lamp", "tree", "river", "cat", "house", "road", "cup", "bird", "stone", "boat")
    }


@pytest.fixture(scope="module")
def fitted() -> Statistics:
    return fit_space(population(), Letters(), directions=2)


@pytest.fixture(scope="module")
def shipped() -> PreferenceSpace:
    return PreferenceSpace.shipped()


def directions(n: int, seed: int = 0) -> Array:
    rows = np.random.default_rng(seed).normal(size=(n, 384))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_the_shipped_space_names_the_attributes_first(shipped: PreferenceSpace) -> None:
    assert shipped.names[: shipped.attributes] == tuple(ATTRIBUTES)
    assert shipped.names[shipped.attributes] == "embedding 1"
    assert shipped.dim == len(shipped.names)


def test_phi_has_a_row_for_each_answer(shipped: PreferenceSpace) -> None:
    assert shipped.phi(ANSWERS, directions(3)).shape == (3, shipped.dim)
    assert shipped.phi([], None).shape == (0, shipped.dim)


def test_without_an_embedding_its_part_is_zero(shipped: PreferenceSpace) -> None:
    phi = shipped.phi(ANSWERS, None)
    assert not phi[:, shipped.attributes :].any()
    assert np.array_equal(phi[:, : shipped.attributes], shipped.phi(ANSWERS, directions(3))[:, : shipped.attributes])


def test_a_batch_is_each_alone(shipped: PreferenceSpace) -> None:
    vectors = directions(3)
    alone = np.vstack([shipped.phi([text], row[None]) for text, row in zip(ANSWERS, vectors, strict=True)])
    assert shipped.phi(ANSWERS, vectors) == pytest.approx(alone, abs=1e-12)


def test_no_answer_lies_beyond_the_clip(shipped: PreferenceSpace) -> None:
    odd = ["", "!" * 10_000, "😀 " * 5_000, "- x\n" * 5_000, "a" * 100_000]
    phi = shipped.phi(odd, directions(5))
    assert np.abs(phi).max() == CLIP


def test_a_short_answer_is_an_outlier_in_hardly_anything_but_its_length(shipped: PreferenceSpace) -> None:
    phi = shipped.phi(["Yes."], None)[0]
    assert [name for name, value in zip(shipped.names, phi, strict=True) if abs(value) > 3] == ["length"]


def test_phi_is_the_distance_from_the_mean_in_standard_deviations(fitted: Statistics) -> None:
    space = PreferenceSpace(fitted)
    text = "The lamp is big"
    by_hand = (measure(text) - list(fitted.mean.values())) / list(fitted.sd.values())
    assert space.phi([text], None)[0, : space.attributes] == pytest.approx(np.clip(by_hand, -CLIP, CLIP), abs=1e-9)


def test_a_step_stands_in_where_answers_do_not_vary(fitted: Statistics) -> None:
    assert fitted.sd["emoji"] == ATTRIBUTES["emoji"].step
    assert fitted.sd["first_person"] > ATTRIBUTES["first_person"].step


def test_what_differs_between_prompts_only_is_not_variance() -> None:
    same = {prompt: [texts[0]] * 4 for prompt, texts in population().items()}
    assert fit_space(same, None).sd == {name: attribute.step for name, attribute in ATTRIBUTES.items()}


def test_directions_are_orthogonal_and_of_unit_variance_within_prompts(fitted: Statistics) -> None:
    axes = np.array(fitted.directions)
    assert axes @ axes.T == pytest.approx(np.eye(2), abs=1e-5)
    space = PreferenceSpace(fitted)
    groups = [space.phi(texts, Letters().embed(texts))[:, space.attributes :] for texts in population().values()]
    within = sum(float(((group - group.mean(axis=0)) ** 2)[:, 0].sum()) for group in groups)
    assert within / (len(groups) * 3) == pytest.approx(1, abs=0.02)


def test_the_version_changes_with_the_content(fitted: Statistics) -> None:
    other = fitted.model_copy(update={"sd": {**fitted.sd, "length": fitted.sd["length"] + 0.1}})
    assert PreferenceSpace(other).version != PreferenceSpace(fitted).version
    assert PreferenceSpace(fitted.model_copy()).version == PreferenceSpace(fitted).version


def test_a_saved_space_is_the_same_space(fitted: Statistics, tmp_path: Path) -> None:
    fitted.save(tmp_path / "space.json")
    again = Statistics.load((tmp_path / "space.json").read_text("utf-8"))
    assert again == fitted
    assert again.version == fitted.version


def test_statistics_of_other_attributes_are_refused(fitted: Statistics) -> None:
    sd = {name: value for name, value in fitted.sd.items() if name != "length"}
    with pytest.raises(FeatureMismatch, match=r"length.*idiolect features fit"):
        PreferenceSpace(fitted.model_copy(update={"sd": sd}))


def test_embeddings_of_another_size_are_refused(shipped: PreferenceSpace) -> None:
    with pytest.raises(FeatureMismatch, match="embedder"):
        shipped.phi(ANSWERS, np.ones((3, 7)))
    with pytest.raises(FeatureMismatch, match="embedder"):
        shipped.phi(ANSWERS, directions(2))


def test_a_broken_statistics_file_is_refused_in_one_sentence() -> None:
    with pytest.raises(DataError, match="idiolect features fit"):
        Statistics.load('{"mean": 3}')


def test_too_few_prompts_are_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        fit_space({"one": ["a", "b"]}, None)


def test_answers_are_read_by_prompt(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(
        '{"prompt": "p", "text": "a"}\n{"prompt": "q", "text": "b"}\n{"prompt": "p", "text": "c"}\n', encoding="utf-8"
    )
    assert read_answers(file) == {"p": ["a", "c"], "q": ["b"]}
    file.write_text('{"prompt": "p", "text": "a"}\nnonsense\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_answers(file)


def test_every_direction_is_described(shipped: PreferenceSpace) -> None:
    assert all(shipped.describe(name).endswith(".") for name in shipped.names)
    with pytest.raises(FeatureMismatch, match="no direction"):
        shipped.describe("taste of cheese")


def test_the_features_start_without_torch() -> None:
    use = "import sys, idiolect.features as f; f.measure('hello'); f.PreferenceSpace.shipped().phi(['hello'], None)"
    code = f"{use}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
