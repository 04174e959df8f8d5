"""A fit that was stopped goes on, and ends with the digits of one that was not."""

import json
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen, run

import numpy as np
import pytest
from safetensors.numpy import load_file

from idiolect.reward import PERSONAL
from idiolect.reward.checkpoint import Checkpoint, Resumable
from idiolect.reward.protocol import FittedReward
from idiolect.schema import Array
from rewards import population

FITTED = sorted(name for name, method in PERSONAL.items() if issubclass(method, FittedReward))


class Counted(Checkpoint):
    """Writes after every step, and is interrupted after so many."""

    def __init__(self, path: Path, most: int = sys.maxsize) -> None:
        super().__init__(path, {"fit": "this"}, seconds=0.0)
        self.steps, self.most = 0, most

    def stepped(self, stage: str, parts: Mapping[str, Resumable]) -> None:
        super().stepped(stage, parts)
        self.steps += 1
        if self.steps >= self.most:
            raise KeyboardInterrupt


def digits(arrays: Mapping[str, Array]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in arrays.items()}


def method_of(name: str) -> type[FittedReward]:
    method = PERSONAL[name]
    assert issubclass(method, FittedReward)
    return method


@pytest.mark.parametrize("name", FITTED)
def test_a_fit_that_was_stopped_twice_ends_with_the_same_digits(name: str, tmp_path: Path) -> None:
    method, people, path = method_of(name), population(24, 4), tmp_path / "reward.checkpoint"
    whole = Counted(tmp_path / "whole.checkpoint")
    expected = method.fit(people, method.brief(), None, whole).arrays()
    early, late = 1, max(1, (whole.steps - 1) // 2)
    for most in (early, late):
        with pytest.raises(KeyboardInterrupt):
            method.fit(people, method.brief(), None, Counted(path, most))
    last = Counted(path)
    assert "going on" in last.found
    found = method.fit(people, method.brief(), None, last).arrays()
    assert early + late + last.steps == whole.steps  # no step was taken twice
    assert digits(found) == digits(expected)


def test_a_checkpoint_of_another_fit_or_one_that_was_cut_short_is_not_gone_on_with(tmp_path: Path) -> None:
    method, people, path = method_of("lore"), population(24, 4), tmp_path / "reward.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        method.fit(people, method.brief(), None, Counted(path, 5))
    assert "other choices or settings" in Checkpoint(path, {"fit": "another"}).found
    path.write_bytes(path.read_bytes()[:-1])
    cut = Checkpoint(path, {"fit": "this"})
    assert "cannot be read: the fit begins anew" in cut.found
    begun_anew = method.fit(people, method.brief(), None, cut).arrays()
    assert digits(begun_anew) == digits(method.fit(people, method.brief()).arrays())
    cut.forget()
    assert not path.exists()


@pytest.mark.parametrize("settings", [("gpo", "steps=40", "width=16"), ("pal-a", "epochs=30", "batch=8")])
def test_a_command_that_was_killed_goes_on_from_its_checkpoint(settings: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "idiolect.toml").write_text('embedder = "none"')
    rng, lines = np.random.default_rng(0), []
    for user in range(24):
        for number in range(6):
            pair = ["so " * int(rng.integers(1, 60)) + f"{number}", "Yes! " * int(rng.integers(1, 60))]
            chosen, rejected = sorted(pair, key=len, reverse=bool(user % 2))
            lines.append({"user": f"p{user}", "prompt": "Why?", "chosen": chosen, "rejected": rejected})
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    method, *said = settings
    sets = [part for each in said for part in ("--set", each)]
    command = [str(Path(sys.executable).with_name("idiolect")), "reward", "fit", method, "--data", "pairs.jsonl", *sets]
    whole = run([*command, "--out", "whole.safetensors"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "going on" not in whole.stderr

    killed = [*command, "--out", "killed.safetensors", "--checkpoint-every", "0"]
    kept = tmp_path / "killed.safetensors.checkpoint"
    with Popen(killed, cwd=tmp_path) as fitting:
        while not kept.exists() and fitting.poll() is None:
            time.sleep(0.005)
        fitting.send_signal(signal.SIGKILL)
    assert fitting.returncode == -signal.SIGKILL
    assert kept.exists()
    assert not (tmp_path / "killed.safetensors").exists()

    again = run(killed, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "going on with the fit that was stopped" in again.stderr
    assert not kept.exists()
    one, other = (load_file(tmp_path / f"{name}.safetensors") for name in ("whole", "killed"))
    assert {key: array.tobytes() for key, array in one.items()} == {
        key: array.tobytes() for key, array in other.items()
    }
