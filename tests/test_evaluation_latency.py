from pathlib import Path

from idiolect.evaluation import latency
from idiolect.evaluation.harness import recompute, run_bench
from idiolect.evaluation.latency import Recital
from idiolect.models.protocol import Request
from idiolect.schema import as_messages


def test_recited_answers_have_the_length_of_a_hundred_tokens_and_differ() -> None:
    heard: list[int] = []
    done = Recital().complete(Request(as_messages("How?")), 8, lambda index, _: heard.append(index))
    assert [each.completion_tokens for each in done] == [latency.WORDS] * 8
    assert len({each.text for each in done}) == 8
    assert heard == list(range(8))


def test_turns_and_feedback_are_timed_and_the_figures_follow_from_the_cases(tmp_path: Path) -> None:
    predictions, small = tmp_path / "cases.jsonl", {"turns": "10", "resamples": "100", "setups": '["attributes"]'}
    report = run_bench("latency", None, None, predictions, small, False, tmp_path)
    assert recompute("latency", predictions, small) == report.metrics
    assert {"turn_ms/attributes@p50", "turn_ms/attributes@p90", "feedback_ms@p50"} <= set(report.metrics)
    assert report.metrics["turn_ms/attributes@p50"].value > 0
