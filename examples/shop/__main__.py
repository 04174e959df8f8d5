"""`python -m examples.shop`: the shop's page, its bench, and what makes its data anew."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from examples.shop import making
from examples.shop.bench import Shop, run, tables
from examples.shop.catalogue import CATALOGUE
from examples.shop.notebook import Notebook
from examples.shop.opening import opened
from examples.shop.page import Counter, create_app
from idiolect.assistant import Assistant
from idiolect.cli.show import console, note, printed_json, working
from idiolect.errors import IdiolectError
from idiolect.features.minilm import MiniLM
from idiolect.server.run import address, listen, run_app

app = typer.Typer(help="A shop adviser on Idiolect.", add_completion=False, pretty_exceptions_enable=False)

CatalogueFile = Annotated[Path | None, typer.Option("--catalogue", help="JSON lines, in place of the shop's own.")]


@app.callback(invoke_without_command=True)
def shop(
    context: typer.Context,
    port: Annotated[int, typer.Option("--port", help="Port of the page; 0 takes a free one.")] = 8643,
    store: Annotated[str, typer.Option("--store", help="Where wishes are kept.")] = "sqlite:///shop.db",
    picks: Annotated[Path, typer.Option("--picks", help="Where picks are kept.")] = Path("shop-picks.jsonl"),
    catalogue: CatalogueFile = None,
) -> None:
    """Open the shop, and print the address of its page."""
    if context.invoked_subcommand is not None:
        return

    notebook = Notebook(picks)
    with listen("127.0.0.1", port) as listening, Assistant(store=store) as assistant:
        adviser = opened(catalogue)
        counter = Counter(adviser, notebook, assistant)
        run_app(create_app(counter), listening, f"The shop is at {address('127.0.0.1', listening)}")


@app.command()
def bench(
    customers: Annotated[int, typer.Option("--customers", min=10, help="Of each kind.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="The figures as JSON, in place of tables.")] = False,
    catalogue: CatalogueFile = None,
) -> None:
    """How well a new customer's favourites are found after 0, 3 and 10 picks, beside other ways to rank."""
    with working("simulated customers go shopping"):
        outcome = run(Shop.of(opened(catalogue)), customers)
    if json:
        printed_json(outcome)
        return
    for table in tables(outcome):
        console().print(table)


@app.command()
def make() -> None:
    """Write the shop's own catalogue anew, and everything that follows from it; some minutes."""
    making.make(MiniLM(), note)


@app.command()
def fit(catalogue: CatalogueFile = None) -> None:
    """Fit the prior over tastes for a catalogue; it is written beside it, with the vectors of its texts."""
    making.fit(catalogue or CATALOGUE, MiniLM(), note)


def main() -> None:
    """An error is one line on stderr, and exit code 1."""
    try:
        app()
    except IdiolectError as error:
        sys.stderr.write(f"shop: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
