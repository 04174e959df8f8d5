"""The command `idiolect`. A command parses, calls one library function, prints: data to stdout, progress to stderr."""

from idiolect.cli.app import app, main

__all__ = ["app", "main"]
