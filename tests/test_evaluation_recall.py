import json
from pathlib import Path

import pytest

from idiolect.errors import DataError
from idiolect.evaluation.harness import recompute, run_bench
from idiolect.evaluation.locomo_recall import read_dialogues

DIALOGUE = {
    "speaker_a": "Ann",
    "speaker_b": "Ben",
    "session_1_date_time": "1:56 pm on 8 May, 2023",
    "session_1": [
        {"speaker": "Ann", "dia_id": "D1:1", "text": "I planted seven yellow roses."},
        {"speaker": "Ben", "dia_id": "D1:2", "text": "Look at my boat.", "blip_caption": "a red canoe"},
    ],
    "session_2_date_time": "9:05 am on 1 June, 2023",
    "session_2": [{"speaker": "Ben", "dia_id": "D2:1", "text": "My puppy is called Biscuit."}],
    "session_3_date_time": "9:05 am on 2 June, 2023",
    "qa": [
        {"question": "How many roses did Ann plant?", "evidence": ["D1:1"], "category": 1, "answer": "seven"},
        {"question": "What do Ben and Ann have?", "evidence": ["D1:2; D2:1", "D"], "category": 5},
        {"question": "Unanswerable?", "evidence": [], "category": 4},
    ],
}


@pytest.fixture
def locomo(tmp_path: Path) -> Path:
    folder = tmp_path / "locomo"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(DIALOGUE))
    return folder


def test_a_dialogue_is_read_with_its_malformed_evidence(locomo: Path) -> None:
    dialogue = read_dialogues(locomo)[0]
    assert [turn.id for turn in dialogue.turns] == ["D1:1", "D1:2", "D2:1"]
    assert [places for _, places in dialogue.questions] == [(0,), (1, 2)]
    assert dialogue.turns[2].at.isoformat() == "2023-06-01T09:05:00+00:00"
    assert dialogue.turns[1].text == "Look at my boat."
    assert "a red canoe" in read_dialogues(locomo, captions=True)[0].turns[1].text


def test_all_of_three_turns_are_among_the_best_five(locomo: Path, tmp_path: Path) -> None:
    predictions = tmp_path / "cases.jsonl"
    report = run_bench("locomo-recall", locomo, None, predictions, progress=False, runs=tmp_path)
    assert report.metrics["recall@5"].value == 1.0
    assert report.metrics["recall@5"].n == 2
    assert report.metrics["adversarial/recall@5"].n == 1
    assert recompute("locomo-recall", predictions) == report.metrics


@pytest.mark.parametrize("text", ["[]", "{}", "no json", '{"qa": [{"question": 1}]}'])
def test_a_file_that_is_no_dialogue_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(DataError, match="LoCoMo"):
        read_dialogues(tmp_path)


def test_a_folder_without_dialogues_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no dialogues"):
        read_dialogues(tmp_path)


def test_the_right_preference_is_injected_and_kept_from_other_topics(tmp_path: Path) -> None:
    data = tmp_path / "prefeval"
    (data / "explicit_preference").mkdir(parents=True)
    topics = {
        "food": ("I'm allergic to peanuts.", "Can you recommend a Thai recipe for dinner?"),
        "pets": ("I don't like animals that shed.", "Which pet should I get for my flat?"),
        "films": ("I can't stand horror movies.", "What film should I watch tonight?"),
    }
    for topic, (preference, question) in topics.items():
        items = [{"preference": preference, "question": question, "explanation": "never read"}]
        (data / "explicit_preference" / f"{topic}.json").write_text(json.dumps(items))
    talk = [{"conversation": [{"role": "user", "content": "What is 2 + 2?"}, {"role": "assistant", "content": "4"}]}]
    (data / "distractor_conversations.json").write_text(json.dumps(talk))
    predictions = tmp_path / "cases.jsonl"
    report = run_bench("prefeval-recall", data, None, predictions, {"turns": "[3, 9]"}, progress=False, runs=tmp_path)
    assert report.metrics["injected@3"].value == report.metrics["injected@9"].value == 1.0
    assert report.metrics["quiet_on_other_topics"].value == 1.0
    assert report.metrics["no_gate/quiet_on_other_topics"].value == 0.0  # with three statements all are among the best
    assert report.metrics["no_memory/injected@3"].value == 0.0
    assert recompute("prefeval-recall", predictions) == report.metrics
    injected = {json.loads(line)["id"].split("/")[0]: json.loads(line)["choice"] for line in predictions.open()}
    assert injected == {topic: preference for topic, (preference, _) in topics.items()}


def test_one_topic_alone_has_no_other_topics(tmp_path: Path) -> None:
    (tmp_path / "explicit_preference").mkdir()
    (tmp_path / "explicit_preference" / "a.json").write_text('[{"preference": "I like tea.", "question": "Tea?"}]')
    (tmp_path / "distractor_conversations.json").write_text("[]")
    with pytest.raises(DataError, match="two topics"):
        run_bench("prefeval-recall", tmp_path, progress=False, runs=tmp_path / "runs")
