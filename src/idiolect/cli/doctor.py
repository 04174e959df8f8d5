"""`idiolect doctor`: checks everything that an answer needs, and says how to mend what fails."""

import typer

from idiolect.cli.options import BaseUrl, Config, Json, ModelName, StoreUrl


def doctor(
    model: ModelName = None,
    store: StoreUrl = None,
    base_url: BaseUrl = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Check Python, packages, weights, store, model, embedder, boundary, port and disk; exit code 1 if any fails."""
    from idiolect.cli.checks import examined
    from idiolect.cli.show import console, printed_json, table, working
    from idiolect.settings import load_settings

    with working("checking"):
        report = examined(load_settings(config, model=model, store=store, base_url=base_url))
    if json:
        printed_json(report)
    else:
        rows = [(each.name, "ok" if each.ok else "FAILED", each.detail) for each in report.checks]
        console().print(table("idiolect doctor", ("check", "", "detail"), rows))
    if not report.ok:
        raise typer.Exit(1)
