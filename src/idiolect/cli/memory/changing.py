"""`idiolect memory add`, `edit`, `pin`, `local`, `consent`, `end`, `conflicts`, `proposals`: it is put right."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.memory.seeing import StatementId, shortened
from idiolect.cli.options import Config, Json, StoreUrl, User, opened_assistant, opened_person
from idiolect.errors import BadInput

if TYPE_CHECKING:
    from idiolect.curating import Allowing, Changes, Decided, Decisions, Verb
    from idiolect.memory.inference.allowing import Allowances

Off = Annotated[bool, typer.Option("--off", help="Take it back.")]


def add(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="In your own words: a taste, a wish about answers, a fact of yours.")],
    user: User,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Remember something; what says the same becomes surer, what it contradicts holds no longer."""
    from idiolect.cli.memory.drawing import statements
    from idiolect.cli.show import console, printed_json

    with opened_assistant(context) as assistant:
        memory = assistant.memory(user)
        became = memory.add(text)
        short = shortened(memory.person)
    if json:
        printed_json(became)
    else:
        console().print(statements("remembered", became.statements, short))


def edit(
    context: typer.Context,
    statement: StatementId,
    text: Annotated[str, typer.Argument(help="What it says from now on.")],
    user: User,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Change what a statement says."""
    from idiolect.curating import Changes

    _change(context, statement, Changes(text=text), "edited")


def _switching(field: str, on: str, off_again: str, doc: str) -> Callable[..., None]:
    """A command that switches something of a statement on, or off."""

    def switch(
        context: typer.Context,
        statement: StatementId,
        user: User,
        off: Off = False,
        store: StoreUrl = None,
        json: Json = False,
        config: Config = None,
    ) -> None:
        from idiolect.curating import Changes

        _change(context, statement, Changes.model_validate({field: not off}), off_again if off else on)

    switch.__doc__ = doc
    return switch


pin = _switching("pinned", "pinned", "no longer pinned", "Keep a statement from fading and expiring.")
local = _switching(
    "local_only",
    "never leaves this machine",
    "may leave this machine again",
    "Never send a statement to a model on another machine.",
)


def consent(
    context: typer.Context,
    user: User,
    what: Annotated[
        str | None,
        typer.Argument(
            help="A statement's id, or what may be inferred from: repeats, reactions, style. "
            "Without it, what is allowed is shown."
        ),
    ] = None,
    off: Off = False,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Allow a kind of inference, or a statement of a special category (health, faith, ...) beyond its conversation."""
    from idiolect.curating import Allowing, Changes
    from idiolect.memory.inference import READERS

    inference = next((name for name in READERS if name == what), None)
    if what is not None and inference is None:
        told = "not used beyond its conversation any more" if off else "used beyond its conversation from now on"
        _change(context, what, Changes(consented=not off), told)
        return
    with opened_assistant(context) as assistant:
        memory = assistant.memory(user)
        asked = None if inference is None else Allowing(inference=inference, allowed=not off)
        allowances = memory.allowances() if asked is None else memory.allow(asked)
    if asked is not None:
        _say_allowed(asked, user)
    _show_allowances(allowances, json=json)


def end(
    context: typer.Context,
    statement: StatementId,
    user: User,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Say that a statement holds no longer. It stays in the history; `forget` leaves no trace."""
    from idiolect.curating import Changes

    _change(context, statement, Changes(ended=True), "ended")


def conflicts(
    context: typer.Context,
    user: User,
    keep: Annotated[str | None, typer.Option("--keep", help="The one that is true: what contradicts it ends.")] = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show statements that contradict each other, none of them newer or surer; or settle it."""
    if keep is None:
        _show_conflicts(context)
    else:
        _settle(context, keep)


def proposals(
    context: typer.Context,
    user: User,
    accept: Annotated[list[str] | None, typer.Option("--accept", help="An id; may be repeated.")] = None,
    refuse: Annotated[list[str] | None, typer.Option("--refuse", help="An id; may be repeated.")] = None,
    accept_all: Annotated[bool, typer.Option("--accept-all", help="All that are not named.")] = False,
    refuse_all: Annotated[bool, typer.Option("--refuse-all", help="All that are not named.")] = False,
    source: Annotated[
        str | None, typer.Option("--from", help='Of one source only: import, "Mem0 export", one conversation.')
    ] = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show what waits to be accepted or refused, or decide on it."""
    from idiolect.curating import Decisions

    if accept_all and refuse_all:
        raise BadInput("--accept-all and --refuse-all exclude each other: say one")
    every: Verb | None = "accept" if accept_all else "refuse" if refuse_all else None
    if accept or refuse or every:
        _decide(context, Decisions(accept=tuple(accept or ()), refuse=tuple(refuse or ()), every=every, source=source))
    else:
        _show_proposals(context, source)


def _change(context: typer.Context, statement: str, changes: "Changes", told: str) -> None:
    """Change one statement, and show it as it stands then."""
    from idiolect.cli.memory.drawing import statements
    from idiolect.cli.show import console, printed_json

    with opened_assistant(context) as assistant:
        memory = assistant.memory(context.params["user"])
        became = memory.change(statement, changes)
        short = shortened(memory.person)
    if context.params["json"]:
        printed_json(became)
    else:
        console().print(statements(told, (became,), short, states=True))


def _say_allowed(asked: "Allowing", user: str) -> None:
    """What changed, before all that is allowed now."""
    from idiolect.cli.show import note

    if asked.allowed:
        note(f"{asked.inference}: may be inferred of {user} from now on, from what comes after this")
    else:
        note(
            f"{asked.inference}: no longer inferred of {user}; what was inferred counts no more, and is offered no more"
        )


def _show_allowances(found: "Allowances", *, json: bool) -> None:
    from idiolect.cli.memory.drawing import day
    from idiolect.cli.show import console, note, printed_json, table

    if json:
        printed_json(found)
        return
    rows = [
        (
            kind.inference,
            f"since {day(kind.since)}" if kind.allowed else "no",
            kind.reads,
            str(kind.counts),
            str(kind.waiting),
        )
        for kind in found.kinds
    ]
    columns = ("inference", "allowed", "from", "counts", "proposed")
    console().print(table(f"what may be inferred of {found.user}", columns, rows))
    for change in found.changes:
        note(change)
    note(f"idiolect memory consent KIND -u {found.user} allows it from then on, with --off it counts no more")


def _settle(context: typer.Context, keep: str) -> None:
    from idiolect.cli.memory.drawing import statements
    from idiolect.cli.show import console, printed_json

    with opened_assistant(context) as assistant:
        memory = assistant.memory(context.params["user"])
        settled = memory.settle(keep)
        short = shortened(memory.person)
    if context.params["json"]:
        printed_json(settled)
    else:
        console().print(statements("settled", (settled.holds, *settled.ended), short, states=True))


def _show_conflicts(context: typer.Context) -> None:
    from idiolect.cli.memory.drawing import statements
    from idiolect.cli.show import console, note, printed_json
    from idiolect.memory.rights.seeing import conflicting

    user = context.params["user"]
    with opened_person(user, context.params["store"], context.params["config"]) as person:
        found = conflicting(person)
        short = shortened(person)
    if context.params["json"]:
        printed_json(found)
        return
    for number, together in enumerate(found.conflicts, start=1):
        console().print(statements(f"{number} of {len(found.conflicts)}: which is true?", together, short))
    if found.conflicts:
        example = short[found.conflicts[0][0].id]
        note("none of these is used, but for constraints, until you say which is true, such as by")
        note(f"idiolect memory conflicts -u {user} --keep {example}")
    else:
        note("nothing contradicts")


def _decide(context: typer.Context, decisions: "Decisions") -> None:
    from idiolect.cli.show import printed_json

    with opened_assistant(context) as assistant:
        memory = assistant.memory(context.params["user"])
        decided = memory.decide(decisions)
        short = shortened(memory.person)
    if context.params["json"]:
        printed_json(decided)
    else:
        _show_decided(decided, short)


def _show_decided(decided: "Decided", short: Mapping[str, str]) -> None:
    from idiolect.cli.memory.drawing import counted, statements
    from idiolect.cli.show import console, note

    for title, became in (("accepted", decided.accepted), ("refused", decided.refused)):
        if became:
            named = {each.id: short.get(each.id, each.id) for each in became}
            console().print(statements(title, became, named, states=True))
    note(f"{counted(decided.waiting, 'proposal')} left")


def _show_proposals(context: typer.Context, source: str | None) -> None:
    from idiolect.cli.memory.drawing import counted
    from idiolect.cli.memory.drawing import proposals as drawn
    from idiolect.cli.show import console, note, printed_json
    from idiolect.memory.rights.seeing import Waiting, proposed

    user = context.params["user"]
    with opened_person(user, context.params["store"], context.params["config"]) as person:
        found = proposed(person, Waiting(source=source))
        short = shortened(person)
    if context.params["json"]:
        printed_json(found)
    elif found.proposals:
        console().print(drawn(f"{user}: {counted(len(found.proposals), 'proposal')}", found.proposals, short))
        note("--accept ID and --refuse ID decide, --accept-all --from SOURCE on all of one source")
    else:
        note("no proposal waits" + (f" from {source}" if source else ""))
