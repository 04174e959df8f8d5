"""`idiolect reward`: fit, predict, inspect, list."""

import json
from pathlib import Path

import numpy as np
import pytest

from idiolect.cli import main
from idiolect.cli.reward_files import described, measured_file, predicted
from idiolect.reward import PERSONAL

LONG = "There are several reasons for this, and each of them deserves a careful and extensive explanation. " * 2


@pytest.fixture(autouse=True)
def _attributes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the people choose long answers, half short ones."""
    monkeypatch.chdir(tmp_path)
    Path("idiolect.toml").write_text('embedder = "none"')
    rng, lines = np.random.default_rng(0), []
    for user in range(24):
        for number in range(6):
            long, short = f"{LONG} Number {rng.integers(100)}.", f"Yes, {number}."
            chosen, rejected = (long, short) if user % 2 else (short, long)
            lines.append({"user": f"p{user}", "prompt": f"Why {number}?", "chosen": chosen, "rejected": rejected})
    Path("pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


def fit(method: str = "pref", *more: str) -> int:
    return run("reward", "fit", method, "--data", "pairs.jsonl", "--out", "reward.safetensors", *more)


def test_a_fitted_reward_foresees_what_people_choose(capsys: pytest.CaptureFixture[str]) -> None:
    assert fit("pref", "--set", "rank=2") == 0
    assert "pref from 144 choices of 24 people" in capsys.readouterr().err
    assert run("reward", "predict", "--reward", "reward.safetensors", "--data", "pairs.jsonl", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["accuracy"] == 1.0
    assert [each["line"] for each in made["choices"]] == list(range(1, 145))
    assert all(each["known"] == 5 and each["probability"] > 0.5 for each in made["choices"])
    assert run("reward", "predict", "--reward", "reward.safetensors", "--data", "pairs.jsonl") == 0
    assert "foreseen: 100.0% of the choices, the mean over 24 people" in capsys.readouterr().out


def test_people_are_learnt_from_their_history_where_one_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    fit("lore", "--seed", "3", "--set", "rank=3")
    lines = Path("pairs.jsonl").read_text().splitlines()
    Path("history.jsonl").write_text("\n".join(lines[6:8]) + "\n")
    Path("asked.jsonl").write_text("\n".join([lines[0], lines[11]]) + "\n")
    capsys.readouterr()
    asked = ("reward", "predict", "--reward", "reward.safetensors", "--data", "asked.jsonl", "--json")
    assert run(*asked, "--history", "history.jsonl") == 0
    nobody, known = json.loads(capsys.readouterr().out)["choices"]
    assert (nobody["user"], nobody["known"]) == ("p0", 0)
    assert (known["user"], known["known"], known["foreseen"]) == ("p1", 2, 1.0)


def test_choices_that_were_in_the_fit_are_told_from_those_that_were_not(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Path("pairs.jsonl").read_text().splitlines()
    Path("pairs.jsonl").write_text("\n".join(lines[:120]) + "\n")
    Path("asked.jsonl").write_text("\n".join(lines[114:126]) + "\n")
    fit("universal")
    capsys.readouterr()
    asked = ("reward", "predict", "--reward", "reward.safetensors", "--data")
    assert run(*asked, "pairs.jsonl") == 0
    told = capsys.readouterr().out
    assert "The reward was fitted on 120 of these 120 choices" in " ".join(told.split())
    assert "no other is in this file" in " ".join(told.split())
    assert run(*asked, "asked.jsonl", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert [each["in_fit"] for each in made["choices"]] == [True] * 6 + [False] * 6
    new = [each["foreseen"] for each in made["choices"] if not each["in_fit"]]
    assert (made["in_fit"], made["accuracy_not_in_fit"]) == (6, pytest.approx(np.mean(new)))


def test_a_choice_is_never_learnt_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    fit("pref", "--set", "rank=2")
    capsys.readouterr()
    asked = ("reward", "predict", "--reward", "reward.safetensors", "--data", "pairs.jsonl", "--json")
    run(*asked)
    others = json.loads(capsys.readouterr().out)
    run(*asked, "--history", "pairs.jsonl")
    assert json.loads(capsys.readouterr().out) == others
    assert {each["known"] for each in others["choices"]} == {5}


def test_one_process_and_two_predict_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idiolect.cli.reward_files.MANY", 1)
    fit("lore")
    data = measured_file(Path("pairs.jsonl"), "choices", Path("cache"), None)
    one, two = (predicted(Path("reward.safetensors"), data, None, workers) for workers in (1, 2))
    assert one == two


def test_what_is_too_little_to_fit_on_is_told_with_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Path("pairs.jsonl").read_text().splitlines()
    Path("pairs.jsonl").write_text(lines[0] + "\n")
    assert fit("lore") == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "one person's choices do not tell what another would choose: give those of several people" in told
    assert "give several choices of each" in told
    assert "of fewer than 20 people nobody is left out of the fit" in told
    tie = {"user": "ada", "prompt": "Why?", "answers": ["Now.", "Later, and for long."], "choice": None}
    Path("pairs.jsonl").write_text(json.dumps(tie) + "\n")
    assert fit("pref") == 0
    assert "every choice is a tie" in capsys.readouterr().err


def test_a_reward_tells_where_it_is_from_and_what_it_learns_of_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    fit("lore", "--seed", "3")
    capsys.readouterr()
    assert run("reward", "inspect", "reward.safetensors") == 0
    shown = capsys.readouterr().out
    assert "144 choices of 24 people" in shown
    assert "basis 5x" in shown
    person = ("reward", "inspect", "reward.safetensors", "--data", "pairs.jsonl", "--json")
    assert run(*person, "-u", "p1") == 0
    likes_long = json.loads(capsys.readouterr().out)
    assert run(*person, "-u", "p2") == 0
    likes_short = json.loads(capsys.readouterr().out)
    assert likes_long["card"]["settings"]["seed"] == 3
    assert likes_long["known"] == 6
    assert likes_long["weights"]["length"][0] > likes_short["weights"]["length"][0]
    assert run(*person, "-u", "nobody") == 1
    assert "nobody chose nothing in this file" in capsys.readouterr().err


def test_every_method_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("reward", "list", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)) == set(PERSONAL)


def test_every_method_is_told_in_one_whole_sentence_of_its_own() -> None:
    sentences = [sentence for _, sentence, _ in described()]
    assert len(set(sentences)) == len(PERSONAL)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_what_cannot_be_done_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, told in (
        (("laws",), "no reward named 'laws' is fitted on people; there are: "),
        (("lore", "--set", "ranks=2"), "Its settings are: rank, temperature"),
        (("lore", "--set", "rank"), "write it as KEY=VALUE"),
        (("universal", "--seed", "1"), "has no seed"),
    ):
        assert fit(*arguments) == 1
        assert told in capsys.readouterr().err
    Path("pairs.jsonl").write_text('{"user": "ada"}\n')
    assert fit() == 1
    assert "pairs.jsonl, line 1" in capsys.readouterr().err
    Path("reward.safetensors").write_bytes(b"short")
    assert run("reward", "inspect", "reward.safetensors") == 1
    assert "cut short" in capsys.readouterr().err


def test_a_folder_that_is_missing_is_told_before_anything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("reward", "fit", "pref", "--data", "gone.jsonl", "--out", "nowhere/reward.safetensors") == 1
    assert "there is no folder nowhere" in capsys.readouterr().err


def test_a_public_sets_file_is_read_by_its_format(capsys: pytest.CaptureFixture[str]) -> None:
    def battle(judge: int, winner: str) -> dict[str, object]:
        talk = {
            side: [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": f"{side} {LONG}"}]
            for side in "ab"
        }
        return {"judge": f"u{judge}", "winner": winner, "conversation_a": talk["a"], "conversation_b": talk["b"]}

    battles = [battle(number % 3, winner) for number, winner in enumerate(["model_a", "model_b", "tie"] * 4)]
    Path("pairs.jsonl").write_text("".join(json.dumps(each) + "\n" for each in battles))
    assert fit("universal", "--format", "chatbot-arena") == 0
    assert "12 choices of 3 people" in capsys.readouterr().err
