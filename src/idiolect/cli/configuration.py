"""`idiolect config show`: every setting in force, and where its value comes from."""

from typing import Annotated

import typer

from idiolect.cli.options import Config, Json

config = typer.Typer(name="config", help="What is set, and where.", no_args_is_help=True)


@config.callback()
def _commands() -> None:
    """So that `show` is named though it is the only one."""


@config.command()
def show(
    every: Annotated[bool, typer.Option("--all", help="Those that nobody has set too.")] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Print the settings in force with the place that each was set in. Keys and passwords are not shown."""
    from sys import stdout

    from pydantic import TypeAdapter

    from idiolect.cli.show import console, note, table
    from idiolect.memory.address import parsed, shown
    from idiolect.settings import load_settings, origins

    settings, places = load_settings(config), origins(config)
    values = settings.model_dump(mode="json") | {"store": shown(parsed(settings.store))}
    named = {name: place for name, place in places.items() if every or place != "default"}
    if json:
        found = {name: {"value": values[name], "from": place} for name, place in named.items()}
        stdout.write(TypeAdapter(object).dump_json(found, indent=2).decode() + "\n")
    elif named:
        rows = [(name, "" if values[name] is None else str(values[name]), place) for name, place in named.items()]
        console().print(table("settings", ("setting", "value", "from"), rows))
    else:
        note("nothing is set, so all have their defaults: --all shows them, docs/settings.md says what they are")
