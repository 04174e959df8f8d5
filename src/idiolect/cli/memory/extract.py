"""`idiolect memory extract`: what would be read from a person's words; nothing is stored."""

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.options import Config

STDIN = "-"


def extract(
    file: Annotated[Path, typer.Argument(help="JSON lines with `text`; - reads from stdin.")],
    embedder: Annotated[
        str | None, typer.Option("--embedder", help="`minilm`, or `none` to work by words and patterns alone.")
    ] = None,
    config: Config = None,
) -> None:
    """Show what would be learnt from each line of a file, line by line as JSON. Nothing is stored."""
    import sys

    from idiolect.errors import DataError
    from idiolect.features.embedder import open_embedder
    from idiolect.memory.extraction.files import extracted_lines
    from idiolect.settings import load_settings

    opened = open_embedder(load_settings(config, embedder=embedder).embedder)
    try:
        source = sys.stdin.buffer if str(file) == STDIN else file.open("rb")
    except OSError as missing:
        raise DataError(f"{file} cannot be read: give a file of JSON lines with `text`, or - for stdin") from missing
    with source:
        for line in extracted_lines(source, opened):
            sys.stdout.write(line + "\n")
