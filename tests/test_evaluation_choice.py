import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from answer_files import a_file_of_answers
from idiolect.errors import DataError, FeatureMismatch, UnknownMethod
from idiolect.evaluation.choice import Choice
from idiolect.evaluation.choice.answers import open_material, read_sheets
from idiolect.evaluation.choice.baselines import BASELINES, Logistic, Nearest
from idiolect.evaluation.choice.figures import BINS, binned, right
from idiolect.evaluation.choice.people import SEEN, UNSEEN, exam, participants
from idiolect.evaluation.choice.trial import regret
from idiolect.evaluation.harness import draw, recompute, report_tables, run_bench
from idiolect.evaluation.protocol import Report
from idiolect.evaluation.runs import RunFolder, code_behind
from idiolect.evaluation.staged import staged_tables
from idiolect.reward import PERSONAL
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.protocol import Chosen, FittedReward

SMALL = {
    "embedder": "none",
    "seen_prompts": "16",
    "unseen_prompts": "8",
    "seen_users": "16",
    "unseen_users": "10",
    "evaluated": "8",
    "choices": "20",
    "stages": "[0, 2, 20]",
    "tests": "10",
    "rankings": "4",
    "tried": "0",
    "resamples": "100",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_file_of_answers(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def report(data: Path) -> Report:
    return run_bench("choice", data, None, data.parent / "cases.jsonl", SMALL, progress=False, runs=data.parent)


def small(**changed: object) -> Choice:
    return Choice.model_validate(
        {name: json.loads(text) for name, text in SMALL.items() if name != "embedder"} | {"embedder": "none"} | changed
    )


def test_every_method_that_needs_no_model_has_its_row(report: Report) -> None:
    methods = {name.split("/")[0] for name in report.metrics if name.endswith("/accuracy@2")}
    fitted = {name for name, method in PERSONAL.items() if issubclass(method, FittedReward | Gaussian)}
    assert {*BASELINES, *fitted, "ideal"} == methods - {"seen_users", "seen_prompts", "seen_users_and_prompts"}


def test_what_is_known_of_the_taste_orders_the_rows(report: Report) -> None:
    ideal = [report.metrics[f"ideal/accuracy@{stage}"].value for stage in (0, 2, 20)]
    assert ideal == sorted(ideal)
    assert ideal[-1] < report.metrics["oracle/accuracy@0"].value
    assert report.metrics["told/accuracy@0"].value > 0.6
    assert report.metrics["oracle/regret@0"].value == 0


def test_the_default_learns_from_choices(report: Report) -> None:
    accuracy = {stage: report.metrics[f"gaussian/accuracy@{stage}"].value for stage in (0, 20)}
    assert accuracy[20] > max(0.55, accuracy[0])
    assert report.metrics["gaussian/bytes_a_user"].value > 0
    assert report.metrics["gaussian/regret_left@20"].value < 1


def test_figures_follow_from_the_cases_alone(report: Report, data: Path) -> None:
    assert recompute("choice", data.parent / "cases.jsonl", SMALL) == report.metrics


def test_a_finished_run_is_read_back_row_by_row(report: Report, data: Path) -> None:
    again = run_bench("choice", data, overrides=SMALL, progress=False, runs=data.parent)
    assert again.metrics == report.metrics  # the times among them: nothing was measured again


def test_one_process_and_three_give_the_same_figures(data: Path, tmp_path: Path) -> None:
    said = {**SMALL, "methods": '["gaussian", "lore", "nearest", "vpl"]', "tests": "4", "stages": "[0, 5]"}
    one, three = (
        run_bench("choice", data, overrides={**said, "workers": count}, progress=False, runs=tmp_path / count).metrics
        for count in "13"
    )
    timed = {name for name in one if name.endswith(("_seconds", "_ms"))}
    assert len(timed) == 8
    assert {name: one[name] for name in one.keys() - timed} == {name: three[name] for name in three.keys() - timed}


def test_rewards_that_ask_a_model_have_rows_where_one_is_named(data: Path, report: Report) -> None:
    said = {"judge": "scripted", "judge_people": "4", "judge_pairs": "3", "judge_stages": "[0, 2]"}
    kept = {**SMALL, "methods": '["gaussian"]'}
    found = run_bench("choice", data, overrides={**kept, **said}, progress=False, runs=data.parent)
    for name in ("judge", "synthesizeme"):
        assert found.metrics[f"{name}/accuracy@2"].n == 4
        assert found.metrics[f"{name}/default_minus@2"].n == 4
        assert found.metrics[f"{name}/bytes_a_user"].value > 0
        assert f"{name}/regret@2" not in found.metrics
    assert report_tables(found)[0].caption is None
    assert not any(name.startswith("judge") for name in report.metrics)
    assert "not run: judge, synthesizeme; they ask a model" in str(report_tables(report)[0].caption)


def test_people_of_both_groups_are_different_and_keep_their_taste(data: Path, tmp_path: Path) -> None:
    design, run = small(), RunFolder(tmp_path)
    material = open_material(design, data, run)
    people = participants(design, material, run)
    again = participants(design, material, run)
    assert [each.chosen.answers.tolist() for each in people] == [each.chosen.answers.tolist() for each in again]
    assert [each.group for each in people] == [SEEN] * 16 + [UNSEEN] * 10
    for one in people:
        spread = one.truth - one.truth.mean(axis=1, keepdims=True)
        assert spread.std() == pytest.approx(1.0)
        assert one.person.reward(material.sheets[3].answers) == pytest.approx(one.truth[3])
        assert one.chosen.prompt.max() < material.seen


def test_nothing_is_asked_twice(data: Path, tmp_path: Path) -> None:
    design, run = small(), RunFolder(tmp_path)
    material = open_material(design, data, run)
    for one in participants(design, material, run):
        known = {(p, *sorted(pair)) for p, pair in zip(one.chosen.prompt, one.chosen.answers.tolist(), strict=True)}
        asked = exam(one, material, 10, 4, range(material.seen)).pairs
        assert not known & {(p, *sorted(pair)) for p, pair in zip(asked.prompt, asked.answers.tolist(), strict=True)}
        unseen = exam(one, material, 10, 4, range(material.seen, len(material.sheets)))
        assert unseen.pairs.prompt.min() >= material.seen


def test_predictions_that_are_as_likely_as_they_say_leave_no_gap() -> None:
    p = np.random.default_rng(0).random(3000)
    bins, gaps = binned(p, p)
    assert np.abs(gaps).max() == pytest.approx(0, abs=1e-12)
    assert np.bincount(bins).tolist() == [200] * BINS


def test_a_boast_is_a_gap_and_a_tie_is_half_right() -> None:
    _, gaps = binned(np.array([1.0, 0.0, 0.5]), np.array([0.7, 0.7, 0.9]))
    assert gaps.tolist() == pytest.approx([0.3, 0.7, 0.0])
    assert right(np.array([1.0, 0.0, 0.5]), np.array([0.7, 0.7, 0.9])).tolist() == pytest.approx([0.7, 0.3, 0.5])


def test_regret_is_what_the_first_lacks_and_ties_share_it() -> None:
    truth = np.array([0.0, 1.0, 3.0])
    assert regret(np.array([0.0, 9.0, 1.0]), truth) == 2.0
    assert regret(np.array([5.0, 5.0, 1.0]), truth) == 2.5
    assert regret(np.array([0.0, 0.0, 1.0]), truth) == 0.0


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_a_baseline_prefers_what_was_chosen_and_knows_nothing_before(name: str) -> None:
    baseline = BASELINES[name].of({})
    rng = np.random.default_rng(0)
    choices = [Chosen(np.stack([rng.normal(size=6) + 3 * np.eye(6)[0], rng.normal(size=6)])) for _ in range(12)]
    belief = baseline.rebuild(choices)
    liked, other = np.array([3.0, 0, 0, 0, 0, 0]), np.zeros(6)
    assert baseline.probability(belief, np.stack([liked, other])) > 0.6
    assert baseline.probability(belief, np.stack([other, liked])) < 0.4
    assert baseline.probability(baseline.prior(), np.stack([liked, other])) == 0.5
    live = baseline.prior()
    for choice in choices:
        live = baseline.update(live, choice)
    assert baseline.score(live, np.eye(6)).mean == pytest.approx(baseline.score(belief, np.eye(6)).mean, abs=1e-9)
    with pytest.raises(FeatureMismatch):
        baseline.score(belief, np.zeros((2, 5)))


def test_logistic_regression_is_at_its_optimum() -> None:
    rng = np.random.default_rng(1)
    pairs = rng.normal(size=(9, 2, 4))
    belief = Logistic.of({"scale": 2.0}).rebuild([Chosen(pair) for pair in pairs])
    deltas, w = pairs[:, 0] - pairs[:, 1], belief.arrays["weights"]
    gradient = w / 4 - deltas.T @ (1 / (1 + np.exp(deltas @ w)))
    assert gradient == pytest.approx(np.zeros(4), abs=1e-6)


def test_the_nearest_answer_decides() -> None:
    far, near = np.array([[9.0, 9.0], [8.0, 8.0]]), np.array([[0.0, 0.0], [1.0, 0.0]])
    reward = Nearest.of({"neighbours": 1})
    votes = reward.score(reward.rebuild([Chosen(far), Chosen(near)]), np.array([[0.1, 0.0], [1.1, 0.0]])).mean
    assert votes.tolist() == [1.0, -1.0]


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"prompt": "p", "responses": "r"}'])
def test_a_file_of_another_form_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match="responses"):
        read_sheets(path)


def test_too_few_prompts_and_unknown_methods_are_refused(data: Path, tmp_path: Path) -> None:
    overrides: Mapping[str, str] = {**SMALL, "seen_prompts": "100"}
    with pytest.raises(DataError, match="are needed"):
        run_bench("choice", data, overrides=overrides, progress=False, runs=tmp_path)
    with pytest.raises(UnknownMethod, match="nobody"):
        run_bench("choice", data, overrides={**SMALL, "methods": '["nobody"]'}, progress=False, runs=data.parent)


def test_prompts_that_a_model_left_out_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    both = {"prompt": "one", "responses": {"a": "x", "b": "y"}}
    rows = [both, {**both, "prompt": "two"}, {"prompt": "three", "responses": {"a": "x"}}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    models, sheets = read_sheets(path)
    assert models == ("a", "b")
    assert [each.prompt for each in sheets] == ["one", "two"]


def test_a_row_depends_on_what_its_method_imports_and_not_on_other_methods() -> None:
    behind = code_behind("idiolect.reward.lore")
    assert {"reward/lore.py", "reward/protocol.py", "errors.py"} <= set(behind)
    assert not {"reward/vpl.py", "reward/__init__.py"} & set(behind)


def test_a_saved_report_is_drawn_with_a_line_for_every_method(report: Report, data: Path) -> None:
    saved, picture = data.parent / "report.json", data.parent / "choice.svg"
    saved.write_text(report.model_dump_json())
    draw(saved, picture)
    root = ElementTree.fromstring(picture.read_text())
    names = {(text.text or "").split()[0] for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {*BASELINES, "gaussian", "lore", "ideal"} <= names
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
    assert len(lines) == len({name.split("/")[0] for name in report.metrics if name.endswith("/accuracy@2")}) - 3


def test_what_is_no_report_is_not_drawn(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(DataError, match="--json"):
        draw(tmp_path / "broken.json", tmp_path / "choice.svg")


def test_the_table_has_a_row_for_each_method_and_a_column_for_each_stage(report: Report) -> None:
    tables = {str(table.title): table for table in staged_tables(report)}
    assert [str(column.header) for column in tables["accuracy"].columns] == ["method", "@0", "@2", "@20"]
    assert tables["accuracy"].row_count == tables["of each method"].row_count + 3  # and the three references
    assert {"seen_users/accuracy", "ece", "regret", "worst_tenth", "default_minus", "regret_left"} <= set(tables)
