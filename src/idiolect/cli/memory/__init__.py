"""`idiolect memory ...`: what is remembered of people, and what they may do with it."""

import typer

from idiolect.cli.memory import transfer
from idiolect.cli.memory.extract import extract

memory = typer.Typer(help="See, edit and erase what is remembered.", no_args_is_help=True)
memory.command()(extract)
memory.command("import")(transfer.import_)
memory.command()(transfer.export)
memory.command()(transfer.restore)
