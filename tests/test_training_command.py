"""`idiolect train`: from a file or from the store, with consent only."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from adapting import choices
from idiolect.alignment.training.card import read_card
from idiolect.cli import main
from idiolect.errors import BadInput
from idiolect.generation.parameters.registry import EXPERTS, Registry
from idiolect.generation.parameters.sharing import allow, take_back
from idiolect.improving import shared_of
from idiolect.memory.store import Store, open_store
from training import FAST, preferring, tiny

OPTIONS = [part for key, value in FAST.items() for part in ("--set", f"{key}={value}")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.set_num_threads(1)
    return tiny(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "me.db")) as opened:
        yield opened


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)


def file_of(folder: Path, liked: str = "Dear friend, what a lovely day", other: str = "No") -> str:
    lines = [
        {"user": pair.user, "prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
        for pair in preferring(liked, other, 12)
    ]
    file = folder / "pairs.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return str(file)


def test_only_those_who_share_are_learnt_from_and_by_no_name(store: Store, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "me.db.adapters")
    for name in ("ana", "bob"):
        choices(store.user(name), liked=f"{name} likes this")
    with pytest.raises(BadInput, match="of 2 people in this store nobody shares"):
        shared_of(store, registry)
    allow(store.user("bob"))
    found = shared_of(store, registry)
    assert found.contributors == (registry.hashed("bob"),)
    assert len(found.pairs) == 10
    assert all(pair.chosen.startswith("bob likes") and pair.user == registry.hashed("bob") for pair in found.pairs)
    take_back(store.user("bob"), registry)
    with pytest.raises(BadInput, match="nobody shares"):
        shared_of(store, registry)


def test_the_command_trains_from_the_store_and_says_how_to_begin_where_nobody_shares(
    store: Store, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choices(store.user("ana"), 16, liked="canary")
    command = ("train", "dpo", "--model", model, "--store", str(tmp_path / "me.db"), "--out", str(tmp_path / "out"))
    assert run(*command, *OPTIONS) == 1
    assert "idiolect adapters share" in capsys.readouterr().err
    allow(store.user("ana"))
    assert run(*command, *OPTIONS, "--json") == 0
    card = json.loads(capsys.readouterr().out)
    assert card["contributors"] == [Registry(tmp_path / "me.db.adapters").hashed("ana")]
    written = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert not [file for file in written if b"canary" in file.read_bytes() or b'"ana"' in file.read_bytes()]


def test_a_dry_run_tells_the_cost_and_writes_nothing(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = file_of(tmp_path)
    assert run("train", "sft", "--model", model, "--data", data, "--dry-run", *OPTIONS) == 0
    told = capsys.readouterr().out
    assert "11 of 1 people, and 1 held out" in told and "MiB" in told
    assert [each.name for each in tmp_path.iterdir()] == ["pairs.jsonl"]


def test_experts_of_soups_are_served_where_soups_mix_them_and_go_with_their_people(
    store: Store, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choices(store.user("ana"), 16, liked="Dear friend, what a lovely day it is", other="No")
    allow(store.user("ana"))
    command = ("train", "soups", "--model", model, "--store", str(tmp_path / "me.db"), "--out", str(tmp_path / "out"))
    assert run(*command, *OPTIONS, "--set", 'objectives=["length", "less:length"]', "--serve") == 0
    assert "served: length.more, length.less" in capsys.readouterr().err
    registry = Registry(tmp_path / "me.db.adapters")
    experts = registry.root / EXPERTS
    assert sorted(each.name for each in experts.iterdir()) == ["length.less", "length.more"]
    assert "shared experts trained on their choices: 2" in registry.forget("ana")
    assert not list(experts.iterdir())
    assert read_card(tmp_path / "out").contributors == (registry.hashed("ana"),)


def test_what_is_missing_is_told(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = file_of(tmp_path)
    assert run("train", "dpo", "--model", model, "--data", data) == 1
    assert "--out is missing" in capsys.readouterr().err
    assert run("train", "dpo", "--model", model, "--data", data, "--out", str(tmp_path)) == 1
    assert "holds other files" in capsys.readouterr().err
    assert run("train", "--list") == 0
    assert "rewards-in-context" in capsys.readouterr().out
