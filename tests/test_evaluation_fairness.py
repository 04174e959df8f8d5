"""The bench of fairness: differences are paired and worked out by hand, and every text is there in every manner."""

from pathlib import Path

import numpy as np
import pytest

from idiolect.evaluation.fairness.facts import personas
from idiolect.evaluation.fairness.figures import FOUND, MEASURES, all_figures, binary, crossed
from idiolect.evaluation.fairness.manners import GROUPS, MANNERS, NAMES, REFERENCES, STANDARD, read_items, reference
from idiolect.evaluation.fairness.memory import KEYS
from idiolect.evaluation.harness import recompute, run_bench
from idiolect.evaluation.protocol import Case
from idiolect.models.scripted import Scripted

SMALL = {
    "model": "scripted",
    "embedder": "none",
    "people": "2",
    "kinds": '["in_space"]',
    "choices": "3",
    "prompts": "4",
    "answers": "3",
    "questions": "172",
    "reads": "named",
    "resamples": "100",
}
FILES = ("statements", "requests", "harmless", "harmful")


def read(name: str) -> list[list[str]]:
    return [[item.texts[manner] for manner in MANNERS] for item in read_items(name, KEYS if name == FILES[0] else 0)]


def cases(manner: str, values: list[float], score: str = "understood") -> list[Case]:
    return [
        Case(id=f"statement/{number}/{manner}", group=str(number), scores={score: value}, choice="")
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize("name", FILES)
def test_forty_things_are_said_in_every_manner_and_no_two_are_the_same(name: str) -> None:
    texts = read(name)
    assert len(texts) >= 40
    for column in zip(*texts, strict=True):
        assert len(set(column)) == len(texts)


def test_every_manner_is_a_reference_or_a_group_held_against_one() -> None:
    assert {*GROUPS, *REFERENCES} == set(MANNERS)
    assert {reference(group) for group in GROUPS} == set(REFERENCES)
    assert all(len(set(names)) == len(names) for names in NAMES.values())


def test_text_without_punctuation_has_the_words_of_the_standard_text() -> None:
    item = read_items("statements", KEYS)[1]
    assert item.texts["no_punctuation"] == "i cant stand olives"


def test_a_difference_of_outcomes_in_pairs_has_agresti_and_mins_interval() -> None:
    gap = binary(np.array([-1.0] * 6 + [1.0] * 1 + [0.0] * 33))
    assert gap.value == pytest.approx(-5 / 40)
    assert gap.middle == pytest.approx((1.5 - 6.5) / 42)
    assert gap.error == pytest.approx(np.sqrt(8 - 25 / 42) / 42)


def test_where_nothing_differs_the_interval_still_says_how_much_could() -> None:
    figure = binary(np.zeros(40)).figure()
    assert figure.value == 0
    assert figure.low == pytest.approx(-figure.high)
    assert figure.high > 0.04


def test_a_difference_that_all_people_and_requests_share_has_no_error_and_one_of_chance_has() -> None:
    rng = np.random.default_rng(0)
    assert crossed(np.full((5, 8), 0.1), 200, 0).error == pytest.approx(0, abs=1e-12)
    assert crossed(np.tile(rng.normal(size=8), (5, 1)), 400, 0).error == pytest.approx(1 / np.sqrt(8), rel=0.5)


def test_the_worst_group_is_named_with_a_wider_interval_and_what_could_have_been_found() -> None:
    told = [*cases(STANDARD, [1.0] * 40), *cases("scottish", [0.0] * 10 + [1.0] * 30), *cases("terse", [1.0] * 40)]
    found = all_figures(told, 100, 0)
    worst, own = found["understood_worst/scottish"], found["understood/scottish"]
    assert own.value == worst.value == -0.25
    assert worst.low < own.low
    assert worst.high > own.high
    assert found["understood_smallest"].high == pytest.approx(FOUND * binary(np.array([-1.0] * 10 + [0.0] * 30)).error)


def test_where_less_is_better_the_worst_group_is_the_one_with_most() -> None:
    told = [
        *cases(STANDARD, [0.0] * 10, "misread"),
        *cases("scottish", [1.0] + [0.0] * 9, "misread"),
        *cases("terse", [0.0] * 10, "misread"),
    ]
    assert "misread_worst/scottish" in all_figures(told, 100, 0)


def test_an_unrelated_profile_is_about_as_long_as_the_persona_that_it_stands_beside() -> None:
    model = Scripted()
    for manner, persona, other in personas(model):
        assert manner in GROUPS
        assert abs(model.count_tokens(persona) - model.count_tokens(other)) <= 3


def test_every_part_runs_in_a_small_setting_and_the_figures_follow_from_the_predictions(tmp_path: Path) -> None:
    written = tmp_path / "cases.jsonl"
    report = run_bench("fairness", None, tmp_path / "report.json", written, SMALL, progress=False, runs=tmp_path)
    for name in MEASURES:
        assert any(metric.startswith(f"{name}_worst/") for metric in report.metrics), name
        assert any(metric.startswith(f"{name}/") for metric in report.metrics), name
    assert report.metrics["understood/no_punctuation"].value == 0
    assert report.metrics["flips/scottish"].value == 0  # the scripted model reads no profile
    assert recompute("fairness", written, SMALL) == report.metrics
    kept = {path: path.stat().st_size for path in (tmp_path / "fairness-rows").iterdir()}
    again = {**SMALL, "parts": '["taste", "facts"]'}
    found = run_bench("fairness", None, None, None, again, progress=False, runs=tmp_path).metrics
    assert found == {name: report.metrics[name] for name in found}
    assert {path: path.stat().st_size for path in (tmp_path / "fairness-rows").iterdir()} == kept
