"""`idiolect memory list`, `show` and `audit`: what is remembered, and where it comes from."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.options import Config, Json, StoreUrl, User, opened_person

if TYPE_CHECKING:
    from idiolect.memory.rights.auditing import AuditLine
    from idiolect.memory.rights.seeing import Listing
    from idiolect.memory.store import UserStore

StatementId = Annotated[str, typer.Argument(help="Its id, or as much of it as `idiolect memory list` shows.")]


class Kind(StrEnum):
    """The kinds of statements."""

    topic = "topic"
    style = "style"
    constraint = "constraint"
    about_me = "about_me"


def list_(
    user: User,
    every: Annotated[
        bool, typer.Option("--all", help="Also what holds no longer or not yet, and what became of it.")
    ] = False,
    topic: Annotated[str | None, typer.Option("--topic", help="Only of an area (food) or a thing (jazz).")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only of one kind.")] = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List what is remembered of a person and in force, by kind."""
    from idiolect.cli.memory.drawing import counted, statements
    from idiolect.cli.show import console, printed_json
    from idiolect.memory.rights.seeing import Filters, listed

    with opened_person(user, store, config) as person:
        listing = listed(person, Filters(every=every, topic=topic, kind=kind.value if kind else None))
        short = shortened(person)
    if json:
        printed_json(listing)
        return
    if listing.statements:
        title = f"{user}: {counted(len(listing.statements), 'statement')}{'' if every else ' in force'}"
        console().print(statements(title, listing.statements, short, states=every))
    _remarks(user, listing, is_filtered=topic is not None or kind is not None)


def show(
    statement: StatementId,
    user: User,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Follow one statement to the words that it came from, and to the answers that it was recalled for."""
    from idiolect.cli.memory.drawing import belief
    from idiolect.cli.show import console, printed_json
    from idiolect.memory.rights.following import followed

    with opened_person(user, store, config) as person:
        found = followed(person, statement)
        short = shortened(person)
    if json:
        printed_json(found)
        return
    out = console()
    for line in belief(found, short):
        out.print(line)


def audit(user: User, store: StoreUrl = None, json: Json = False, config: Config = None) -> None:
    """Show what was done with a person's memory and when, by ids and counts, without a text."""
    from idiolect.cli.show import console, note, printed_json, table
    from idiolect.memory.naming import short_ids
    from idiolect.memory.rights.seeing import trail

    with opened_person(user, store, config) as person:
        found = trail(person)
        short = short_ids(each for line in found.lines for each in line.ids) | shortened(person)
    if json:
        printed_json(found)
    elif found.lines:
        rows = [(f"{line.at:%Y-%m-%d %H:%M:%S}", line.action, *_about(line, short)) for line in found.lines]
        console().print(table(f"{user}, in UTC", ("when", "what", "event", "about", "counts"), rows))
    else:
        note(f"nothing is kept of {user}, so nothing was done")


def shortened(person: "UserStore") -> dict[str, str]:
    """Each statement's id as it is shown."""
    from idiolect.memory.naming import everything, short_ids

    return short_ids(each.id for each in everything(person))


def _about(line: "AuditLine", short: Mapping[str, str]) -> tuple[str, str, str]:
    from idiolect.cli.memory.drawing import few

    ids = [short[each] for each in line.ids]
    counts = ", ".join(f"{count} {name}" for name, count in line.counts.items() if count)
    return "".join(ids[:1]), few(ids[1:]), counts


def _remarks(user: str, listing: "Listing", is_filtered: bool) -> None:
    """What asks for the person, beside what is listed."""
    from idiolect.cli.show import note

    if not listing.statements:
        waits = listing.unconsented or listing.contradicting or listing.proposed
        which = "in force" if waits else "kept"
        fits = " that fits" if is_filtered else ""
        note(f"no statement of {user} is {which}{fits}; `idiolect memory add TEXT -u {user}` adds one")
    if listing.unconsented:
        note(
            f"{listing.unconsented} of a special category, not used without consent: "
            f"idiolect memory list -u {user} --all, then idiolect memory consent ID -u {user}"
        )
    if listing.withheld:
        note(
            f"{listing.withheld} held back, used for nothing: the memory's rules of today would not let it in; "
            f"idiolect memory list -u {user} --all shows it, memory edit gives it other words, memory forget erases it"
        )
    if listing.contradicting:
        note(f"{listing.contradicting} contradict each other: idiolect memory conflicts -u {user}")
    if listing.proposed:
        note(f"{listing.proposed} proposed, waiting for {user}: idiolect memory proposals -u {user}")
