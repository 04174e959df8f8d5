"""`idiolect reward`: personal rewards that are fitted on the choices of many people."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.compliance import fit_compliance
from idiolect.cli.options import Config, Json, key_values

if TYPE_CHECKING:
    from idiolect.reward.measured import Measured

reward = typer.Typer(
    help="Rewards fitted on the choices of many people: fit one, predict with it, look into it.", no_args_is_help=True
)

Data = Annotated[Path, typer.Option("--data", help="A file of choices: JSON lines, plain or .gz.")]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="Of the file: `choices` (user, prompt, and chosen with rejected, or answers with choice), or a public "
        "set's: prism, personal-llm, chatbot-arena.",
    ),
]
Cache = Annotated[Path, typer.Option("--cache", help="The folder where measured answers are kept.")]
RewardFile = Annotated[Path, typer.Option("--reward", help="A reward, as `idiolect reward fit` writes it.")]

CACHE = Path("runs/reward-features")


@reward.command()
def fit(
    method: Annotated[str, typer.Argument(help="Such as lore; `idiolect reward list` shows them.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: a setting of the method; may be repeated.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="As --set seed=N, for methods that draw.")] = None,
    every: Annotated[
        float, typer.Option("--checkpoint-every", min=0, help="Seconds after which a long fit keeps where it is.")
    ] = 10.0,
    form: Format = "choices",
    cache: Cache = CACHE,
    config: Config = None,
) -> None:
    """Fit a method on a file of choices. A run that was stopped goes on where it was, in measuring and in the fit."""
    from idiolect.cli.reward_files import Wanted, fitted, measured_file
    from idiolect.cli.show import note
    from idiolect.errors import BadInput

    if not out.parent.is_dir():
        raise BadInput(f"{out} can't be written: there is no folder {out.parent}; make it first, or name another file")
    measured = measured_file(data, form, cache, config)
    card = fitted(Wanted(method, key_values(settings or []), seed, out, every), measured)
    left_out = "".join(f"; left out {count}: {why}" for why, count in sorted(measured.left_out.items()))
    note(f"{out}: {method} from {card.source.choices} choices of {card.source.people} people{left_out}")


@reward.command()
def predict(
    reward_file: RewardFile,
    data: Data,
    history: Annotated[
        Path | None,
        typer.Option("--history", help="Choices to learn each person from; without it, all their others in --data."),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Processes for large files; 0 for as many as there are cores.")
    ] = 0,
    form: Format = "choices",
    cache: Cache = CACHE,
    config: Config = None,
    json: Json = False,
) -> None:
    """Say for every choice in a file how likely it was, from the other choices of the same person."""
    from idiolect.cli.reward_files import measured_file, predicted, show_predictions
    from idiolect.cli.show import printed_json

    known = None if history is None else measured_file(history, form, cache, config)
    made = predicted(reward_file, measured_file(data, form, cache, config), known, workers)
    if json:
        printed_json(made)
    else:
        show_predictions(made)


@reward.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A reward, as `idiolect reward fit` writes it.")],
    user: Annotated[
        str | None,
        typer.Option("--user", "-u", help="Also what it learns of this person, from their choices in --data."),
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="A file of choices that holds the person's.")] = None,
    form: Format = "choices",
    cache: Cache = CACHE,
    config: Config = None,
    json: Json = False,
) -> None:
    """Show what a fitted reward is, from where, and what it has learnt."""
    from idiolect.cli.reward_files import inspected, measured_file, show_inspection
    from idiolect.cli.show import printed_json
    from idiolect.errors import BadInput

    measured: Measured | None = None
    if user is not None:
        if data is None:
            raise BadInput(f"--user {user} needs --data: a file that holds what this person chose")
        measured = measured_file(data, form, cache, config)
    made = inspected(file, user, measured)
    if json:
        printed_json(made)
    else:
        show_inspection(made)


@reward.command("list")
def list_rewards(json: Json = False) -> None:
    """Show the methods and their settings."""
    from idiolect.cli.reward_files import described
    from idiolect.cli.show import console, printed_mapping, table

    methods = described()
    if json:
        printed_mapping({name: told for name, told, _ in methods})
    else:
        console().print(table("personal rewards", ("name", "what it is", "settings"), methods))


reward.command()(fit_compliance)
