"""`idiolect memory recall` and `fit-gate`: what would be injected into a prompt, and the gate that decides it."""

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.options import Config

STDIN = "-"


def recall(
    file: Annotated[Path, typer.Argument(help="JSON lines with `query` and `memories`, a list; - reads from stdin.")],
    most: Annotated[int | None, typer.Option("--most", min=0, help="Injected at most, style apart.")] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", min=0, max=1, help="Least probability that a memory bears on it.")
    ] = None,
    embedder: Annotated[
        str | None, typer.Option("--embedder", help="`minilm`, or `none` to work by shared words alone.")
    ] = None,
    config: Config = None,
) -> None:
    """Show which memories would be injected into each query of a file, with scores, as JSON. Nothing is stored."""
    import sys

    from idiolect.errors import DataError
    from idiolect.features.embedder import open_embedder
    from idiolect.memory.recall.settings import RecallSettings
    from idiolect.memory.recall.texts import recalled_lines
    from idiolect.settings import load_settings

    opened = open_embedder(load_settings(config, embedder=embedder).embedder)
    settings = RecallSettings(threshold=threshold)
    settings = settings if most is None else settings.model_copy(update={"most": most})
    try:
        source = sys.stdin.buffer if str(file) == STDIN else file.open("rb")
    except OSError as missing:
        raise DataError(f"{file} cannot be read: give a file of JSON lines with `query` and `memories`") from missing
    with source:
        for line in recalled_lines(source, opened, settings):
            sys.stdout.write(line + "\n")


def fit_gate(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    seed: Annotated[int, typer.Option("--seed", help="Of the sentences drawn and of what is left out.")] = 0,
    config: Config = None,
) -> None:
    """Fit the gate of recall, and show how good it is on wordings and areas of life left out of the fit."""
    from idiolect.cli.show import console, note, table
    from idiolect.errors import BadInput
    from idiolect.features.embedder import open_embedder
    from idiolect.memory.recall.areas import shipped_corpus
    from idiolect.memory.recall.fit_gate import embedded, fit_gate
    from idiolect.settings import load_settings

    embedder = open_embedder(load_settings(config).embedder)
    if embedder is None:
        raise BadInput("the gate works on embeddings: set the embedder to minilm")
    note("embedding")
    given = embedded(shipped_corpus(seed), embedder)
    gate = fit_gate(given, embedder.name, note, seed)
    gate.save(output)
    rows = [(name, f"{value:.3f}") for name, value in gate.about.held_out.items()]
    title = f"{len(gate.about.areas)} areas of life in {output}, counts from {gate.about.threshold}"
    console().print(table(title, ("left out of the fit", "share"), rows))
