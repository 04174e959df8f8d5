import json
from pathlib import Path

import pytest

from idiolect.errors import DataError
from idiolect.evaluation.harness import recompute, run_bench

PAIRS = [
    (
        "Why do leaves fall?",
        "The tree lets go of its leaves to save water when it gets cold.",
        "Deciduous vegetation undergoes abscission, conserving moisture throughout unfavourable temperatures.",
    ),
    (
        "What is a loan?",
        "You get money now and pay it back bit by bit.",
        "A contractual instrument whereby capital is advanced subject to subsequent repayment obligations.",
    ),
    (
        "How do planes fly?",
        "The wings push the air down, and the air pushes the plane up.",
        "Aerodynamic lift originates predominantly from downward momentum transfer across aerofoil surfaces.",
    ),
    (
        "What is sleep for?",
        "Sleep gives your brain and body time to rest and mend.",
        "Nocturnal quiescence facilitates neurological consolidation alongside physiological restoration.",
    ),
    (
        "What is rust?",
        "Iron turns red and weak when it gets wet for a long time.",
        "Ferrous materials experience progressive oxidation following prolonged atmospheric exposure.",
    ),
]


def a_case(target: int, likes_plain: bool) -> dict[str, object]:
    pairs = [
        {"prompt": prompt, "chosen": plain if likes_plain else learned, "rejected": learned if likes_plain else plain}
        for prompt, plain, learned in PAIRS
    ]
    history = [pair for number, pair in enumerate(pairs) if number != target]
    return {**pairs[target], "profile": "never read", "Pair-wise Comparative Feedback": history}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "taste.json"
    path.write_text(json.dumps([a_case(target, likes) for target in range(len(PAIRS)) for likes in (True, False)]))
    return path


def test_four_choices_tell_plain_from_learned_and_one_reward_for_all_cannot(data: Path, tmp_path: Path) -> None:
    report = run_bench("psoups", data, overrides={"embedder": "none"}, progress=False, runs=tmp_path)
    assert report.metrics["accuracy"].value == 1.0
    assert report.metrics["best_single_attribute_vote"].value == 1.0
    assert report.metrics["pooled"].value == 0.5
    assert report.metrics["no_history"].value == 0.5
    assert report.metrics["accuracy"].n == 10


def test_a_case_learns_from_its_own_choices_alone(data: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.json"
    alone.write_text(json.dumps([a_case(0, likes_plain=True)]))
    lines = {}
    for path in (data, alone):
        predictions = tmp_path / f"{path.stem}.jsonl"
        run_bench("psoups", path, None, predictions, {"embedder": "none"}, progress=False, runs=tmp_path)
        lines[path.stem] = json.loads(predictions.read_text().splitlines()[0])["scores"]["accuracy"]
    assert lines["taste"] == lines["alone"]


def test_the_same_target_twice_is_one_cluster(data: Path, tmp_path: Path) -> None:
    predictions = tmp_path / "cases.jsonl"
    report = run_bench("psoups", data, None, predictions, {"embedder": "none"}, progress=False, runs=tmp_path)
    groups = [json.loads(line)["group"] for line in predictions.read_text().splitlines()]
    assert len(set(groups)) == len(PAIRS)  # a pair is the same target whoever chose
    assert recompute("psoups", predictions) == report.metrics


def test_a_folder_is_read_file_by_file(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.json", "b.json"):
        (folder / name).write_text(data.read_text())
    report = run_bench("psoups", folder, overrides={"embedder": "none"}, progress=False, runs=tmp_path)
    assert report.metrics["accuracy"].n == 20


@pytest.mark.parametrize("text", ["{}", "[]", '[{"prompt": "p", "chosen": "c"}]', "no json"])
def test_a_file_of_another_form_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(DataError, match="P-Soups"):
        run_bench("psoups", path, progress=False, runs=tmp_path)
