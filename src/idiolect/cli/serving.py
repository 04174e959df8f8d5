"""`idiolect serve`: the OpenAI-compatible server with its page."""

from typing import Annotated

import typer

from idiolect.cli.options import Config, MethodName, ModelName, StoreUrl

Upstream = Annotated[
    str | None,
    typer.Option("--upstream", "--base-url", help="An OpenAI-compatible endpoint, whose models are served."),
]


def serve(
    model: ModelName = None,
    store: StoreUrl = None,
    base_url: Upstream = None,
    method: MethodName = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 takes a free one.")] = None,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Listen beyond this machine and ask nobody for a key: something else guards the door.",
        ),
    ] = False,
    config: Config = None,
) -> None:
    """Start the server and its page, and print the address."""
    from idiolect.server.run import serve as run
    from idiolect.settings import load_settings

    run(
        load_settings(
            config,
            model=model,
            store=store,
            base_url=base_url,
            method=method,
            host=host,
            port=port,
        ),
        allow_remote=allow_remote,
    )
