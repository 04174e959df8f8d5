"""The bench of diversity: its measures are worked out by hand, and it runs in a small setting."""

from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import BadInput
from idiolect.evaluation.diversity import MEASURES
from idiolect.evaluation.diversity.measures import bigrams, mentions, sides, spread, vendi
from idiolect.evaluation.diversity.texts import read_questions, read_tastes
from idiolect.evaluation.harness import recompute, run_bench
from idiolect.memory.extraction import extract

SMALL = {
    "model": "scripted",
    "method": "profile+best-of-2",
    "people": "2",
    "kinds": '["in_space"]',
    "turns": "6",
    "training": "6",
    "questions": "3",
    "resamples": "100",
}


def test_answers_that_are_alike_have_no_spread_and_one_topic() -> None:
    same = np.tile([0.6, 0.8], (5, 1))
    assert spread(same) == pytest.approx(0)
    assert vendi(same) == pytest.approx(1)


def test_answers_that_have_nothing_in_common_are_far_apart_and_count_as_so_many_topics() -> None:
    assert spread(np.eye(4)) == pytest.approx(1)
    assert vendi(np.eye(4)) == pytest.approx(4)


def test_two_topics_of_which_each_is_said_twice_are_two() -> None:
    assert vendi(np.repeat(np.eye(2), 2, axis=0)) == pytest.approx(2)


def test_an_answer_takes_the_side_that_it_is_nearer_to_and_none_where_it_is_near_to_both() -> None:
    views = np.eye(2)
    answers = np.array([[1.0, 0.0], [0.0, 1.0], [0.71, 0.70]])
    assert sides(answers, views, 0.02).tolist() == [1, -1, 0]


def test_pairs_of_words_are_counted_over_all_answers_and_only_at_their_beginning() -> None:
    assert bigrams(["a b c", "a b d"]) == pytest.approx(3 / 4)
    assert bigrams([" ".join("x" for _ in range(100)), "y z"]) == pytest.approx(2 / 20)


def test_a_word_is_mentioned_where_it_stands_whole() -> None:
    assert mentions("Try some Sushi!", ["sushi"])
    assert not mentions("The essential thing", ["tea"])


def test_every_question_has_two_views_and_no_taste_is_named_in_one() -> None:
    questions, tastes = read_questions(), read_tastes()
    assert len({question.text for question in questions}) == 30
    assert all(first != second for first, second in (question.views for question in questions))
    for taste in tastes:
        assert extract(taste.text)
        assert not any(mentions(" ".join((each.text, *each.views)), taste.words) for each in questions)


def test_without_an_embedder_it_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="minilm"):
        run_bench("diversity", None, None, None, {**SMALL, "embedder": "none"}, progress=False, runs=tmp_path)


def test_it_runs_in_a_small_setting_and_goes_on_from_its_rows(tmp_path: Path) -> None:
    written = tmp_path / "cases.jsonl"
    report = run_bench("diversity", None, tmp_path / "report.json", written, SMALL, progress=False, runs=tmp_path)
    for name in MEASURES:
        assert {f"{name}/{arm}" for arm in ("plain", "choice", "profile")} <= set(report.metrics)
    assert report.metrics["topics_number/plain"].value <= 3
    assert report.metrics["recalled"].n == 30
    assert recompute("diversity", written, SMALL) == report.metrics
    kept = {path: path.stat().st_size for path in (tmp_path / "diversity-rows").iterdir()}
    run_bench("diversity", None, None, None, SMALL, progress=False, runs=tmp_path)
    assert {path: path.stat().st_size for path in (tmp_path / "diversity-rows").iterdir()} == kept
