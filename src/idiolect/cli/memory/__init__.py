"""`idiolect memory ...`: what is remembered of people, and what they may do with it."""

import typer

from idiolect.cli.memory import changing, forgetting, seeing, transfer
from idiolect.cli.memory.extract import extract
from idiolect.cli.memory.fit_classifier import fit_classifier
from idiolect.cli.memory.recall import fit_gate, recall

memory = typer.Typer(help="See, edit and erase what is remembered.", no_args_is_help=True)
memory.command("list")(seeing.list_)
memory.command()(seeing.show)
memory.command()(changing.add)
memory.command()(changing.edit)
memory.command("pin")(changing.pin)
memory.command("local")(changing.local)
memory.command()(changing.consent)
memory.command()(changing.end)
memory.command()(changing.conflicts)
memory.command()(changing.proposals)
memory.command()(forgetting.forget)
memory.command()(forgetting.erase)
memory.command()(seeing.audit)
memory.command()(extract)
memory.command()(fit_classifier)
memory.command()(recall)
memory.command()(fit_gate)
memory.command("import")(transfer.import_)
memory.command()(transfer.export)
memory.command()(transfer.restore)
