"""`idiolect memory extract`: what would be read from a person's words; nothing is stored."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.options import BaseUrl, Config, ModelName, opened_model

STDIN = "-"


def extract(
    file: Annotated[Path, typer.Argument(help="JSON lines with `text`; - reads from stdin.")],
    embedder: Annotated[
        str | None, typer.Option("--embedder", help="`minilm`, or `none` to work by words and patterns alone.")
    ] = None,
    by_model: Annotated[
        bool, typer.Option("--by-model", help="Let the language model read them; it must follow a JSON schema.")
    ] = False,
    model: ModelName = None,
    base_url: BaseUrl = None,
    config: Config = None,
) -> None:
    """Show what would be learnt from each line of a file, line by line as JSON. Nothing is stored."""
    import sys

    from idiolect.errors import DataError
    from idiolect.features.embedder import open_embedder
    from idiolect.memory.extraction.by_model import extract_with
    from idiolect.memory.extraction.files import extracted_lines
    from idiolect.memory.extraction.reading import extract as read
    from idiolect.settings import load_settings

    settings = load_settings(config, embedder=embedder, model=model, base_url=base_url)
    try:
        source = sys.stdin.buffer if str(file) == STDIN else file.open("rb")
    except OSError as missing:
        raise DataError(f"{file} cannot be read: give a file of JSON lines with `text`, or - for stdin") from missing
    with source, ExitStack() as opened:
        if by_model:
            reader = partial(extract_with, opened.enter_context(opened_model(settings)))
        else:
            reader = partial(read, embedder=open_embedder(settings.embedder))
        for line in extracted_lines(source, reader):
            sys.stdout.write(line + "\n")
