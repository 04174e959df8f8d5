"""The frame of trainings: data, estimates, resuming, checkpoints, cards."""

import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from idiolect.alignment.training.card import read_card
from idiolect.alignment.training.data import Pair, read_pairs, split
from idiolect.alignment.training.inner.checkpoints import SEAL, is_whole, newest, seal
from idiolect.alignment.training.runs import Plan, estimate, settings_of, train
from idiolect.errors import BadInput, DataError, Diverged, SettingsError, StoreError, UnknownMethod, WeightsError
from training import FAST, plan, preferring, tiny

WEIGHTS = "policy/adapter_model.safetensors"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.set_num_threads(1)
    return tiny(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def pairs() -> tuple[Pair, ...]:
    return preferring("aaaa", "zzzz", 24)


def written(folder: Path, *lines: object) -> Path:
    file = folder / "pairs.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in lines), encoding="utf-8")
    return file


def test_a_choice_among_three_answers_is_two_pairs_and_a_tie_is_one_each_way(tmp_path: Path) -> None:
    best = {"user": "ada", "prompt": "?", "answers": ["a", "b", "c"], "choice": 1, "rewards": {"warm": [1, 2, 3]}}
    tied = {"user": "bob", "prompt": "?", "answers": ["a", "b"], "choice": None}
    found = read_pairs(written(tmp_path, best, tied))
    assert [(pair.chosen, pair.rejected, pair.weight) for pair in found] == [
        ("b", "a", 1.0),
        ("b", "c", 1.0),
        ("a", "b", 0.5),
        ("b", "a", 0.5),
    ]
    assert found[1].rewards == {"warm": (2, 3)}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"user": "ada", "prompt": "?", "chosen": "same", "rejected": "same"}, "identical"),
        ({"prompt": "?", "chosen": "a", "rejected": "b"}, "user"),
        ({"user": "ada", "prompt": "?", "chosen": "a", "rejected": "b", "rewards": {"warm": [1]}}, "each of 2 answers"),
        ({"user": "ada", "prompt": "?", "chosen": "a", "rejected": "b", "mood": 1}, "unknown field 'mood'"),
    ],
)
def test_a_line_of_another_form_is_refused_with_its_number(tmp_path: Path, line: object, told: str) -> None:
    good = {"user": "ada", "prompt": "?", "chosen": "a", "rejected": "b"}
    with pytest.raises(DataError, match=f"line 2.*{told}"):
        read_pairs(written(tmp_path, good, line))


def test_no_prompt_is_both_trained_on_and_held_out(pairs: tuple[Pair, ...]) -> None:
    found = split([*pairs, *preferring("aaaa", "zzzz", 24, "bob")], 0.25, 0)
    assert len(found.held) == 12
    assert not {pair.prompt for pair in found.own} & {pair.prompt for pair in found.held}


def test_a_training_teaches_what_is_preferred_and_leaves_a_card(
    model: str, pairs: tuple[Pair, ...], tmp_path: Path
) -> None:
    card = train(plan("dpo", model, pairs, epochs=3, held_out=0.25), tmp_path / "out")
    figures = card.results[0].figures
    assert figures["held_out_accuracy"] == 1.0
    assert figures["preferred_nats_a_token_after"] > figures["preferred_nats_a_token_before"]
    assert read_card(tmp_path / "out") == card
    assert "aaaa" not in (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        "README.md",
        "card.json",
        "policy",
        "run.json",
    ]


def test_what_comes_out_is_an_adapter_that_the_engine_serves(
    model: str, pairs: tuple[Pair, ...], tmp_path: Path
) -> None:
    from idiolect.models import WhiteBox, WhiteBoxSettings
    from idiolect.models.inside import Inside
    from idiolect.models.protocol import Request
    from idiolect.schema import Message, Sampling

    train(plan("sft", model, pairs, epochs=6), tmp_path / "out")
    box = WhiteBox(model, settings=WhiteBoxSettings(dtype="float32", device="cpu"))
    try:
        asked = Request((Message(role="user", content="Say 3."),), Sampling(temperature=0, max_tokens=6))
        plain = box.complete(asked)[0].text
        adapted = box.complete(Request(asked.messages, asked.sampling, inside=Inside(adapter=tmp_path / "out/policy")))
    finally:
        box.close()
    assert adapted[0].text != plain


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_training_that_is_killed_goes_on_to_the_same_weights(method: str, model: str, tmp_path: Path) -> None:
    pairs = preferring("aaaa", "zzzz", 40)

    def settled(every: int) -> Plan:
        return plan(method, model, pairs, epochs=4, at_once=2, save_every=every)

    def die(share: float, what: str) -> None:
        if "step 21 " in what:
            os.kill(os.getpid(), signal.SIGKILL)

    child = multiprocessing.get_context("fork").Process(target=train, args=(settled(8), tmp_path / "killed", die))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert newest(tmp_path / "killed/.work/policy") == tmp_path / "killed/.work/policy/checkpoint-16"
    train(settled(8), tmp_path / "killed")
    train(settled(8), tmp_path / "never stopped")
    resumed, straight = load_file(tmp_path / "killed" / WEIGHTS), load_file(tmp_path / "never stopped" / WEIGHTS)
    assert max(float((resumed[name] - straight[name]).abs().max()) for name in straight) == 0


def test_only_a_checkpoint_that_is_whole_is_gone_on_from(tmp_path: Path) -> None:
    for step in (3, 6, 9):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "model.safetensors").write_bytes(b"weights")
        if step < 9:  # the last one was killed before its seal
            seal(tmp_path / f"checkpoint-{step}")
    assert newest(tmp_path) == tmp_path / "checkpoint-6"
    (tmp_path / "checkpoint-6/model.safetensors").write_bytes(b"weigh")
    assert newest(tmp_path) == tmp_path / "checkpoint-3"
    (tmp_path / "checkpoint-3" / SEAL).write_text("{", encoding="utf-8")
    assert not is_whole(tmp_path / "checkpoint-3") and newest(tmp_path) is None


def test_a_loss_that_is_no_number_stops_and_the_last_good_weights_are_kept(
    model: str, pairs: tuple[Pair, ...], tmp_path: Path
) -> None:
    bad = preferring("aaaa", "zzzz", 1)[0]
    poisoned = (*pairs, Pair("ada", bad.prompt, bad.chosen, bad.rejected, weight=float("inf")))
    with pytest.raises(Diverged, match=r"no number.*step \d+ are kept"):
        train(plan("dpo", model, poisoned, held_out=0, epochs=1, batch=1, at_once=1, save_every=1), tmp_path / "out")
    kept = newest(tmp_path / "out/.work/policy")
    assert kept is not None
    assert all(bool(torch.isfinite(each).all()) for each in load_file(kept / "model.safetensors").values())


def test_a_full_disk_is_told_with_what_is_still_good(model: str, pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_up(share: float, what: str) -> None:
        if "step 4 " in what:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, unlimited[1]))  # no file can grow beyond it

    try:
        with pytest.raises(StoreError, match=r"checkpoint cannot be written.*step 3 are kept"):
            train(plan("dpo", model, pairs, epochs=2), tmp_path / "out", fill_up)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    train(plan("dpo", model, pairs, epochs=2), tmp_path / "out")
    train(plan("dpo", model, pairs, epochs=2), tmp_path / "with room")
    resumed, straight = load_file(tmp_path / "out" / WEIGHTS), load_file(tmp_path / "with room" / WEIGHTS)
    assert all(bool((resumed[name] == straight[name]).all()) for name in straight)


def test_a_folder_of_another_training_is_refused(model: str, pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    train(plan("dpo", model, pairs), tmp_path / "out")
    with pytest.raises(BadInput, match="is over"):
        train(plan("dpo", model, pairs), tmp_path / "out")
    with pytest.raises(BadInput, match="differs in settings"):
        train(plan("dpo", model, pairs, beta=0.3), tmp_path / "out")
    with pytest.raises(BadInput, match="differs in data"):
        train(plan("dpo", model, pairs[1:]), tmp_path / "out")


def test_too_little_is_refused_with_the_number_needed_and_what_to_use_instead(model: str, tmp_path: Path) -> None:
    few = preferring("aaaa", "zzzz", 6)
    with pytest.raises(BadInput, match=r"needs 50 pairs of answers, and here are \d.*adapters train.*token-values"):
        train(plan("dpo", model, few, least=50), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_misspelt_is_told_with_what_there_is() -> None:
    with pytest.raises(UnknownMethod, match="dpo"):
        settings_of("dpoo", {})
    with pytest.raises(SettingsError, match=r"setting ratte.*rate"):
        settings_of("dpo", {"ratte": 1})
    with pytest.raises(SettingsError, match="at_once=3 does not divide batch=8"):
        settings_of("dpo", {"at_once": 3})


def test_an_estimate_counts_the_steps_and_writes_nothing(model: str, pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    told = estimate(plan("dpo", model, pairs, epochs=3, held_out=0.25))
    assert (told.pairs, told.held_out, told.steps) == (18, 6, 15)
    assert told.seconds > 0 and told.memory_mib > 0
    assert told.trained_parameters == 2 * 4 * (32 + 32 + 32 + 16)
    assert not list(tmp_path.iterdir())


def test_a_card_is_there_only_once_all_is(tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    with pytest.raises(WeightsError, match="no finished training"):
        read_card(tmp_path)


def test_two_processes_train_as_one_does(model: str, tmp_path: Path) -> None:
    lines = [
        {"user": "ada", "prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
        for pair in preferring("aaaa", "zzzz", 16)
    ]
    data = written(tmp_path, *lines)
    said = {**FAST, "at_once": 2, "batch": 4, "epochs": 2, "held_out": 0}
    options = [part for key, value in said.items() for part in ("--set", f"{key}={value}")]
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    command = [*launch, "--main_process_port", "29511", "-m", "idiolect", "train", "dpo", "--model", model]
    several = subprocess.run(
        [*command, "--data", str(data), *options, "--out", str(tmp_path / "two")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert several.returncode == 0, several.stderr[-3000:]
    train(Plan("dpo", settings_of("dpo", said), model, read_pairs(data), device="cpu"), tmp_path / "one")
    one, two = load_file(tmp_path / "one" / WEIGHTS), load_file(tmp_path / "two" / WEIGHTS)
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-5
