"""`idiolect demo` and `idiolect bench`: the proof on one screen, and figures with intervals."""

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.options import Json, ModelName, key_values
from idiolect.errors import BadInput


def demo(
    short: Annotated[bool, typer.Option("--short", help="Fewer choices, fewer questions, shorter answers.")] = False,
    choices: Annotated[int | None, typer.Option("--choices", min=1, max=12, help="That each person makes.")] = None,
    model: ModelName = None,
    json: Json = False,
) -> None:
    """Two people of opposite tastes choose a dozen times between real answers; then both ask the same questions."""
    from idiolect.cli.show import console, printed_json, stderr
    from idiolect.evaluation.demo import run_demo

    report = run_demo(model or "starter", choices=choices, short=short, console=stderr() if json else console())
    if json:
        printed_json(report)


def bench(
    name: Annotated[str | None, typer.Argument(help="The bench to run; none lists what there is.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="The file or folder that the bench reads.")] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Write settings, machine and figures to this file.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option("--predictions", help="Write a JSON line per case, from which the figures follow.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: a setting of the bench; may be repeated.")
    ] = None,
    peer: Annotated[
        str | None, typer.Option("--peer", help="The other system of the bench `peers`; as --set peer=NAME.")
    ] = None,
    cross_source: Annotated[
        bool, typer.Option("--cross-source", help="Bench `safety`: each source by heads that never saw it.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Run nothing: draw the report that --json names to this SVG file.")
    ] = None,
) -> None:
    """Run a bench: figures with 95 % intervals, the machine noted; a run that was stopped goes on where it was."""
    from idiolect.cli.show import console
    from idiolect.evaluation.harness import draw, report_tables, run_bench

    if plot is not None:
        if json is None or not json.exists():
            raise BadInput("--plot draws the saved report that --json names: run the bench with --json first")
        draw(json, plot)
        return
    if name is None:
        _list_benches()
        return
    chosen = [*(settings or []), *([f"peer={peer}"] if peer is not None else [])]
    chosen += ["cross_source=true"] if cross_source else []
    for table in report_tables(run_bench(name, data, json, predictions, key_values(chosen))):
        console().print(table)


def _list_benches() -> None:
    from idiolect.cli.show import console, first_line, table
    from idiolect.evaluation import BENCHES

    rows = [(name, first_line(BENCHES[name].__doc__), BENCHES[name].needs) for name in sorted(BENCHES)]
    console().print(table("benches", ("name", "what it measures", "--data"), rows))
