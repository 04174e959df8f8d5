from collections.abc import Mapping
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from idiolect.errors import BadInput, DataError
from idiolect.evaluation.harness import make_bench, report_tables, run_bench
from idiolect.evaluation.protocol import Figure, Report
from idiolect.evaluation.uplift import Uplift
from idiolect.evaluation.uplift.finding import best_of, note
from idiolect.evaluation.uplift.tables import COLUMNS
from idiolect.generation import GENERATION
from idiolect.generation.agent import AGENTS
from idiolect.generation.found import Best, Found
from idiolect.models import open_model
from idiolect.models.white_box.tiny import save_tiny

SMALL = {
    "embedder": "none",
    "users": "2",
    "kinds": '["in_space"]',
    "test_prompts": "4",
    "prompts": "2",
    "training": "24",
    "candidates": "4",
    "opponents": "4",
    "max_tokens": "12",
    "stages": "[2, 24]",
    "generated_stages": "[24]",
    "statements": "0",
    "resamples": "100",
    "lora_users": "2",
}
WRITTEN = "profile,in-context,retrieval,edits,bridge,agent,agent+best-of-2,best-of-4,soft-best-of-4"
INSIDE = "style-vector,lora,pieces,style-vector+best-of-2"
WEIGHTS, EMBEDDING = "model.safetensors", "model.embed_tokens.weight"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def prompts(folder: Path) -> Path:
    path = folder / "prompts.txt"
    path.write_text("".join(f"How do I begin with plan number {number}?\n" for number in range(30)))
    return path


def ran(runs: Path, settings: Mapping[str, str]) -> Report:
    return run_bench("uplift", prompts(runs), overrides={**SMALL, **settings}, progress=False, runs=runs)


@pytest.fixture(scope="module")
def scripted(runs: Path) -> Report:
    return ran(runs, {"model": "scripted", "methods": WRITTEN})


@pytest.fixture(scope="module")
def inside(runs: Path) -> Report:
    folder = save_tiny(runs / "tiny")
    arrays = load_file(folder / WEIGHTS)
    arrays[EMBEDDING] *= 0.2  # else it says one letter for ever, and nobody could prefer anything
    save_file(arrays, folder / WEIGHTS, metadata={"format": "pt"})
    return ran(runs, {"model": f"transformers:{folder}", "methods": INSIDE, "rows": "4", "max_tokens": "40"})


def test_all_names_every_method_that_has_what_it_is_made_from() -> None:
    everything = make_bench("uplift", {"methods": "all"})
    assert isinstance(everything, Uplift)
    lacking = {"soft-prompt", "soups", "soups-factors"}
    assert {*GENERATION, *AGENTS} - set(everything.named) == lacking
    assert all(name in everything.unmeasured for name in lacking)


@pytest.mark.parametrize("name", ["soups", "soft-prompt", "soups-factors+best-of-2"])
def test_a_method_that_lacks_what_it_is_made_from_is_refused_before_anything_is_drawn(name: str, runs: Path) -> None:
    with pytest.raises(BadInput, match=rf"{name.replace('+', '.')} can't be measured: .*--set "):
        ran(runs, {"model": "scripted", "methods": name})


def test_experts_in_a_folder_let_soups_be_measured(tmp_path: Path) -> None:
    (tmp_path / "experts").mkdir()
    bench = make_bench("uplift", {"methods": "soups", "adapters": str(tmp_path)})
    assert isinstance(bench, Uplift)
    assert bench.named == ("soups",)


def test_every_written_row_has_every_column(scripted: Report) -> None:
    for method in WRITTEN.split(",")[1:]:
        for measure in ("win_vs_plain", "users_above_half", "written_tokens", "seconds", "refused_rise", "bytes"):
            assert f"in_space/{measure}@24/{method}" in scripted.metrics


def test_an_agent_counts_all_that_it_has_the_model_write(scripted: Report) -> None:
    draft, agent = (scripted.metrics[f"in_space/written_tokens@24/{name}"].value for name in ("in-context", "agent"))
    calls = scripted.metrics["in_space/calls@24/agent"].value
    assert 1 <= calls <= 3
    assert (agent > draft) == (calls > 1)


def test_every_method_is_held_against_in_context_examples_on_the_same_prompts(scripted: Report) -> None:
    figure = scripted.metrics["in_space/win_vs_in-context@24/retrieval"]
    assert figure.n == 2 * 2
    assert "in_space/win_vs_in-context@24" in scripted.metrics  # the default's own


def test_a_pooled_method_pays_for_all_that_it_chooses_among(scripted: Report) -> None:
    four = scripted.metrics["in_space/written_tokens@24/best-of-4"].value
    assert four > 2 * scripted.metrics["in_space/tokens@24/best-of-4"].value


def test_choices_are_kept_as_text_for_what_quotes_them_and_a_belief_for_what_reads_that(scripted: Report) -> None:
    quoting = {scripted.metrics[f"in_space/bytes@24/{name}"].value for name in ("in-context", "retrieval", "edits")}
    believing = {scripted.metrics[f"in_space/bytes@24{name}"].value for name in ("", "/bridge", "/best-of-4", "/agent")}
    assert len(believing) == 1
    assert len(quoting) == 1
    assert quoting.isdisjoint(believing)


def test_what_works_inside_a_model_is_measured_on_the_same_weights_open(inside: Report) -> None:
    assert inside.metrics["in_space/unmoved@24"].value == 0.0
    assert "in_space/nll_rise@24" in inside.metrics
    assert inside.metrics["in_space/win_vs_plain@24/style-vector+best-of-2"].n == 2 * 2


def test_a_lora_is_trained_for_some_people_and_its_training_is_a_column(inside: Report) -> None:
    assert inside.metrics["in_space/train_s@24/lora"].value > 0
    is_plain = inside.metrics["in_space/unmoved@24/lora"].value
    size = inside.metrics["in_space/bytes@24/lora"].value
    assert (size == 0) == (is_plain == 1)
    assert inside.metrics["in_space/win_vs_plain@24/pieces"].n == 2 * 2


def test_the_tables_show_every_method_at_every_stage(scripted: Report) -> None:
    last = next(table for table in report_tables(scripted) if "24" in str(table.title))
    assert last.row_count == len(WRITTEN.split(","))
    assert len(last.columns) > len(COLUMNS) / 2


def figure(value: float) -> Figure:
    return Figure(value=value, low=value, high=value, n=1)


def rows(of: Mapping[str, float]) -> dict[str, Figure]:
    return {name: figure(value) for name, value in of.items()}


def test_the_best_method_wins_most_on_the_mean_over_kinds_and_keeps_its_fluency() -> None:
    measured = rows(
        {
            "in_space/win_vs_plain@2": 0.9,  # nothing was written after two
            "in_space/win_vs_plain@10": 0.6,
            "out_of_space/win_vs_plain@10": 0.6,
            "in_space/unmoved@10": 0.0,
            "in_space/win_vs_plain@10/profile": 0.9,
            "out_of_space/win_vs_plain@10/profile": 0.5,
            "in_space/win_vs_plain@10/steering": 1.0,
            "in_space/nll_rise@10/steering": 0.2,
        }
    )
    assert best_of(measured, "bridge") == (Best(evidence=10, method="profile", win=0.7),)


def test_what_was_found_of_one_model_stays_when_another_is_tried(tmp_path: Path) -> None:
    path, few, many = (
        tmp_path / "found.json",
        Best(evidence=10, method="profile", win=0.6),
        Best(evidence=50, method="lora", win=0.7),
    )
    note(path, "one", (few, many))
    note(path, "other", (few,))
    found = Found.load(path)
    assert [found.best("one", evidence) for evidence in (0, 10, 49, 50, 90)] == ["profile"] * 3 + ["lora"] * 2
    assert found.best("other", 90) == "profile"
    assert found.best("a third", 90) is None


def test_a_run_notes_what_it_found_under_its_model(runs: Path, scripted: Report) -> None:
    path = runs / "found.json"
    again = ran(runs, {"model": "scripted", "methods": WRITTEN, "found": str(path)})
    (best,) = Found.load(path).models[open_model("scripted").fingerprint]
    assert best.evidence == 24
    suffix = "" if best.method == "profile" else f"/{best.method}"
    assert again.metrics[f"in_space/win_vs_plain@24{suffix}"].value == pytest.approx(best.win, abs=0.001)


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "found.json").write_text('{"models": 3}')
    with pytest.raises(DataError, match="does not say what was found best"):
        Found.load(tmp_path / "found.json")
