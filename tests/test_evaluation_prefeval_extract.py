"""The bench of extraction: its definitions by hand, and its figures on data that a test writes."""

import json
from pathlib import Path

import pytest

from idiolect.errors import DataError
from idiolect.evaluation.harness import recompute, run_bench
from idiolect.evaluation.prefeval_extract import head_of, main_phrase

OFFER = "How about:\n1. A quiet inn by the lake.\n2. A lively club hotel downtown."


@pytest.mark.parametrize(
    ("statement", "phrase", "head"),
    [
        ("I avoid hotels with a bustling nightlife.", ["hotels"], "hotels"),
        ("I strongly dislike any crowded museums that charge.", ["crowded", "museums"], "museums"),
        ("I have a strong aversion to watching period dramas.", ["period", "dramas"], "dramas"),
        ("I never do.", [], ""),
    ],
)
def test_the_main_noun_phrase_is_the_first_run_of_content_words(statement: str, phrase: list[str], head: str) -> None:
    assert main_phrase(statement) == phrase
    assert head_of(phrase) == head


def written(folder: Path) -> Path:
    """Two statements, of which one says nothing; one pick; two turns of other talk, of which one is not other."""
    (folder / "explicit_preference").mkdir(parents=True)
    (folder / "implicit_preference" / "choice-based").mkdir(parents=True)
    stated = [{"preference": "I avoid noisy hotels."}, {"preference": "Noisy hotels exist."}]
    (folder / "explicit_preference" / "a.json").write_text(json.dumps(stated), encoding="utf-8")
    chosen = {
        "options": ["A quiet inn by the lake.", "A lively club hotel downtown."],
        "conversation": {"assistant_options": OFFER, "user_selection": "The quiet inn. The other is too lively."},
        "aligned_op": "A quiet inn by the lake.",
    }
    (folder / "implicit_preference" / "choice-based" / "a.json").write_text(json.dumps([chosen]), encoding="utf-8")
    turns = [{"role": "user", "content": "Sort this list."}, {"role": "user", "content": "I love cats."}]
    (folder / "distractor_conversations.json").write_text(json.dumps([{"conversation": turns}]), encoding="utf-8")
    return folder


def test_the_figures_are_shares_of_what_was_found_and_follow_from_the_predictions(tmp_path: Path) -> None:
    predictions = tmp_path / "predictions.jsonl"
    data = written(tmp_path / "data")
    report = run_bench("prefeval-extract", data, None, predictions, progress=False, runs=tmp_path / "runs")
    values = {name: figure.value for name, figure in report.metrics.items()}
    assert (values["explicit_recall"], values["false_alarm"], values["implicit_choice"]) == (0.5, 0.5, 1.0)
    assert (values["key_recall"], report.metrics["key_kind"].n) == (1.0, 100)
    assert recompute("prefeval-extract", predictions) == report.metrics


def test_a_file_of_another_form_is_named(tmp_path: Path) -> None:
    data = written(tmp_path / "data")
    (data / "explicit_preference" / "b.json").write_text('[{"text": 1}]', encoding="utf-8")
    with pytest.raises(DataError, match=r"b\.json is not of PrefEval's form"):
        run_bench("prefeval-extract", data, progress=False, runs=tmp_path / "runs")
