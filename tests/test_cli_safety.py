"""`idiolect bench safety --cross-source` and `idiolect policy test`, as they are typed."""

import json
from pathlib import Path

import pytest

from idiolect.cli import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


def test_cross_source_is_the_setting_of_the_same_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("bench", "psoups", "--cross-source", "--data", str(tmp_path)) != 0  # a bench without that setting
    assert "cross_source" in capsys.readouterr().err


def test_a_file_of_requests_with_a_broken_line_is_told_in_plain_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "asked.jsonl"
    path.write_text('{"text": "Hello"}\n{"words": "x"}\n', encoding="utf-8")
    for option in ("--requests", "--statements"):
        assert run("policy", "test", option, str(path), "--rules-only") != 0
        said = " ".join(capsys.readouterr().err.split())
        assert "line 2: the key 'text' is missing: each line is a JSON object with 'text'" in said
        assert "pydantic" not in said and "validation error" not in said


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("policy", "test", "--requests", "nowhere.jsonl", "--rules-only") != 0
    assert "nowhere.jsonl can't be read" in " ".join(capsys.readouterr().err.split())


def test_a_policy_with_an_error_is_told_with_its_key(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('version = "x"\n[help_lines]\nUK = "999"\n', encoding="utf-8")
    assert run("policy", "check", "--policy", str(path), "--rules-only") == 1
    assert "'UK' is no ISO 3166 code of a country" in " ".join(capsys.readouterr().err.split())


def test_an_empty_request_is_told_and_not_allowed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("policy", "test", " ", "--rules-only") != 0
    assert "the request is empty" in " ".join(capsys.readouterr().err.split())
    path = tmp_path / "asked.jsonl"
    path.write_text('{"text": ""}\n{"text": "Hello"}\n', encoding="utf-8")
    assert run("policy", "test", "--requests", str(path), "--rules-only") == 0
    verdicts = [json.loads(line)["verdict"] for line in capsys.readouterr().out.splitlines()]
    assert verdicts == ["empty", "allow"]
