"""`idiolect mcp`: one person's memory as tools of other assistants."""

from typing import Annotated

import typer

from idiolect.cli.options import Config, StoreUrl, User
from idiolect.errors import MissingExtra

HOST = "127.0.0.1"
INSTALL = 'the tools need the official SDK, which is not installed: pip install "idiolect[mcp]"'


def mcp(
    user: User,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP on this machine instead of stdio.")] = False,
    port: Annotated[int, typer.Option("--port", help="Of --http; 0 takes a free one.")] = 8766,
    local: Annotated[
        bool, typer.Option("--local", help="The client's model runs on this machine: it may see all that is kept here.")
    ] = False,
    feedback: Annotated[
        bool,
        typer.Option("--feedback", help="Let the client hand in ratings and choices, which change what is believed."),
    ] = False,
    store: StoreUrl = None,
    config: Config = None,
) -> None:
    """Give another assistant tools to recall what one person has said, and to propose what to remember."""
    try:
        from idiolect.mcp import Tools, tool_server
    except ModuleNotFoundError as missing:
        if missing.name != "mcp":
            raise
        raise MissingExtra(INSTALL) from missing
    from idiolect.assistant import Assistant
    from idiolect.settings import load_settings

    with Assistant(settings=load_settings(config, store=store)) as assistant:
        assistant.store.user(user)  # raises BadInput for an id that is none
        server = tool_server(Tools(assistant, user, is_local=local), takes_feedback=feedback)
        if not http:
            server.run("stdio")
            return
        from idiolect.server.run import address, listen, run_app

        with listen(HOST, port) as listening:
            place = f"{address(HOST, listening)}/mcp"
            run_app(server.streamable_http_app(), listening, f"The memory of {user} is at {place}")
