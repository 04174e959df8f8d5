"""The figures of the preference memory: what they are measured on is what it claims to be, and they follow from it."""

from collections import Counter
from pathlib import Path

import pytest

from idiolect.errors import SettingsError
from idiolect.evaluation import memory_latency
from idiolect.evaluation.harness import make_bench, recompute, run_bench
from idiolect.evaluation.memory_latency import hear
from idiolect.evaluation.sayings import MOST, lived, prompts, sayings
from idiolect.memory.store import open_store

SMALL = {"setups": '["memory"]', "statements": "[20]", "rounds": "5", "resamples": "100"}


def test_no_two_sayings_merge_and_none_takes_the_place_of_another() -> None:
    with open_store("sqlite://") as store:
        person = store.user("person-1")
        lived(person, sayings(600))
        assert len(person.preferences()) == 600


def test_there_are_sayings_for_ten_thousand_statements_and_all_rounds() -> None:
    assert len(set(sayings(MOST))) == MOST > 10_000 + 2 * 500
    with pytest.raises(ValueError, match="ask for fewer"):
        sayings(MOST + 1)


def test_no_prompt_comes_twice_so_that_none_has_a_known_embedding() -> None:
    asked = prompts()
    assert max(Counter(next(asked) for _ in range(2000)).values()) == 1


def test_what_is_said_in_conversation_is_in_force_at_once() -> None:
    with open_store("sqlite://") as store:
        person = store.user("person-1")
        hear(person, "I can't stand quiet museums.")
        assert [preference.object for preference in person.preferences()] == ["quiet museums"]


def test_remembering_and_recall_are_timed_and_the_figures_follow_from_the_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_latency, "ANEW", 1)
    predictions = tmp_path / "cases.jsonl"
    report = run_bench("latency", None, None, predictions, SMALL, False, tmp_path)
    assert recompute("latency", predictions, SMALL) == report.metrics
    steps = ("remember", "say", "embed", "recall", "recall_cached", "cold", "process")
    assert {f"{step}_ms/20@p50" for step in steps} | {f"cpu_{step}_ms/20@p90" for step in steps} <= set(report.metrics)
    assert report.metrics["recall_cached_ms/20@p50"].value < report.metrics["process_ms/20@p50"].value
    assert report.metrics["load"].value >= 0


def test_a_person_takes_room_on_the_disk_for_statements_and_their_embeddings(tmp_path: Path) -> None:
    small = {"statements": "40", "people": "2", "resamples": "100"}
    report = run_bench("footprint", overrides=small, progress=False, runs=tmp_path)
    assert report.metrics["disk_bytes"].value > 40 * 384
    assert report.metrics["disk_bytes"].n == 2


def test_a_peer_that_nobody_knows_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no peer named 'nobody'.*mem0"):
        make_bench("peers", {"peer": "nobody"})
