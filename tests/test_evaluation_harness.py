import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import DataError, SettingsError, UnknownMethod
from idiolect.evaluation import BENCHES
from idiolect.evaluation.harness import make_bench, read_predictions, recompute, report_table, run_bench
from idiolect.evaluation.protocol import Bench, Case, Figure, Rows, Run
from idiolect.evaluation.runs import RunFolder, code_version, digest, read_rows
from idiolect.evaluation.statistics import over_users
from idiolect.schema import Noun


class Toss(Noun):
    heads: int


class Coins(Bench):
    """Tosses coins."""

    coins: int = 5

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        rng = np.random.default_rng(self.seed)
        tosses = run.rows(
            Rows("tosses", Toss, {"seed": self.seed}, [str(i) for i in range(self.coins)]),
            lambda _: Toss(heads=int(rng.integers(2))),
        )
        scores = [Case(id=str(i), group=str(i), scores={"heads": t.heads}, choice="-") for i, t in enumerate(tosses)]
        return list(run.track(scores, "coins", len(scores)))

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        heads = np.array([case.scores["heads"] for case in cases])
        return {"heads": over_users(heads, [case.group for case in cases], resamples=self.resamples, seed=self.seed)}


@pytest.fixture
def coins(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(BENCHES, "coins", Coins)
    return "coins"


def test_the_json_file_has_the_documented_form(coins: str, tmp_path: Path) -> None:
    run_bench(coins, json_path=tmp_path / "figures.json", progress=False, runs=tmp_path)
    written = json.loads((tmp_path / "figures.json").read_text())
    assert set(written) == {"bench", "settings", "machine", "seconds", "metrics"}
    assert set(written["metrics"]["heads"]) == {"value", "low", "high", "n"}
    assert set(written["machine"]) == {"cpu", "cores", "python", "platform", "versions"}
    assert written["settings"] == {"coins": 5, "resamples": 1000, "seed": 0}


def test_the_figures_follow_from_the_predictions_file(coins: str, tmp_path: Path) -> None:
    predictions = tmp_path / "cases.jsonl"
    report = run_bench(coins, predictions_path=predictions, progress=False, runs=tmp_path)
    assert recompute(coins, predictions) == report.metrics
    assert len(read_predictions(predictions)) == 5


def test_a_setting_is_set_by_its_name(coins: str, tmp_path: Path) -> None:
    report = run_bench(coins, overrides={"coins": "7", "seed": "3"}, progress=False, runs=tmp_path)
    assert report.metrics["heads"].n == 7
    assert report.settings["seed"] == 3


def test_an_unknown_setting_or_bench_is_refused_with_what_there_is(coins: str) -> None:
    with pytest.raises(SettingsError, match="coins, resamples, seed"):
        make_bench(coins, {"dice": "1"})
    with pytest.raises(UnknownMethod, match="psoups"):
        make_bench("nonsense", {})


def test_data_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs --data"):
        run_bench("psoups", progress=False, runs=tmp_path)
    with pytest.raises(DataError, match="nothing at"):
        run_bench("psoups", tmp_path / "none.json", progress=False, runs=tmp_path)


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    computed: list[int] = []

    def compute(index: int) -> Toss:
        if index == 2 and not computed.count(2):
            computed.append(2)
            raise KeyboardInterrupt
        computed.append(index)
        return Toss(heads=index)

    rows = Rows("r", Toss, {"a": 1}, ["x", "y", "z"])
    with pytest.raises(KeyboardInterrupt):
        RunFolder(tmp_path).rows(rows, compute)
    assert [each.heads for each in RunFolder(tmp_path).rows(rows, compute)] == [0, 1, 2]
    assert sorted(computed) == [0, 1, 2, 2]


def test_another_key_computes_anew(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.rows(Rows("r", Toss, {"a": 1}, ["x"]), lambda _: Toss(heads=1))[0].heads == 1
    assert folder.rows(Rows("r", Toss, {"a": 2}, ["x"]), lambda _: Toss(heads=2))[0].heads == 2


def test_a_half_written_last_line_is_dropped_and_other_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('["x", {"heads": 1}]\n["y", {"hea')
    assert read_rows(path, Toss) == {"x": Toss(heads=1)}
    path.write_text('["x", {"heads": 1}]\nrubbish\n')
    with pytest.raises(DataError, match="delete the file"):
        read_rows(path, Toss)


def test_an_array_is_computed_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    first = folder.array("a", {"k": 1}, lambda: np.arange(3.0))
    again = folder.array("a", {"k": 1}, lambda: np.zeros(3))
    assert first.tolist() == again.tolist() == [0.0, 1.0, 2.0]


def test_a_key_does_not_depend_on_the_order_it_is_written_in() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})


def test_the_code_version_is_of_the_rooms_that_are_named() -> None:
    assert code_version("reward") == code_version("reward") != code_version("features")


def test_every_bench_explains_itself_and_its_settings() -> None:
    for name, bench in BENCHES.items():
        assert bench.__doc__, name
        assert bench().seed == 0, name  # every setting has a default
        assert all(field.description for field in bench.model_fields.values()), name


def test_the_table_names_every_metric(coins: str, tmp_path: Path) -> None:
    table = report_table(run_bench(coins, progress=False, runs=tmp_path))
    assert list(table.columns[0].cells) == ["heads"]
