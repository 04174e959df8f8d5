"""`idiolect train`: weights from what many people chose."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.options import Config, Json, ModelName, StoreUrl, key_values
from idiolect.errors import BadInput

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from idiolect.alignment.training.card import ModelCard
    from idiolect.alignment.training.runs import Estimate, Plan


def train(
    method: Annotated[str | None, typer.Argument(help="Such as dpo; `idiolect train --list` shows them.")] = None,
    model: ModelName = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Choices as JSON lines, plain or .gz: user, prompt, and chosen with rejected, or answers with choice; "
            "also group, profile, rewards. Without it: the store's, of those who share.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The folder to write, or to go on in.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: a setting of the method; may be repeated.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="As --set seed=N.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, and estimate time and memory from one step.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Of soups: keep the experts where `--method soups` mixes them.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="Show the methods and their settings.")] = False,
    store: StoreUrl = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Train a model on what people chose: a LoRA, or all weights with --set rank=0.

    The same line again goes on with a run that was stopped, to the same weights. On many devices:
    `accelerate launch -m idiolect train ...`. What is trained still answers inside the boundary.
    """
    from idiolect.cli.show import printed_json

    if listed or method is None:
        _show_methods()
        return
    if out is None and not dry_run:
        raise BadInput("--out is missing: name the folder to write, or look first with --dry-run")
    from idiolect.alignment.training.runs import estimate, is_first, train
    from idiolect.cli.reward_files import bar
    from idiolect.cli.show import working

    plan = _plan(method, model, data, [*(settings or []), *([] if seed is None else [f"seed={seed}"])], store, config)
    if dry_run or out is None:
        with working("taking one step"):
            told = estimate(plan)
        printed_json(told) if json else _show_estimate(told)
        return
    with bar() as tell:
        card = train(plan, out, tell)
    if serve:
        from idiolect.cli.show import note
        from idiolect.improving import served
        from idiolect.settings import load_settings

        note(f"served: {', '.join(served(load_settings(config, store=store), card, out))}")
    if is_first():
        printed_json(card) if json else _show_card(card, out)


def _plan(
    method: str, model: str | None, data: Path | None, said: list[str], store: str | None, config: Path | None
) -> "Plan":
    from idiolect.alignment.training.data import read_pairs
    from idiolect.alignment.training.runs import Plan, settings_of
    from idiolect.improving import shared
    from idiolect.settings import load_settings, spelt

    wanted = settings_of(method, {key: spelt(text) for key, text in key_values(said).items()})
    settings = load_settings(config, store=store, model=model)
    if data is not None:
        return Plan(method, wanted, settings.model, read_pairs(data))
    found = shared(settings)
    return Plan(method, wanted, settings.model, found.pairs, contributors=found.contributors)


def _show_methods() -> None:
    from idiolect.alignment.training.runs import about, methods
    from idiolect.cli.show import console, table

    rows = [
        (name, about(name).partition("\n")[0], ", ".join(_spelt(key, field) for key, field in own.items()))
        for name, kind in methods().items()
        for own in [kind.Settings.model_fields]
    ]
    console().print(table("methods of training", ("name", "what it is", "settings"), rows))


def _spelt(key: str, field: "FieldInfo") -> str:
    return key if field.is_required() else f"{key}={field.get_default(call_default_factory=True, validated_data={})}"


def _show_estimate(told: "Estimate") -> None:
    from idiolect.cli.show import console, table

    rows = [
        ("pairs", f"{told.pairs} of {told.people} people, and {told.held_out} held out"),
        ("steps", f"{told.steps} in {told.courses} courses"),
        ("time", f"about {told.seconds / 60:.1f} minutes on {told.device}"),
        ("memory", f"{told.memory_mib:.0f} MiB"),
        ("trained", f"{told.trained_parameters} numbers"),
        *(("note", note) for note in told.notes),
    ]
    console().print(table(f"{told.method}, not run", ("what", "how much"), rows))


def _show_card(card: "ModelCard", out: Path) -> None:
    from idiolect.cli.show import console, note, table

    for each in card.notes:
        note(f"note: {each}")
    rows = [
        (str(out / result.name), name.replace("_", " "), f"{value:.4g}")
        for result in card.results
        for name, value in result.figures.items()
    ]
    console().print(
        table(f"{card.method}, {card.pairs} pairs, {card.seconds:.0f} s", ("policy", "figure", "value"), rows)
    )
