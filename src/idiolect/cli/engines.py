"""`idiolect models` and `idiolect features`: what there is, and what is fitted once for all people."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from idiolect.cli.options import BaseUrl, Config, Json, MaxTokens, ModelName, Temperature

models = typer.Typer(help="Language models: their names, and what is fitted once per model.", no_args_is_help=True)
features = typer.Typer(help="The preference space: the named attributes and their statistics.", no_args_is_help=True)

Samples = Annotated[Path, typer.Argument(help="Answers, as `idiolect models sample` writes them.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]


@models.command("list")
def list_models(json: Json = False) -> None:
    """Show the forms of name that --model takes."""
    from idiolect.cli.show import console, printed_mapping, table
    from idiolect.models import model_names

    if json:
        printed_mapping(model_names())
    else:
        console().print(table("models", ("name", "what it is"), list(model_names().items())))


@models.command()
def sample(
    output: Output,
    prompts: Annotated[
        Path | None, typer.Option("--prompts", help="A prompt on each line; without it, those that come with Idiolect.")
    ] = None,
    answers: Annotated[int, typer.Option("--answers", min=1, max=15, help="To each prompt.")] = 7,
    seed: Annotated[int, typer.Option("--seed", help="Makes the sampling repeatable.")] = 0,
    model: ModelName = None,
    base_url: BaseUrl = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    config: Config = None,
) -> None:
    """Write the plain model's answers with their tokens: what both fits are made from. A stopped run goes on."""
    from idiolect.cli.fitting import sampled
    from idiolect.settings import load_settings

    chosen = load_settings(config, model=model, base_url=base_url, temperature=temperature, max_tokens=max_tokens)
    sampled(chosen, prompts, answers, seed, output)


@models.command()
def fit_token_values(
    samples: Samples, output: Output, model: ModelName = None, base_url: BaseUrl = None, config: Config = None
) -> None:
    """Fit token values to one model; the setting `token_values` names the file."""
    from idiolect.cli.fitting import fitted_token_values
    from idiolect.settings import load_settings

    fitted_token_values(load_settings(config, model=model, base_url=base_url), samples, output)


@models.command()
def fit_steering(
    output: Output,
    model: ModelName = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples", help="Its answers, as `idiolect models sample` writes them; without it, it is asked."
        ),
    ] = None,
    tries: Annotated[int, typer.Option("--tries", min=0, help="Answers that try out either end of a vector.")] = 16,
    by: Annotated[
        Literal["caa", "bipo"],
        typer.Option(
            "--by", help="Means of contrasts (caa), or vectors optimised on preferences (bipo), minutes each."
        ),
    ] = "caa",
    attribute: Annotated[
        list[str] | None, typer.Option("--attribute", "-a", help="Of these alone; may be given several times.")
    ] = None,
    config: Config = None,
) -> None:
    """Fit steering vectors of the named attributes to an open model; the setting `steering` names the file."""
    from idiolect.cli.fitting import fitted_steering
    from idiolect.generation.encoding.fit_steering import Wanted
    from idiolect.settings import load_settings

    wanted = Wanted(by, tuple(attribute or ()), tries)
    fitted_steering(load_settings(config, model=model), samples, wanted, output)


@models.command()
def fit_soft_prompt(
    output: Output,
    model: ModelName = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples", help="Its answers, as `idiolect models sample` writes them; without it, it is asked."
        ),
    ] = None,
    steps: Annotated[
        int, typer.Option("--steps", min=1, help="Of training; one is four answers read and learnt.")
    ] = 200,
    config: Config = None,
) -> None:
    """Train soft prompts from tastes for an open model; the setting `soft_prompt` names the file."""
    from idiolect.cli.fitting import fitted_soft_prompt
    from idiolect.settings import load_settings

    fitted_soft_prompt(load_settings(config, model=model), samples, steps, output)


@models.command()
def fit_values(
    output: Output,
    model: ModelName = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples", help="Its answers, as `idiolect models sample` writes them; without it, it is asked."
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Fit values of the next token to an open model; the setting `values` names the file."""
    from idiolect.cli.fitting import fitted_values
    from idiolect.settings import load_settings

    fitted_values(load_settings(config, model=model), samples, output)


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


@features.command()
def fit(samples: Samples, output: Output, config: Config = None) -> None:
    """Fit the preference space's statistics: what is usual of each attribute, and directions of the embedding."""
    from idiolect.cli.fitting import fitted_space
    from idiolect.settings import load_settings

    fitted_space(load_settings(config), samples, output)
