import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import DataError
from idiolect.evaluation.feedback import PAIRS, Question, taught
from idiolect.evaluation.harness import recompute, run_bench
from idiolect.evaluation.lenses import AttributeLens
from idiolect.evaluation.pools import read_prompts
from idiolect.evaluation.protocol import Report
from idiolect.evaluation.simulated import person
from idiolect.features.space import PreferenceSpace
from idiolect.models import open_model
from idiolect.models.protocol import Request
from idiolect.reward.gaussian import Gaussian
from idiolect.schema import as_messages

SMALL = {
    "model": "scripted",
    "embedder": "none",
    "users": "6",
    "kinds": '["in_space"]',
    "test_prompts": "8",
    "prompts": "4",
    "training": "20",
    "candidates": "4",
    "opponents": "4",
    "stages": "[0, 5, 30]",
    "generated_stages": "[5]",
    "methods": '["best-of-4", "profile+best-of-2", "profile"]',
    "statements": "2",
    "resamples": "100",
}


def a_file_of_prompts(folder: Path) -> Path:
    path = folder / "prompts.txt"
    path.write_text("".join(f"How do I begin with plan number {number}?\n" for number in range(30)))
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def report(runs: Path) -> Report:
    return run_bench("uplift", a_file_of_prompts(runs), None, runs / "cases.jsonl", SMALL, False, runs)


def test_without_feedback_nothing_is_won_and_with_it_something_is(report: Report) -> None:
    start, end = report.metrics["in_space/win_vs_plain@0"], report.metrics["in_space/win_vs_plain@30"]
    assert start.low - 0.1 <= 0.5 <= start.high + 0.1
    assert end.value > 0.6
    assert end.n == 6 * 4


def test_every_method_has_its_row_and_the_default_one_no_suffix(report: Report) -> None:
    assert "in_space/win_vs_plain@5" in report.metrics
    assert "in_space/win_vs_plain@5/profile" in report.metrics
    assert "in_space/win_vs_plain@5/profile+best-of-2" in report.metrics
    assert "in_space/win_vs_profile@5" in report.metrics
    assert "in_space/win_vs_plain@30/profile" not in report.metrics  # it writes, so only at generated stages


def test_the_figures_follow_from_the_predictions_file(report: Report, runs: Path) -> None:
    assert recompute("uplift", runs / "cases.jsonl", SMALL) == report.metrics


def test_a_second_run_reads_back_what_was_written(report: Report, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in (runs / "uplift-rows").iterdir()}
    again = run_bench("uplift", a_file_of_prompts(runs), overrides={**SMALL, "kappa": "0.5"}, progress=False, runs=runs)
    assert again.metrics == report.metrics
    assert {path: path.read_bytes() for path in (runs / "uplift-rows").iterdir()} == before


def test_a_statement_is_about_an_attribute_that_is_measured(report: Report) -> None:
    assert report.metrics["statement/moved@1"].n == 10 * 2
    assert "statement/moved@1/length" in report.metrics


def test_prompts_come_in_an_order_of_chance_and_never_twice(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl.gz"
    lines = [json.dumps({"prompt": f"question {number % 10}\u2028?", "responses": {}}) for number in range(20)]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    found = read_prompts(path, 10, seed=1)
    assert len(set(found)) == 10
    assert read_prompts(path, 5, seed=1) == found[:5]
    assert read_prompts(path, 10, seed=2) != found
    with pytest.raises(DataError, match="10 prompts"):
        read_prompts(path, 11, seed=1)


def test_a_file_without_prompts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"question": "?"}\n')
    with pytest.raises(DataError, match="not a file of prompts"):
        read_prompts(path, 1, seed=0)


@pytest.mark.parametrize("pairs", sorted(PAIRS))
def test_choices_teach_a_taste_whichever_pairs_are_asked(pairs: str) -> None:
    space = PreferenceSpace.shipped()
    model = open_model("scripted")
    questions = []
    for number in range(20):
        texts = [each.text for each in model.complete(Request(as_messages(f"What about plan {number}?")), 8)]
        questions.append(Question(str(number), texts, space.phi(texts, None)))
    likes_length = person("one", AttributeLens(space), {"length": 1.0})
    reward = Gaussian.shipped(space)
    stages = taught(likes_length, reward, questions, (0, 2, 20), pairs, seed=0)
    learnt = [float(reward.weights(stages[count].belief)[0][space.names.index("length")]) for count in (0, 20)]
    assert learnt[0] == 0.0
    assert learnt[1] > 0.1
    assert len(stages[2].choices) == 2
    assert stages[20].belief.seen == 20


def test_the_first_choices_do_not_depend_on_how_many_follow() -> None:
    space = PreferenceSpace.shipped()
    rng = np.random.default_rng(0)
    questions = [
        Question(str(n), [f"word {n} {i}" for i in range(4)], rng.normal(size=(4, space.dim))) for n in range(9)
    ]
    someone, reward = person("one", AttributeLens(space), {"length": 1.0}), Gaussian.shipped(space)
    few, many = (taught(someone, reward, questions, (last,), "random", 0) for last in (3, 12))
    assert many[12].choices[:3] == few[3].choices
