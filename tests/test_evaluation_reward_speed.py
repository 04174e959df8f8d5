"""The bench of the default reward's costs."""

from pathlib import Path

import pytest

from idiolect.evaluation.harness import run_bench


def test_room_and_times_are_told_and_a_person_takes_less_than_sixteen_kilobytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    overrides = {"repeats": "10", "rebuilt": "[5, 20]", "crowd": "50"}
    metrics = run_bench("reward-speed", overrides=overrides, progress=False).metrics
    assert metrics["bytes_a_user"].value <= 16_000
    for name in ("update_us", "rebuild_ms@5", "rebuild_ms@20", "scores_a_second"):
        assert metrics[name].value > 0
    assert metrics["update_us/best"].value <= metrics["update_us"].value
