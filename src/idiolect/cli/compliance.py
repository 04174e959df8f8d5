"""`idiolect reward fit-compliance`: the scorer of statements, fitted on the text that comes with the package."""

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.options import Config


def fit_compliance(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    seed: Annotated[int, typer.Option("--seed", help="Of the answers drawn and of what is left out.")] = 0,
    config: Config = None,
) -> None:
    """Fit the scorer of whether answers respect statements, and show how good it is on areas left out of the fit."""
    from idiolect.cli.show import console, note, table
    from idiolect.errors import BadInput
    from idiolect.features.embedder import open_embedder
    from idiolect.reward.compliance.corpus import shipped_corpus
    from idiolect.reward.compliance.fit import embedded, fit_compliance, rows_of
    from idiolect.settings import load_settings

    embedder = open_embedder(load_settings(config).embedder)
    if embedder is None:
        raise BadInput("compliance is fitted on embeddings: set the embedder to minilm")
    note("embedding")
    given = embedded(shipped_corpus(seed), embedder)
    weights = fit_compliance(given, embedder.name, note, seed)
    weights.save(output)
    title = f"{weights.about.answers} answers, {len(weights.about.areas)} areas of life in {output}"
    console().print(table(title, ("left out of the fit", "right of 4"), rows_of(weights)))
