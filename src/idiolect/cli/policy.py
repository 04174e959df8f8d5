"""`idiolect policy`: what the boundary holds to, what it says of a text, and how its heads are fitted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.options import Config, Json

if TYPE_CHECKING:
    from idiolect.boundary import Boundary

policy = typer.Typer(
    help="The boundary: what is refused whoever asks, and what may be remembered.", no_args_is_help=True
)

PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="An operator's file on top of the shipped policy, before the settings'.")
]
RulesOnly = Annotated[bool, typer.Option("--rules-only", help="Without the trained heads.")]


@policy.command()
def check(file: PolicyFile = None, rules_only: RulesOnly = False, config: Config = None) -> None:
    """Check that a policy is sound and does what its own examples say; exit code 1 if it does not."""
    from idiolect.boundary.check import failures
    from idiolect.cli.show import console, note

    boundary = _opened(file, rules_only, config)
    wrong = failures(boundary)
    for sentence in wrong:
        console().print(sentence, markup=False)
    if wrong:
        raise typer.Exit(1)
    note(f"policy {boundary.version}: every example is noticed, nothing that it calls harmless is stopped")


@policy.command()
def show(file: PolicyFile = None, config: Config = None, json: Json = False) -> None:
    """Show the policy in force: its categories, what is done about each, and what no operator can loosen."""
    from idiolect.cli.show import console, printed_json, table

    boundary = _opened(file, True, config)
    if json:
        printed_json(boundary.policy)
        return
    rows = [
        (
            each.name,
            each.action,
            "yes" if each.universal else "",
            f"{each.threshold:g}",
            str(len(each.rules)),
            each.title,
        )
        for each in boundary.policy.category
    ]
    title = f"policy {boundary.policy.version}, tau {boundary.tau:g}"
    console().print(table(title, ("category", "action", "universal", "threshold", "rules", "what it is"), rows))


@policy.command()
def test(
    text: Annotated[str | None, typer.Argument(help="A request to judge.")] = None,
    requests: Annotated[Path | None, typer.Option("--requests", help="JSON lines with `text`: requests.")] = None,
    statements: Annotated[
        Path | None, typer.Option("--statements", help="JSON lines with `text` and perhaps `source`: what to remember.")
    ] = None,
    file: PolicyFile = None,
    rules_only: RulesOnly = False,
    config: Config = None,
) -> None:
    """Judge requests by the boundary, and statements by the memory's door: JSON lines; nothing is stored."""
    from idiolect.cli.tried import tried_requests, tried_statements
    from idiolect.errors import BadInput

    if text is None and requests is None and statements is None:
        raise BadInput("nothing to test: give a text, --requests FILE or --statements FILE")
    boundary = _opened(file, rules_only, config)
    for line in tried_requests(boundary, text, requests):
        typer.echo(line.model_dump_json())
    for told in tried_statements(statements):
        typer.echo(told.model_dump_json())


@policy.command()
def fit(
    data: Annotated[Path, typer.Option("--data", help="A folder with safety/ and hh_rlhf/, the public sets.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    seed: Annotated[int, typer.Option("--seed", help="Of the sentences that are drawn.")] = 0,
    config: Config = None,
) -> None:
    """Fit the harm heads, and show how good they are on sources, lines and prompts left out of the fit."""
    from idiolect.boundary.fit_heads import fit_heads
    from idiolect.boundary.policy import shipped
    from idiolect.cli.show import console, note, table
    from idiolect.errors import BadInput
    from idiolect.features.embedder import open_embedder
    from idiolect.settings import load_settings

    embedder = open_embedder(load_settings(config).embedder)
    if embedder is None:
        raise BadInput("the harm heads read embeddings: set the embedder to minilm")
    heads = fit_heads(data, shipped(), embedder, note, seed)
    heads.save(output)
    rows = [(name, f"{value:.4f}") for name, value in heads.about.held_out.items()]
    title = f"heads {heads.version} in {output}, from {sum(heads.about.sources.values())} texts"
    console().print(table(title, ("left out of the fit", "share or AUROC"), rows))


def _opened(file: Path | None, rules_only: bool, config: Path | None) -> "Boundary":
    from idiolect.boundary import open_boundary
    from idiolect.features.embedder import open_embedder
    from idiolect.settings import load_settings

    settings = load_settings(config)
    embedder = None if rules_only else open_embedder(settings.embedder)
    return open_boundary(settings.model_copy(update={"policy": file or settings.policy}), embedder)
