"""The bench of compliance: shares of ties, its rows, bad files, and PrefEval's totals where the set is there."""

import json
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import BadInput, DataError
from idiolect.evaluation.compliance import ComplianceBench, first_share, read_items
from idiolect.evaluation.harness import read_predictions, recompute, run_bench

QUESTIONS = {
    "dinner": [
        ("I'm allergic to shellfish.", ["potato soup", "oysters on ice", "shrimp scampi", "clam chowder"]),
        ("I love spicy food.", ["a fiery vindaloo", "plain rice", "mashed potatoes", "boiled cod"]),
    ],
    "rooms": [
        ("I avoid loud nightlife.", ["a cottage in the woods", "a club hotel", "a party hostel", "rooms over a bar"]),
        ("I'm afraid of heights.", ["a bungalow", "a tower suite", "a tree house", "a cliff-top cabin"]),
    ],
}


def written(folder: Path) -> Path:
    (folder / "mcq_options").mkdir(parents=True)
    for topic, asked in QUESTIONS.items():
        rows = [
            {"preference": said, "question": "What do you suggest?", "classification_task_options": options}
            for said, options in asked
        ]
        (folder / "mcq_options" / f"{topic}.json").write_text(json.dumps(rows))
    return folder


def test_an_option_that_ties_for_the_first_place_counts_as_its_share() -> None:
    scores = np.array([[1.0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]])
    np.testing.assert_allclose(first_share(scores), [1, 1 / 2, 1 / 4, 0])


def test_every_row_is_measured_and_comes_again_from_the_predictions(tmp_path: Path) -> None:
    data, predictions = written(tmp_path / "data"), tmp_path / "predictions.jsonl"
    report = run_bench("compliance", data, predictions_path=predictions, progress=False, runs=tmp_path / "runs")
    assert {*ComplianceBench.beside, "topic/dinner", "topic/rooms"} - {"topic/"} == set(report.metrics)
    assert report.metrics["chance"].value == 0.25
    assert report.metrics["accuracy"].value == 1
    assert len(read_predictions(predictions)) == 4
    assert recompute("compliance", predictions) == report.metrics


def test_a_folder_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="mcq_options"):
        read_items(tmp_path)
    data = written(tmp_path / "data")
    (data / "mcq_options" / "rooms.json").unlink()
    with pytest.raises(DataError, match="two topics"):
        run_bench("compliance", data, progress=False, runs=tmp_path / "runs")
    (data / "mcq_options" / "rooms.json").write_text('[{"preference": "x"}]')
    with pytest.raises(DataError, match=r"rooms\.json"):
        read_items(data)


def test_without_an_embedder_there_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="minilm"):
        run_bench(
            "compliance", written(tmp_path / "data"), overrides={"embedder": "none"}, progress=False, runs=tmp_path
        )
