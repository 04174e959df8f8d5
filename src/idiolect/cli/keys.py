"""`idiolect keys`: who may use the server, whose people they may name, and how much they may spend."""

from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.options import Config, Json, StoreUrl

if TYPE_CHECKING:
    from idiolect.memory.keys import Listed

keys = typer.Typer(help="Make, list and revoke the keys that open the server.", no_args_is_help=True)

ONCE = "This key is shown here and never again. From now on the server asks everybody for a key."


@keys.command()
def create(
    tenant: Annotated[str, typer.Option("--tenant", help="Whose people it may name; other tenants' do not exist.")] = (
        "default"
    ),
    user: Annotated[str | None, typer.Option("--user", "-u", help="The one person whom it is for.")] = None,
    label: Annotated[str, typer.Option("--label", help="What it is for, in the list.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="chat, read, write, page or operate; once or more. Unset: chat, read, write."),
    ] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="It ends after so many days; unset: never.")] = None,
    per_minute: Annotated[int | None, typer.Option("--per-minute", min=1, help="Requests that it may make.")] = None,
    tokens: Annotated[
        int | None, typer.Option("--tokens-per-month", min=1, help="Tokens of prompts and answers, by UTC months.")
    ] = None,
    dollars: Annotated[
        float | None, typer.Option("--dollars-per-month", min=0, help="US dollars, where the model has prices.")
    ] = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Make a key and print it, once."""
    from datetime import timedelta

    from idiolect.cli.show import note, printed_json, write
    from idiolect.memory.keys import new_key
    from idiolect.memory.store import open_store
    from idiolect.schema import now
    from idiolect.settings import load_settings

    asked = new_key(
        tenant=tenant,
        user=user,
        label=label,
        scopes=tuple(scope or ()),
        expires=None if days is None else now() + timedelta(days=days),
        per_minute=per_minute,
        tokens_per_month=tokens,
        dollars_per_month=dollars,
    )
    settings = load_settings(config, store=store)
    with open_store(settings.store, erasures=settings.erasures) as opened:
        issued = opened.keys.create(asked)
    note(ONCE)
    if json:
        printed_json(issued)
    else:
        write(f"{issued.secret}\n")


@keys.command("list")
def listing(store: StoreUrl = None, json: Json = False, config: Config = None) -> None:
    """Every key with what it was used for this month."""
    from idiolect.cli.show import console, printed_json, table
    from idiolect.memory.keys import Listing
    from idiolect.memory.store import open_store
    from idiolect.settings import load_settings

    settings = load_settings(config, store=store)
    with open_store(settings.store, erasures=settings.erasures) as opened:
        found = opened.keys.all()
    if json:
        printed_json(Listing(keys=tuple(found)))
        return
    columns = ("id", "label", "tenant", "person", "can", "limits", "used this month", "state")
    console().print(table("keys", columns, [_row(each) for each in found]))


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id, a beginning of it, or the whole key.")],
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Let a key open nothing any more, at once and for good."""
    from idiolect.cli.show import note, printed_json
    from idiolect.memory.store import open_store
    from idiolect.settings import load_settings

    settings = load_settings(config, store=store)
    with open_store(settings.store, erasures=settings.erasures) as opened:
        revoked = opened.keys.revoke(key)
    if json:
        printed_json(revoked)
    else:
        note(f"revoked: {revoked.id} {revoked.label}".strip())


def _row(listed: "Listed") -> tuple[str, ...]:
    from idiolect.schema import now

    key, used = listed.key, listed.used
    limits = {
        "{} a minute": key.per_minute,
        "{:,} tokens a month": key.tokens_per_month,
        "${:g} a month": key.dollars_per_month,
    }
    state = "open" if key.expires is None else f"until {key.expires:%Y-%m-%d}"
    if key.expires is not None and key.expires <= now():
        state = f"expired {key.expires:%Y-%m-%d}"
    if key.revoked is not None:
        state = f"revoked {key.revoked:%Y-%m-%d}"
    return (
        key.id,
        key.label,
        key.tenant,
        key.user or "all of them",
        " ".join(key.scopes),
        ", ".join(form.format(limit) for form, limit in limits.items() if limit is not None) or "none",
        f"{used.requests} answers, {used.tokens:,} tokens" + (f", ${used.dollars:.2f}" if used.dollars else ""),
        state,
    )
