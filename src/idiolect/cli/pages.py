"""The pages of docs/ that follow from the code: `make docs` writes them, and a test compares them.

python -m idiolect.cli.pages docs
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import BaseModel
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from idiolect.cli.app import app
from idiolect.cli.papers import papers_page
from idiolect.settings import CONFIG_VARIABLE, ENV_PREFIX, FILE_NAME, Settings

PLAIN_TERMINAL = {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
NOTICE = "<!-- Written by `make docs` from the code; change it there. -->"


def help_page() -> str:
    """What `--help` prints, of every command."""
    lines = [NOTICE, "# The command"]
    for path in _paths(get_command(app), ()):
        title = " ".join(("idiolect", *path))
        lines += ["", f"## {title}", "", "```text", _help(path), "```"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Every setting with its default."""
    lines = [
        NOTICE,
        "# Settings",
        "",
        f"A setting is an argument, else a variable `{ENV_PREFIX}NAME`, else a line in a TOML file, else its default.",
        f"The file is the one that `--config` or `{CONFIG_VARIABLE}` names, else `{FILE_NAME}` in the working folder,",
        f"else `~/.config/idiolect/{FILE_NAME}`. A key that does not exist is refused, with the one that was meant.",
        "",
        "```toml",
        'model = "starter"',
        'store = "sqlite:///idiolect.db"',
        "candidates = 4",
        "```",
        "",
        "| setting | default | what it is |",
        "| --- | --- | --- |",
    ]
    return "\n".join([*lines, *_settings(Settings)]) + "\n"


def papers() -> str:
    """Every method with its papers."""
    return "\n".join([NOTICE, *papers_page()]) + "\n"


PAGES: dict[str, Callable[[], str]] = {"help.md": help_page, "settings.md": settings_page, "papers.md": papers}


def _settings(of: type[BaseModel], above: str = "") -> Iterator[str]:
    """A row for each; those within others are named with them: `prompting.retrieval.k`."""
    for name, field in of.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from _settings(type(field.default), f"{above}{name}.")
        else:
            default = "" if field.default is None else f"`{field.default}`"
            yield f"| `{above}{name}` | {default} | {_cell(field.description)} |"


def _paths(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from _paths(inner, (*path, name))


def _help(path: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(app, [*path, "--help"], prog_name="idiolect", env=PLAIN_TERMINAL, color=False)
    return "\n".join(line.rstrip() for line in shown.stdout.strip("\n").splitlines())


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def main() -> None:
    """Write every page into the folder that is named."""
    folder = Path(sys.argv[1])
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
