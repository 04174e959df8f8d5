"""`idiolect models fit-steering`, and the bench of what it wrote: on a model of two tiny layers."""

import json
from pathlib import Path

import pytest

from idiolect.cli import main
from idiolect.errors import BadInput
from idiolect.evaluation.harness import recompute, run_bench
from idiolect.features.space import PreferenceSpace
from idiolect.generation.encoding.vectors import SteeringVectors
from idiolect.models.white_box.tiny import save_tiny


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a model and what was fitted to it."""
    made = tmp_path_factory.mktemp("fitted")
    save_tiny(made / "model")
    ends = ("!", "!!", ".", "..")
    rows = [
        {"prompt": f"Question {number}?", "text": f"So it is{end} {number} of them{end}"}
        for number in range(10)
        for end in ends
    ]
    (made / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    fitting = ["models", "fit-steering", "--model", f"transformers:{made / 'model'}", "--tries", "2"]
    assert run(*fitting, "--samples", str(made / "answers.jsonl"), "-o", str(made / "v.safetensors")) == 0
    return made


def test_one_command_fits_vectors_to_an_open_model(folder: Path) -> None:
    about = SteeringVectors.load(folder / "v.safetensors").about
    assert about.space == PreferenceSpace.shipped().version
    assert (about.answers, about.prompts) == (40, 10)
    assert about.attributes["exclamations"].moved is not None


def test_a_model_that_is_not_open_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", "fit-steering", "--model", "scripted", "-o", str(tmp_path / "v.safetensors")) == 1
    assert "scripted is not open" in capsys.readouterr().err


def test_the_bench_of_steering_gives_its_figures_again_from_its_cases(folder: Path, tmp_path: Path) -> None:
    settings = {
        "model": f"transformers:{folder / 'model'}",
        "vectors": str(folder / "v.safetensors"),
        "most": "1",
        "answers": "4",
        "prompts": "2",
        "tokens": "8",
    }
    written = tmp_path / "cases.jsonl"
    found = run_bench("steering", None, None, written, settings, progress=False, runs=tmp_path / "runs").metrics
    assert len(written.read_text().splitlines()) == 5 * 4
    assert found["moved/mean"].n == 1
    assert all(-1 <= figure.value <= 1 for name, figure in found.items() if name.startswith("rank_correlation/"))
    assert recompute("steering", written, settings) == found


def test_the_bench_refuses_vectors_of_another_model(folder: Path, tmp_path: Path) -> None:
    other = f"transformers:{save_tiny(tmp_path / 'other', seed=1)}"
    settings = {"model": other, "vectors": str(folder / "v.safetensors")}
    with pytest.raises(BadInput, match="not fitted to"):
        run_bench("steering", None, None, None, settings, progress=False, runs=tmp_path / "runs")
