"""The lock: which key opens which door, and whose people stand behind it."""

import base64
import binascii
import time
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from idiolect.errors import IdiolectError, InsufficientScope, InvalidApiKey
from idiolect.memory import keys
from idiolect.memory.keys import MARK, Key, Keys
from idiolect.server.errors import API, as_wire, reply, retrying

OPEN = ("/healthz", "/readyz", "/static/", "/openapi.json")  # nothing of a person stands there
CHAT = ("/v1/chat/", "/v1/completions", "/v1/responses", "/v1/embeddings", "/v1/models")
OPERATE = ("/metrics", "/operator")
TOOLS = ("/mcp",)
READ = ("GET", "HEAD", "OPTIONS")
KEY = "idiolect_key"  # in the state of a request
GLANCE_S = 1.0  # how old the knowledge may be that there is no key yet
ASK_API, ASK_PAGE = "Bearer", 'Basic realm="Idiolect: any name, and a key as the password", charset="UTF-8"'


@dataclass
class Lock:
    """Refuses who has no key, once there is one or where one `is_demanded`; notes the key of who has.

    A program sends its key as `Authorization: Bearer`; a browser asks its person for it, as the password of any name.
    What is no key of ours (OpenAI's clients must send something) is passed over where none is needed.
    """

    app: ASGIApp
    keys: Keys
    is_demanded: bool = False
    _looked: float = field(default=-GLANCE_S, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what a key opens, or what needs none."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        door, secret = door_of(scope["method"], scope["path"]), secret_of(Headers(scope=scope))
        try:
            if secret.startswith(f"{MARK}_"):
                key = await run_in_threadpool(self.keys.admitted, secret)
                check_scope(key, door)
                scope.setdefault("state", {})[KEY] = key
            elif door is not None and await self._needs_key():
                raise InvalidApiKey(
                    "this server asks for a key: send it as `Authorization: Bearer idk_...`; "
                    "`idiolect keys create` makes one"
                )
        except IdiolectError as refused:
            await refusal(Request(scope), refused)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _needs_key(self) -> bool:
        if not self.is_demanded and time.monotonic() - self._looked >= GLANCE_S:
            self.is_demanded = await run_in_threadpool(self.keys.exist)
            self._looked = time.monotonic()
        return self.is_demanded


def door_of(method: str, path: str) -> keys.Scope | None:
    """What a key must be able to do for a request; None: anybody may. What is not listed is the page's."""
    if path.startswith(OPEN):
        return None
    if path.startswith(CHAT):
        return "chat"
    if path.startswith(OPERATE):
        return "operate"
    if path.startswith(TOOLS):
        return "write"
    if path.startswith("/v1/"):
        return "read" if method in READ else "write"
    return "page"


def secret_of(headers: Headers) -> str:
    """What was sent as a key; empty where nothing was."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def check_scope(key: Key, door: keys.Scope | None) -> None:
    """Raise InsufficientScope where a key does not open a door."""
    if door is not None and door not in key.scopes:
        can = ", ".join(key.scopes)
        raise InsufficientScope(f"this key cannot {keys.SCOPES[door]} (scope {door!r}); it has {can}: ask for another")


def key_of(request: Request) -> Key | None:
    """The key of a request, if it has one."""
    key = request.scope.get("state", {}).get(KEY)
    assert key is None or isinstance(key, Key)
    return key


def refusal(request: Request, refused: IdiolectError) -> ASGIApp:
    """The answer to a request that its key does not open, with how to ask again."""
    headers = {}
    if isinstance(refused, InvalidApiKey):
        headers["WWW-Authenticate"] = ASK_API if request.url.path.startswith(API) else ASK_PAGE
    return reply(request, refused.status, as_wire(refused), headers | retrying(refused))
