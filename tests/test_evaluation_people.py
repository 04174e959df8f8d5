from pathlib import Path

import numpy as np
import pytest

from answer_files import a_file_of_answers
from idiolect.evaluation.choice.answers import open_material
from idiolect.evaluation.choice.design import Crowd
from idiolect.evaluation.choice.people import participants
from idiolect.evaluation.drift import DriftBench, opposite
from idiolect.evaluation.elicitation import Elicitation
from idiolect.evaluation.harness import recompute, run_bench
from idiolect.evaluation.protocol import Report
from idiolect.evaluation.runs import RunFolder
from idiolect.evaluation.transfer import Transfer, split

PEOPLE = {
    "embedder": "none",
    "seen_prompts": "16",
    "unseen_prompts": "8",
    "seen_users": "16",
    "unseen_users": "8",
    "choices": "20",
    "tests": "12",
    "resamples": "100",
}
SHORT = {
    "drift": {"before": "30", "after": "[0, 20]", "steady": "40"},
    "elicitation": {"counts": "[0, 2, 4, 8, 16]", "held": "[8]", "offered": "6"},
    "transfer": {"stages": "[2, 20]"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_file_of_answers(tmp_path_factory.mktemp("answers"))


def report_of(name: str, data: Path) -> Report:
    cases = data.parent / f"{name}.jsonl"
    return run_bench(name, data, None, cases, {**PEOPLE, **SHORT[name]}, progress=False, runs=data.parent)


@pytest.mark.parametrize("name", sorted(SHORT))
def test_figures_follow_from_the_cases_alone(name: str, data: Path) -> None:
    report = report_of(name, data)
    assert recompute(name, data.parent / f"{name}.jsonl", {**PEOPLE, **SHORT[name]}) == report.metrics
    assert all(np.isfinite([figure.value, figure.low, figure.high]).all() for figure in report.metrics.values())


def test_questions_needed_are_read_off_the_curves_between_their_counts() -> None:
    bench = Elicitation(counts=(0, 10, 20), held=(20,))
    by_chance, informed = np.array([0.5, 0.6, 0.7]), np.array([0.5, 0.8, 0.75])
    assert bench._reached(by_chance, informed, 20) == pytest.approx(10 * (0.2 / 0.3) / 20)
    assert bench._reached(informed, by_chance, 20) == 1.0  # never reached: the last count stands in
    assert bench._reached(by_chance, by_chance, 10) == pytest.approx(1.0)


def test_a_taste_that_turned_is_followed_better_with_the_test_than_without(data: Path) -> None:
    metrics = report_of("drift", data).metrics
    assert metrics["opposite/before"].value > 0.5 > metrics["opposite/plain@0"].value
    assert metrics["opposite/followed@20"].value >= metrics["opposite/plain@20"].value - 0.02
    assert metrics["steady/false_alarms_in_40"].value <= 1


def test_the_opposite_of_a_person_is_as_steady_and_disagrees(data: Path, tmp_path: Path) -> None:
    crowd = DriftBench(embedder="none", seen_prompts=16, unseen_prompts=8, seen_users=8, unseen_users=2, choices=5)
    material = open_material(crowd, data, RunFolder(tmp_path))
    one = participants(crowd, material, RunFolder(tmp_path))[0]
    prompts, answers = np.array([0, 1]), np.array([[0, 1], [2, 3]])
    assert opposite(one).likely(prompts, answers) == pytest.approx(1 - one.likely(prompts, answers))


def test_sides_share_no_model_and_no_prompt(data: Path, tmp_path: Path) -> None:
    crowd: Crowd = Transfer(embedder="none", seen_prompts=16, unseen_prompts=8, seen_users=8, unseen_users=2)
    material = open_material(crowd, data, RunFolder(tmp_path))
    one, other = split(material, 0)
    assert sorted((*one.models, *other.models)) == list(range(8))
    assert sorted((*one.seen, *other.seen, *one.unseen, *other.unseen)) == list(range(24))
    assert max((*one.seen, *other.seen)) < material.seen <= min((*one.unseen, *other.unseen))


def test_a_profile_helps_at_home_and_away(data: Path) -> None:
    metrics = report_of("transfer", data).metrics
    assert metrics["home@20"].value > 0.5
    assert metrics["loss@20"].value == pytest.approx(metrics["home@20"].value - metrics["away@20"].value)
