"""LoRe beside its authors' algorithm, in the short form."""

from pathlib import Path

import pytest

from idiolect.evaluation.harness import recompute, run_bench

SHORT = {"scenes": "1", "people": "40", "new_people": "20", "prompts": "80", "features": "16", "steps": "400"}


def test_our_fit_is_about_as_right_as_the_official_algorithms(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    predictions = tmp_path / "predictions.jsonl"
    report = run_bench(
        "lore-official", predictions_path=predictions, overrides=SHORT, progress=False, runs=tmp_path / "runs"
    )
    figures = report.metrics
    assert figures["seen/ours"].value > 0.75
    assert figures["seen/official"].value > 0.75
    assert abs(figures["seen_difference"].value) < 0.05
    assert figures["seconds/ours"].value > 0
    assert recompute("lore-official", predictions, SHORT) == figures
