"""Start the server and keep it running."""

import ipaddress
import socket
import sys
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from idiolect.assistant import Assistant
from idiolect.errors import SettingsError
from idiolect.memory.store import open_store
from idiolect.server.app import create_app
from idiolect.server.middleware import LOCAL_HOSTS
from idiolect.settings import Settings

BACKLOG = 2048
GRACE_S = 5  # for answers that are being written when the server is told to stop


def serve(settings: Settings, *, allow_remote: bool = False) -> None:
    """Serve until interrupted; prints the address. Raises SettingsError for an address it can't or shouldn't take."""
    is_local = is_loopback(settings.host)
    needs_key = not is_local and not allow_remote
    if needs_key:
        _check_keys(settings)
    listening = listen(settings.host, settings.port)
    with listening, Assistant(settings=settings) as assistant:
        assistant.load()
        app = create_app(assistant, hosts=LOCAL_HOSTS if is_local else None, needs_key=needs_key)
        name = f"Idiolect is at {address(settings.host, listening)} (model {assistant.model.name})"
        run_app(app, listening, name)


def _check_keys(settings: Settings) -> None:
    """Raises SettingsError where nobody could come in with a key."""
    with open_store(settings.store, erasures=settings.erasures) as store:
        if not store.keys.exist():
            raise SettingsError(
                f"{settings.host} is open to other machines, and there is no key: make one with `idiolect keys "
                "create`, or listen on 127.0.0.1, or say --allow-remote if something else guards the door"
            )


def run_app(app: ASGIApp, listening: socket.socket, name: str) -> None:
    """Serve an application until interrupted; prints what it is, and where."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_S
    )
    sys.stdout.write(f"{name}; Ctrl+C stops it\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):  # uvicorn raises it anew once it has stopped
        uvicorn.Server(config).run(sockets=[listening])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address(host: str, listening: socket.socket) -> str:
    """What to open in a browser."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}"


def listen(host: str, port: int) -> socket.socket:
    """Bound before the model loads, so that a taken port is told at once."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(
            f"cannot listen on {host} port {port}: {reason}. Give another: --port, or --port 0 for a free one"
        ) from error
    return listening
