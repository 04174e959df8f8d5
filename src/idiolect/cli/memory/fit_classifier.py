"""`idiolect memory fit-classifier`: the one that tells lasting remarks from other talk."""

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.options import Config


def fit_classifier(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    sentences: Annotated[
        Path | None,
        typer.Option("--sentences", help="'+ ' or '- ' before each; without it, those that come with Idiolect."),
    ] = None,
    config: Config = None,
) -> None:
    """Fit the classifier of lasting remarks, and show how well it does on sentences left out of the fit."""
    from importlib.resources import files

    from idiolect.cli.show import note, working
    from idiolect.errors import BadInput, DataError
    from idiolect.features.embedder import open_embedder
    from idiolect.memory.extraction.classifier import SENTENCES, fit, read_sentences
    from idiolect.settings import load_settings

    try:
        text = (sentences or files("idiolect").joinpath("resources", SENTENCES)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{sentences} cannot be read as sentences with '+ ' or '- ' before each: {error}") from error
    said, labels = read_sentences(text)
    embedder = open_embedder(load_settings(config).embedder)
    if embedder is None:
        raise BadInput("the classifier works on embeddings: set the embedder to minilm")
    with working("fitting the classifier"):
        classifier, left_out = fit(said, labels, embedder)
    classifier.save(output)
    right = ((left_out > 0.5) == (labels > 0.5)).mean()
    note(f"{output}: {len(said)} sentences, {right:.1%} right when left out; counts from {classifier.floor:.2f}")
