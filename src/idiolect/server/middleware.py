"""What every request passes, as plain ASGI: an id, a last resort, a doorkeeper, a limit, and safe headers."""

import logging
import re
import traceback
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import uuid4

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idiolect.server.errors import json_reply, wire_error

logger = logging.getLogger(__name__)

LONGEST_BODY = 1_000_000  # bytes
SILENCE_S = 30.0  # that a client may keep in the middle of its body
LONGEST_UPLOAD = 64_000_000  # bytes, of a memory that is brought along
UPLOAD = re.compile(r"/v1/users/[^/]+/(?:import|restore)")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SAFE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class SafeHeaders:
    """Headers that keep a page from doing what it was not written to do; what is not a file is never cached."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; add headers to the answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
                is_file = scope["path"].startswith("/static/")
                headers.setdefault("Cache-Control", "no-cache" if is_file else "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


@dataclass(frozen=True)
class LastResort:
    """Gives each request an id; an error that nobody expected becomes a 500 that tells nothing but the id.

    The log gets the kind of error and where it was raised, not its text, which may hold what a person said.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; answer in the app's place when it fails."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, has_started = f"req-{uuid4().hex}", False

        async def with_id(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, with_id)
        except Exception as error:  # noqa: BLE001 - the last resort: logged with its place, and answered
            places = "".join(traceback.format_tb(error.__traceback__))
            logger.error("%s failed: %s\n%s", request_id, type(error).__name__, places)  # noqa: TRY400 - not its text
            if not has_started:
                status = HTTPStatus.INTERNAL_SERVER_ERROR
                said = f"the server made a mistake; its log says where, under {request_id}"
                await json_reply(status, wire_error(status, said, code="internal_error"))(scope, receive, with_id)


@dataclass(frozen=True)
class Doorkeeper:
    """Turns away other web sites: a request for another host's name, or one that another site's page makes.

    A server on the own machine is reachable from every page that the person has open; no key guards it.
    """

    app: ASGIApp
    hosts: Collection[str] | None = LOCAL_HOSTS  # None: any

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes from here."""
        if scope["type"] == "http" and (objection := self.objection(scope["method"], Headers(scope=scope))):
            status = HTTPStatus.FORBIDDEN
            await json_reply(status, wire_error(status, objection, code="forbidden"))(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def objection(self, method: str, headers: Headers) -> str | None:
        """What is wrong with where a request comes from, if anything."""
        host = headers.get("host", "")
        if self.hosts is not None and hostname(host) not in self.hosts:
            return f"this server answers only as {', '.join(self.hosts)}: open it under one of these names"
        origin = headers.get("origin")
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site") or (
            origin is not None and urlsplit(origin).netloc != host
        )
        if foreign and method not in SAFE_METHODS:
            return "a page of another web site asked for this; only this server's own page and programs may"
        return None


def hostname(host: str) -> str:
    """`[::1]:8000` -> `::1`."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True)
class BodyLimit:
    """Reads a body before anything else does, so that a huge or a slow one costs no thread."""

    app: ASGIApp
    longest: int = LONGEST_BODY
    longest_upload: int = LONGEST_UPLOAD
    silence_s: float = SILENCE_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with the body in one piece."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        is_upload = UPLOAD.fullmatch(scope["path"]) is not None
        longest = self.longest_upload if is_upload else self.longest
        declared = Headers(scope=scope).get("content-length", "")
        is_huge = declared.isdecimal() and int(declared) > longest
        try:
            body = b"" if is_huge else await self._read(receive, longest)
        except TimeoutError:
            status = HTTPStatus.REQUEST_TIMEOUT
            said = f"the body stopped coming for {self.silence_s:g} seconds: send it again"
            await json_reply(status, wire_error(status, said, code="request_timeout"))(scope, receive, send)
            return
        if body is None:
            return  # the client left
        if is_huge or len(body) > longest:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            instead = "`idiolect memory` takes files of any size" if is_upload else "send less of the conversation"
            said = f"the body is larger than {longest:,} bytes: {instead}"
            await json_reply(status, wire_error(status, said, code="body_too_large"))(scope, receive, send)
            return
        is_read = False

        async def replay() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    async def _read(self, receive: Receive, longest: int) -> bytes | None:
        pieces = bytearray()
        while len(pieces) <= longest:
            with anyio.fail_after(self.silence_s):
                message = await receive()
            if message["type"] == "http.disconnect":
                return None
            pieces += message.get("body", b"")
            if not message.get("more_body", False):
                break
        return bytes(pieces)
