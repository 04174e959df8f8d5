"""The classifier of lasting remarks: fitted by hand-checkable arithmetic, asked only where the patterns are silent."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from idiolect.cli import app
from idiolect.errors import DataError, FeatureMismatch
from idiolect.features.embedder import Embedder, open_embedder
from idiolect.memory.extraction import classifier as room
from idiolect.memory.extraction import extract
from idiolect.memory.extraction.classifier import Classifier, may_be_lasting, read_sentences, shipped
from idiolect.memory.extraction.sentences import Sentence

REMARK = "I listen to instrumental music while I work."


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    """The shipped one."""
    opened = open_embedder("minilm")
    assert opened is not None
    return opened


def test_the_probability_is_a_sigmoid_of_the_weighted_sum() -> None:
    made = Classifier(np.array([1.0, -1.0]), 0.0, 0.5, "any")
    assert made.probability(np.array([[1.0, 0.0], [0.0, 1.0]])) == pytest.approx([0.7310586, 0.2689414])
    with pytest.raises(FeatureMismatch):
        made.probability(np.zeros((1, 3)))


def test_a_fit_separates_what_can_be_separated() -> None:
    w, b = room._solve(np.array([[1.0, 0.0], [0.0, 1.0]] * 10), np.array([1.0, 0.0] * 10), 0.001)
    assert w[0] + b > 0 > w[1] + b


def test_a_saved_classifier_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "made.safetensors"
    Classifier(np.array([0.5, 0.25]), -1.0, 0.75, "any").save(path)
    found = room._read(path.read_bytes())
    assert (list(found.w), found.b, found.floor, found.embedder) == ([0.5, 0.25], -1.0, 0.75, "any")


def test_the_shipped_one_is_what_the_command_fits_from_the_shipped_sentences(tmp_path: Path) -> None:
    path = tmp_path / "made.safetensors"
    result = CliRunner().invoke(app, ["memory", "fit-classifier", "-o", str(path)])
    assert result.exit_code == 0, result.output
    assert room._read(path.read_bytes()).w == pytest.approx(shipped().w, abs=1e-3)


def test_it_adds_remarks_that_no_pattern_knows_and_no_sentence_of_other_talk(embedder: Embedder) -> None:
    text = files("idiolect").joinpath("resources", room.SENTENCES).read_text(encoding="utf-8")
    said, labels = read_sentences(text)
    alone = [bool(extract(sentence)) for sentence in said]
    both = [bool(extract(sentence, embedder)) for sentence in said]
    gained = [with_it and not without for with_it, without in zip(both, alone, strict=True)]
    assert sum(gain for gain, label in zip(gained, labels, strict=True) if label) >= 15
    assert not any(gain for gain, label in zip(gained, labels, strict=True) if not label)


def test_a_remark_is_a_weak_statement_in_the_persons_words(embedder: Embedder) -> None:
    assert extract(REMARK) == ()
    (slots,) = extract(f"Hello. {REMARK}", embedder)
    assert (slots.polarity, slots.strength, slots.span) == (1, 0.5, REMARK.rstrip("."))
    assert "instrumental music" in slots.object


@pytest.mark.parametrize(
    "text", ["Do I like it here", "I think you are right about that", "I am", "The sea is cold today"]
)
def test_a_question_a_reply_and_a_remark_of_others_are_never_asked_about(text: str) -> None:
    assert not may_be_lasting(Sentence(text, 0, is_question=text.startswith("Do")))


@pytest.mark.parametrize("text", ["* I love cats", "+ I love cats", "# nothing"])
def test_a_file_without_both_kinds_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        read_sentences(text)
