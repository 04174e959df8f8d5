import json
from pathlib import Path

import pytest

from idiolect.cli import main
from idiolect.features.space import PreferenceSpace, Statistics
from idiolect.generation.token_samples import read_samples
from idiolect.generation.token_value_table import TokenValueTable
from idiolect.models.starter import SHA256

PROMPTS = ("Say hello.", "Name a colour.", "Is tea good?", "Why rain?")


@pytest.fixture(autouse=True)
def _attributes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("idiolect.toml").write_text('embedder = "none"')
    Path("prompts.txt").write_text("\n".join(PROMPTS))


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


def test_token_values_are_fitted_to_answers_that_the_model_wrote() -> None:
    sample = (
        "models",
        "sample",
        "-o",
        "answers.jsonl",
        "--prompts",
        "prompts.txt",
        "--answers",
        "6",
        "--max-tokens",
        "24",
    )
    assert run(*sample) == 0
    drawn = read_samples(Path("answers.jsonl"))
    assert [each.prompt for each in drawn if each.top] == list(PROMPTS)
    assert len(drawn) == 7 * len(PROMPTS)
    assert len({each.text for each in drawn}) > len(PROMPTS)
    assert run("models", "fit-token-values", "answers.jsonl", "-o", "values.safetensors") == 0
    about = TokenValueTable.load(Path("values.safetensors")).about
    assert about.fingerprint == SHA256
    assert (about.space, about.answers, about.prompts) == (PreferenceSpace.shipped().version, 24, 4)


def test_a_sampling_that_was_stopped_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    sample = (
        "models",
        "sample",
        "-o",
        "answers.jsonl",
        "--prompts",
        "prompts.txt",
        "--answers",
        "1",
        "--max-tokens",
        "4",
    )
    assert run(*sample) == 0
    lines = Path("answers.jsonl").read_text().splitlines()
    Path("answers.jsonl").write_text("\n".join(lines[:2]) + "\n")
    assert run(*sample) == 0
    assert Path("answers.jsonl").read_text().splitlines()[:2] == lines[:2]
    assert [each.prompt for each in read_samples(Path("answers.jsonl"))] == [each for each in PROMPTS for _ in "12"]
    assert "answers to 4 prompts" in capsys.readouterr().err


def test_a_model_that_does_not_tell_its_tokens_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", "sample", "-o", "answers.jsonl", "-m", "scripted") == 1
    assert "sample from a model in a GGUF file" in capsys.readouterr().err


def test_the_preference_space_is_fitted_to_answers() -> None:
    answers = [
        (f"prompt {number}", text) for number in range(40) for text in ("Yes.", "No, not at all, I think! " * number)
    ]
    lines = [json.dumps({"prompt": prompt, "text": text}) for prompt, text in answers]
    Path("answers.jsonl").write_text("\n".join(lines))
    assert run("features", "fit", "answers.jsonl", "-o", "space.json") == 0
    assert Statistics.load(Path("space.json").read_text()).answers == 80


def test_a_file_of_another_form_is_told_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("answers.jsonl").write_text('{"prompt": "Hello?"}\n')
    assert run("models", "fit-token-values", "answers.jsonl", "-o", "values.safetensors") == 1
    assert "answers.jsonl, line 1" in capsys.readouterr().err
    assert run("features", "fit", "answers.jsonl", "-o", "space.json") == 1
    assert "line 1 of answers.jsonl" in capsys.readouterr().err
