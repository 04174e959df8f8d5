"""`idiolect adapters`: LoRAs of people, and the shared ones that soups are made of."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.options import Config, Json, ModelName, StoreUrl, User, opened_assistant, opened_person
from idiolect.errors import BadInput

if TYPE_CHECKING:
    from idiolect.generation.parameters.registry import Adapter, Registry

adapters = typer.Typer(help="Train, list and delete people's adapters (LoRA).", no_args_is_help=True)

Combine = Annotated[
    str, typer.Option("--combine", help="`product` averages what pieces change, `factors` A and B apart.")
]


@adapters.command()
def train(
    context: typer.Context,
    user: User,
    model: ModelName = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Train a person's LoRA from their choices and edits; it takes minutes."""
    from idiolect.cli.show import working

    with opened_assistant(context) as assistant:
        with working("opening the model"):
            shop = assistant.workshop()
        from idiolect.generation.parameters.training import train as trained

        with working("training"):
            adapter = trained(assistant.store.user(user), shop)
    _show([adapter], json)


@adapters.command()
def assemble(
    context: typer.Context,
    user: User,
    combine: Combine = "product",
    model: ModelName = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Put a person's adapter together from pieces of those who share theirs; seconds, and two choices are enough."""
    from idiolect.cli.show import working

    if combine not in ("product", "factors"):
        raise BadInput(f"--combine {combine}: it is product or factors")
    with opened_assistant(context) as assistant:
        with working("opening the model"):
            shop = assistant.workshop()
        from idiolect.generation.parameters.training import assembled

        with working("choosing pieces"):
            adapter = assembled(assistant.store.user(user), shop, "factors" if combine == "factors" else "product")
    _show([adapter], json)


@adapters.command()
def share(
    context: typer.Context,
    user: User,
    back: Annotated[bool, typer.Option("--take-back", help="Take the consent back.")] = False,
    model: ModelName = None,
    store: StoreUrl = None,
    config: Config = None,
) -> None:
    """Allow that others' adapters are put together from pieces of yours, or take it back; then theirs are deleted."""
    from idiolect.cli.show import note, working

    if back:
        with opened_person(user, store, config) as person:
            from idiolect.generation.parameters.sharing import take_back

            dropped = take_back(person, _registry(store, config))
        note(f"taken back; adapters of others that were deleted: {dropped}")
        return
    with opened_assistant(context) as assistant:
        with working("opening the model"):
            shop = assistant.workshop()
        from idiolect.generation.parameters.training import share as shared

        with working("cutting pieces"):
            has_pieces = shared(assistant.store.user(user), shop)
    note("shared" if has_pieces else f"allowed; there are pieces once you `idiolect adapters train -u {user}`")


@adapters.command()
def expert(
    context: typer.Context,
    attribute: Annotated[
        str,
        typer.Argument(
            help="A named attribute, such as length; `less:length` for its other side; several with commas between; "
            "`all` for both sides of all that can be learnt."
        ),
    ],
    samples: Annotated[Path, typer.Argument(help="Answers of the model, a file of `idiolect models sample`.")],
    model: ModelName = None,
    store: StoreUrl = None,
    config: Config = None,
) -> None:
    """Train shared experts for soups: each moves the model's own answers along one attribute. All take one reading."""
    from idiolect.cli.show import note, working

    with opened_assistant(context) as assistant:
        with working("opening the model"):
            shop = assistant.workshop()
        from idiolect.generation.parameters.experts import train_experts

        named = [] if attribute == "all" else [each.strip() for each in attribute.split(",")]
        wanted = [(each.removeprefix("less:"), -1 if each.startswith("less:") else 1) for each in named]
        with working("training"):
            made = list(train_experts(shop, assistant.learner.space, wanted, samples))
    for each in made:
        note(f"{each.path.name}: {dict(each.card.figures)}")


@adapters.command(name="list")
def listed(store: StoreUrl = None, json: Json = False, config: Config = None) -> None:
    """All adapters: whose (hashed), of what kind, how old and how large."""
    _show(_registry(store, config).adapters(), json)


@adapters.command()
def forget(user: User, store: StoreUrl = None, config: Config = None) -> None:
    """Delete a person's adapters, and what was put together from their pieces; their choices stay."""
    from idiolect.cli.show import note

    gone = _registry(store, config).forget(user)
    note("; ".join(gone) if gone else f"{user} has no adapters")


def _registry(store: str | None, config: Path | None) -> "Registry":
    from idiolect.generation.parameters.registry import open_registry
    from idiolect.settings import load_settings

    settings = load_settings(config, store=store)
    registry = open_registry(settings.store, settings.adapters)
    if registry is None:
        raise BadInput("adapters need a folder, and this store has none beside it: name one, the setting `adapters`")
    return registry


def _show(found: "list[Adapter]", json: bool) -> None:
    from idiolect.cli.show import console, printed_json, table
    from idiolect.generation.parameters.registry import Shelf

    if json:
        printed_json(Shelf(adapters=tuple(found)))
        return
    rows = [
        (
            each.name,
            each.card.kind,
            f"{each.bytes / 2**20:.1f} MiB",
            f"{each.card.at:%Y-%m-%d %H:%M}",
            str(each.card.examples),
            each.card.model,
            "yes" if each.card.is_shared else "no",
        )
        for each in found
    ]
    console().print(table("adapters", ("name", "kind", "size", "trained", "choices", "model", "shared"), rows))
