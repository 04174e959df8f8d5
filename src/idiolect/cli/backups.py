"""`idiolect backup` and `restore`: copies of the store, and the way back."""

from pathlib import Path
from typing import Annotated

import typer

from idiolect.cli.options import Config, StoreUrl


def backup(
    file: Annotated[Path, typer.Argument(help="The new file; one that exists is not overwritten.")],
    store: StoreUrl = None,
    config: Config = None,
) -> None:
    """Copy the store into a file, while it is in use. What is erased later is erased again when it is restored."""
    from idiolect.cli.show import note, working
    from idiolect.memory.backups import back_up
    from idiolect.settings import load_settings

    settings = load_settings(config, store=store)
    with working("copying"):
        size = back_up(settings.store, file)
    note(f"{file}: {size / 1e6:.1f} MB; `idiolect restore {file}` puts it back")


def restore(
    file: Annotated[Path, typer.Argument(help="What `idiolect backup` wrote.")],
    store: StoreUrl = None,
    config: Config = None,
) -> None:
    """Put a backup in the store's place, once nothing has the store open; the old one is kept beside it."""
    from idiolect.cli.show import note, working
    from idiolect.memory.backups import restore as put_back
    from idiolect.settings import load_settings

    settings = load_settings(config, store=store)
    with working("restoring"):
        aside = put_back(settings.store, file, settings.erasures)
    kept = f"; the one before lies at {aside}: delete it in time, an erasure does not reach it" if aside else ""
    note(f"{file} is restored, and what was erased since is erased in it{kept}")
