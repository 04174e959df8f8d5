"""`idiolect govern`: what an operator must be able to say of a deployment, and how long things are kept."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.options import Config, Json, StoreUrl

if TYPE_CHECKING:
    from idiolect.memory.rights.retaining import Swept

govern = typer.Typer(help="Report what is kept and of whom, and forget what is too old.", no_args_is_help=True)

Days = Annotated[int | None, typer.Option("--turns-days", min=1, help="Before the setting keep_turns_days.")]
SpecialDays = Annotated[int | None, typer.Option("--special-days", min=1, help="Before the setting keep_special_days.")]


@govern.command()
def report(
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="Of one person alone, who asks what is kept of them.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="A page instead of Markdown.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write; unset: stdout.")] = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Tell what is kept of whom, why, for how long, who was shown it, and what the boundary did: in counts."""
    from idiolect.cli.show import note, write
    from idiolect.errors import BadInput
    from idiolect.governance import as_html, as_markdown
    from idiolect.governance import report as reported
    from idiolect.memory.store import open_store
    from idiolect.settings import load_settings

    if html and json:
        raise BadInput("--html and --json exclude each other: say one")
    settings = load_settings(config, store=store)
    with open_store(settings.store, erasures=settings.erasures) as opened:
        found = reported(opened, settings, user=user)
    if user is not None and not found.people:
        note(f"nothing is kept of {user}: nobody is known by that name")
    text = f"{found.model_dump_json(indent=2)}\n" if json else as_html(found) if html else as_markdown(found)
    if output is None:
        write(text)
    else:
        output.write_text(text, encoding="utf-8")
        note(f"written: {output}")


@govern.command()
def retain(
    turns_days: Days = None,
    special_days: SpecialDays = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; delete nothing.")] = False,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Erase what is older than the rule says, of everybody, without asking; each erasure has a receipt."""
    from idiolect.errors import BadInput
    from idiolect.memory.rights.retaining import Rules, sweep
    from idiolect.memory.store import open_store
    from idiolect.schema import now
    from idiolect.settings import load_settings

    settings = load_settings(config, store=store, keep_turns_days=turns_days, keep_special_days=special_days)
    rules = Rules.of_settings(settings)
    if not rules:
        raise BadInput(
            "no rule is set, so nothing is too old: set keep_turns_days, keep_special_days or keep_for, or --turns-days"
        )
    with open_store(settings.store, erasures=settings.erasures) as opened:
        swept = sweep(opened, rules, now(), dry_run=dry_run)
    _show(swept, json=json)


def _show(swept: "Swept", *, json: bool) -> None:
    from idiolect.cli.show import console, note, printed_json, table

    if json:
        printed_json(swept)
        return
    rows = [
        (each.user, str(len(each.receipt.events)), str(len(each.receipt.statements)), each.receipt.ledger or "")
        for each in swept.people
    ]
    if rows:
        title = "would be erased" if swept.dry_run else "erased"
        console().print(table(title, ("person", "events", "statements", "noted in"), rows))
    people = "person" if swept.looked_at == 1 else "people"
    note(f"{len(swept.people)} of {swept.looked_at} {people} had something that is too old")
