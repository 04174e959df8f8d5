"""The command and its sub-commands. Heavy imports stand inside them, so that `idiolect --help` starts at once."""

import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated

import typer

from idiolect.cli import engines, evaluate, person, policy, rewards, serving, talk
from idiolect.cli.adapters import adapters
from idiolect.cli.backups import backup, restore
from idiolect.cli.configuration import config
from idiolect.cli.doctor import doctor
from idiolect.cli.govern import govern
from idiolect.cli.interview import interview
from idiolect.cli.keys import keys
from idiolect.cli.memory import memory
from idiolect.cli.tools import mcp
from idiolect.cli.training import train
from idiolect.errors import IdiolectError

SETTINGS = "What --model, --store and the like say can also stand in idiolect.toml or IDIOLECT_...: docs/settings.md."


app = typer.Typer(
    name="idiolect",
    help="Any large language model, adapted to each person it serves, inside limits that no preference can move.",
    epilog=SETTINGS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"idiolect {metadata.version('idiolect')}")
        raise typer.Exit


@app.callback()
def idiolect(
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the sub-command."""


app.command()(talk.chat)
app.command()(talk.ask)
app.command()(person.others)
app.command()(person.feedback)
app.command()(interview)
app.command()(person.profile)
app.command()(person.why)
app.command()(serving.serve)
app.command()(mcp)
app.command()(doctor)
app.command()(backup)
app.command()(restore)
app.add_typer(config)
app.command()(evaluate.demo)
app.command()(evaluate.bench)
app.command()(train)
app.add_typer(adapters, name="adapters")
app.add_typer(engines.models, name="models")
app.add_typer(engines.features, name="features")
app.add_typer(memory, name="memory")
app.add_typer(policy.policy, name="policy")
app.add_typer(rewards.reward, name="reward")
app.add_typer(govern, name="govern")
app.add_typer(keys, name="keys")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line; raises SystemExit. What Idiolect raises on purpose is one line on stderr and exit code 1."""
    said = sys.argv[1:] if arguments is None else list(arguments)
    try:
        app(said)
    except IdiolectError as error:
        if "--debug" in said:
            raise
        sys.stderr.write(f"idiolect: {error}\n")
        sys.exit(1)
