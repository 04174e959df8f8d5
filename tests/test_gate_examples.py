"""The examples of the README and of docs/ run, in order, each file's in one folder, with the starter model.

Python blocks run as they stand. Of the shell blocks, those that begin with `idiolect` or `curl` do. The address of the
server in them is that of one that runs.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8642"
RUNNABLE = ("idiolect ", "curl ") if shutil.which("curl") else ("idiolect ",)
SECONDS = 600  # of one block, on a busy machine
SHORT = {"IDIOLECT_MAX_TOKENS": "48"}  # the examples are about what can be said, not about long answers


@dataclass(frozen=True)
class Block:
    """One example."""

    language: str
    code: str

    @property
    def arguments(self) -> list[str]:
        return [sys.executable, "-"] if self.language == "python" else ["bash", "-euo", "pipefail", "-s"]


def examples(file: Path) -> list[Block]:
    blocks = [Block(*found) for found in FENCE.findall(file.read_text(encoding="utf-8"))]
    return [block for block in blocks if block.language == "python" or block.code.startswith(RUNNABLE)]


FILES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if examples(path)]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IDIOLECT_")}
    return kept | SHORT | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[str]:
    """The address of `idiolect serve`."""
    command = ["idiolect", "serve", "--port", "0"]
    folder = tmp_path_factory.mktemp("served")
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        told = next((found for line in process.stdout if (found := re.search(r"http://\S+:\d+", line))), None)
        assert told is not None, (folder / "log").read_text()
        yield told[0]
        process.terminate()


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_the_examples_run(
    file: Path, tmp_path: Path, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    for block in examples(file):
        code = block.code.replace(ADDRESS, request.getfixturevalue("server")) if ADDRESS in block.code else block.code
        done = subprocess.run(
            block.arguments, input=code, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"


def test_the_readme_shows_the_library_as_it_was_promised() -> None:
    promised = """from idiolect import Assistant
assistant = Assistant(model="starter", store="sqlite:///me.db")
answer = assistant.answer("ana", "What should I cook tonight?")
assistant.prefer("ana", answer.candidates[3], over=answer.candidates[0])
print(assistant.answer("ana", "And tomorrow?").why())
"""
    assert Block("python", promised) in examples(ROOT / "README.md")
