"""`idiolect memory extract`: one JSON line for each line of the file, nothing stored."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from idiolect.cli import app
from idiolect.errors import DataError
from idiolect.memory.extraction import extract
from idiolect.memory.extraction.files import extracted_lines


def run(*arguments: str, stdin: bytes | None = None) -> str:
    """What the command prints."""
    result = CliRunner().invoke(app, ["memory", "extract", "--embedder", "none", *arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def test_each_line_is_answered_in_order_with_its_other_fields(tmp_path: Path) -> None:
    file = tmp_path / "said.jsonl"
    file.write_text('{"id": 7, "text": "I love quiet hotels."}\n{"text": "hello"}\n', encoding="utf-8")
    first, second = map(json.loads, run(str(file)).splitlines())
    assert (first["id"], second) == (7, {"preferences": []})
    (preference,) = first["preferences"]
    assert {key: preference[key] for key in ("object", "topic", "polarity", "kind", "span", "temporary", "scope")} == {
        "object": "quiet hotels",
        "topic": "lodging",
        "polarity": "like",
        "kind": "topic",
        "span": "I love quiet hotels",
        "temporary": False,
        "scope": "",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["said.jsonl"]


def test_a_dash_reads_from_stdin_and_the_library_says_the_same() -> None:
    (line,) = run("-", stdin=b'{"text": "I hate karaoke."}\n').splitlines()
    assert [each["object"] for each in json.loads(line)["preferences"]] == [
        s.object for s in extract("I hate karaoke.")
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b'{"text": "hi"}', b"nope"], "line 2 is not JSON"),
        ([b'{"words": "hi"}'], "line 1 has no `text`"),
        ([b'{"text": 3}'], "line 1 is not an object with a text"),
        ([b"[1]"], "line 1 is not an object with a text"),
        ([b"\xff\xfe"], "line 1 is not JSON"),
        ([b"[" * 100_000], "line 1 is not JSON"),
        ([b'{"text": "hi"}', b"", b'{"text": "hi"}'], "line 2 is not JSON"),
    ],
)
def test_a_line_of_another_form_is_named(lines: list[bytes], said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(extracted_lines(lines))


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match=r"nowhere\.jsonl cannot be read"):
        run("nowhere.jsonl")
