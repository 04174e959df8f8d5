"""`idiolect memory forget` and `erase`: gone without a trace, after a look at what goes, and with a receipt."""

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.options import Config, Json, StoreUrl, User, opened_person

if TYPE_CHECKING:
    from rich.console import Console

    from idiolect.memory.rights import Receipt
    from idiolect.memory.rights.asking import Forgetting
    from idiolect.memory.store import UserStore
    from idiolect.schema import Preference

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would go; delete nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
RUNNING = (
    "a server that is running keeps prompts in its model's cache, which this command cannot reach: forget by its API "
    "or page, or start it anew"
)


def forget(
    user: User,
    statement: Annotated[
        str | None, typer.Argument(help="A statement's id, as `idiolect memory list` shows it.")
    ] = None,
    topic: Annotated[str | None, typer.Option("--topic", help="All of an area (food) or of a thing (jazz).")] = None,
    source: Annotated[
        str | None, typer.Option("--source", help='All that came from it: import, "Mem0 export", one conversation.')
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="From this day (2026-03-02) or time, in UTC.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Through this day, or before this time.")] = None,
    later: Annotated[
        bool, typer.Option("--later", help="Also answers that were written while one of these was recalled.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Forget a statement, a topic, a source or a period, with the turns that it was said in."""
    from idiolect.cli.show import answer_to, console, stderr
    from idiolect.errors import BadInput
    from idiolect.memory.naming import everything, short_ids
    from idiolect.memory.rights.asking import Forgetting, forgotten

    asked = Forgetting(
        statement=statement, topic=topic, source=source, since=since, until=until, later=later, dry_run=True
    )
    with opened_person(user, store, config) as person:
        known = everything(person)
        words, short = {each.id: each.text for each in known}, short_ids(each.id for each in known)
        aimed = _aimed(person, asked, known)

        def show(out: "Console", receipt: "Receipt", as_json: bool = False) -> None:
            _shown(out, receipt, words, short, aimed, json=as_json)

        if dry_run or not yes:
            would = forgotten(person, asked)
            if dry_run or not would.events:
                show(console(), would, json)
                return
            show(stderr(), would)
            if answer_to("forget this for good? [y/N]").casefold() not in ("y", "yes"):
                raise BadInput("nothing was forgotten: it was not confirmed (--yes does it unasked)")
        went = forgotten(person, asked.model_copy(update={"dry_run": False}))
    show(console(), went, json)
    _remind(went)


def _aimed(person: "UserStore", asked: "Forgetting", known: "Iterable[Preference]") -> set[str] | None:
    """The statements that are asked for by their id or topic; what goes beside them is told apart."""
    from idiolect.memory.naming import named
    from idiolect.memory.rights.matching import is_about

    if asked.statement is not None:
        return {named(person, asked.statement).id}
    topic = asked.topic
    return None if topic is None else {each.id for each in known if is_about(each, topic)}


def erase(
    user: User,
    dry_run: DryRun = False,
    yes: Yes = False,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Erase all that is kept of a person."""
    from idiolect.cli.show import answer_to, console, stderr
    from idiolect.errors import BadInput
    from idiolect.memory.rights import erase as erased

    with opened_person(user, store, config) as person:
        would = erased(person, dry_run=True)
        if dry_run:
            _shown(console(), would, {}, {}, json=json)
            return
        if not yes and would.rows:
            _shown(stderr(), would, {}, {})
            typed = answer_to(f"this cannot be undone. Type {user} to erase all of it:")
            if typed != user:
                raise BadInput(f"{typed[:80]!r} is not {user!r}: nothing was erased")
        went = erased(person)
    _shown(console(), went, {}, {}, json=json)
    _remind(went)


def _shown(
    out: "Console",
    receipt: "Receipt",
    words: Mapping[str, str],
    short: Mapping[str, str],
    aimed: Container[str] | None = None,
    json: bool = False,
) -> None:
    from idiolect.cli.memory.drawing import receipt as drawn
    from idiolect.cli.show import printed_json

    if json:
        printed_json(receipt)
        return
    for line in drawn(receipt, words, short, aimed):
        out.print(line)


def _remind(receipt: "Receipt") -> None:
    from idiolect.cli.show import note

    if receipt.events:
        note(RUNNING)
