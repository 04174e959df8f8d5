"""`idiolect models` and `idiolect features`: what there is, and what is fitted once for all people."""

import typer

from idiolect.cli.options import Json

models = typer.Typer(help="Language models: their names, and what is fitted once per model.", no_args_is_help=True)
features = typer.Typer(help="The preference space: the named attributes and their statistics.", no_args_is_help=True)


@models.command("list")
def list_models(json: Json = False) -> None:
    """Show the forms of name that --model takes."""
    from idiolect.cli.show import console, printed_mapping, table
    from idiolect.models import model_names

    if json:
        printed_mapping(model_names())
    else:
        console().print(table("models", ("name", "what it is"), list(model_names().items())))


@features.command("list")
def list_features(json: Json = False) -> None:
    """Show the named attributes of an answer, with their units."""
    from idiolect.cli.show import console, printed_mapping, table
    from idiolect.features.attributes import ATTRIBUTES

    if json:
        printed_mapping({name: f"{each.definition} [{each.unit}]" for name, each in ATTRIBUTES.items()})
    else:
        rows = [(name, each.unit, each.definition) for name, each in ATTRIBUTES.items()]
        console().print(table("attributes", ("name", "unit", "definition"), rows))
