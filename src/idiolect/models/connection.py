"""HTTP to an endpoint: retries, time-outs, server-sent events, and errors that never hold the key."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import NoReturn

import httpx
import numpy as np
from pydantic import BaseModel, JsonValue, ValidationError

from idiolect.errors import BadInput, ModelError, ModelTimeout, SettingsError, UnknownModel
from idiolect.models import wire

BUSY = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Patience:
    """How long an endpoint is waited for, and how often it is asked again."""

    timeout_s: float = 60  # of silence
    attempts: int = 4
    backoff_s: float = 0.5  # before the second attempt; doubled each time, and drawn between half and one and a half
    longest_wait_s: float = 30  # an endpoint that asks for more is not waited for


class _Failure(BaseModel):
    error: wire.WireError | str = ""
    detail: JsonValue = None  # FastAPI's form
    message: str = ""


class Connection:
    """A pool of connections to one endpoint. Safe to use from many threads."""

    def __init__(self, base_url: str, *, api_key: str | None = None, patience: Patience | None = None) -> None:
        url = _checked(base_url)
        self.base_url = str(url.copy_with(userinfo=b"")).rstrip("/")
        self.label = f"the endpoint {self.base_url}"
        self._patience = patience or Patience()
        self._key = _header_safe(api_key)
        self._closed = threading.Event()
        self._chance = np.random.default_rng()
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=self._patience.timeout_s,
            limits=httpx.Limits(max_connections=512, max_keepalive_connections=32),
            trust_env=not is_local(url),  # a proxy cannot reach this machine's own ports
        )

    def post(self, path: str, body: dict[str, JsonValue]) -> httpx.Response:
        """Send until an answer comes that is not "busy", or the attempts are used up. The reply's body is not read."""
        for attempt in range(self._patience.attempts):
            is_last = attempt == self._patience.attempts - 1
            asked_to_wait = 0.0
            try:
                response = self._client.send(self._client.build_request("POST", path, json=body), stream=True)
            except (httpx.ConnectError, httpx.RemoteProtocolError) as failure:
                if is_last:
                    self._lost(failure)
            except (httpx.HTTPError, RuntimeError) as failure:  # RuntimeError: the client was closed meanwhile
                self._lost(failure)
            else:
                asked_to_wait = _asked_to_wait(response)
                if response.status_code not in BUSY or is_last or asked_to_wait > self._patience.longest_wait_s:
                    return response
                response.close()
            if self._closed.wait(max(self._backoff(attempt), asked_to_wait)):
                break
        raise self._ended()

    def text_of(self, response: httpx.Response) -> str:
        """The whole body."""
        try:
            response.read()
        except httpx.HTTPError as failure:
            self._lost(failure)
        return response.text

    def events(self, response: httpx.Response) -> Iterator[str]:
        """The data of server-sent events; an endpoint that does not stream gives its whole reply as one."""
        if "text/event-stream" not in response.headers.get("content-type", ""):
            yield self.text_of(response)
            return
        try:
            for line in response.iter_lines():
                if line.startswith("data:"):
                    yield line.removeprefix("data:").strip()
        except (httpx.HTTPError, httpx.StreamError) as failure:
            self._lost(failure)
        finally:
            response.close()

    def hang_up(self, response: httpx.Response) -> None:
        """Close a reply's connection, also under a thread that is blocked in reading it."""
        if response.is_closed:
            return
        stream = response.extensions.get("network_stream")
        raw = stream.get_extra_info("socket") if stream else None
        if isinstance(raw, socket.socket):
            with suppress(OSError):  # the other side was faster
                raw.shutdown(socket.SHUT_RDWR)
        response.close()

    def check(self, response: httpx.Response, model: str) -> None:
        """Raise what a status says."""
        status = response.status_code
        if response.is_success:
            return
        said = (
            f"{self.label} answered {status} {HTTPStatus(status).phrase if status in set(HTTPStatus) else ''}".strip()
        )
        reason = self.error_of(response).message
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise ModelError(f"{said}: {reason}; check the API key")
        if status == HTTPStatus.NOT_FOUND:
            raise UnknownModel(f"{said} for the model {model!r}: {reason}; check the model's name and the base URL")
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise BadInput(f"{said}: {reason}; shorten the conversation")
        wait = _asked_to_wait(response)
        later = f"; try again in {wait:.0f} seconds" if wait else "; try again later" if status in BUSY else ""
        raise ModelError(f"{said}: {reason}{later}")

    def error_of(self, response: httpx.Response) -> wire.WireError:
        """What an endpoint says of a failure, in few words and without the key."""
        text = self.text_of(response)
        try:
            failure = _Failure.model_validate_json(text)
        except ValidationError:
            return wire.WireError(message=self.short(text))
        error = failure.error if isinstance(failure.error, wire.WireError) else wire.WireError(message=failure.error)
        message = error.message or failure.message or (json.dumps(failure.detail) if failure.detail else "")
        return error.model_copy(update={"message": self.short(message)})

    def short(self, text: str) -> str:
        """One line of a text, without the key."""
        if title := TITLE.search(text):
            text = f"an HTML page titled {title[1]!r}"
        elif text.lstrip().startswith("<"):
            text = "an HTML page"
        line = " ".join(text.split())
        line = line.replace(self._key, "***") if self._key else line
        return (line[:200] + "...") if len(line) > 200 else line or "no reason given"

    def rubbish(self, text: str) -> ModelError:
        """The error for an answer that is not in the wire format."""
        return ModelError(
            f"{self.label} answered with something that is not a chat completion ({self.short(text)}): "
            "check the base URL, which usually ends in /v1"
        )

    def close(self) -> None:
        """Close the pool; requests that wait for another attempt give up."""
        self._closed.set()
        self._client.close()

    def _backoff(self, attempt: int) -> float:
        return float(self._patience.backoff_s * 2**attempt * self._chance.uniform(0.5, 1.5))

    def _ended(self) -> ModelError:
        return ModelError(f"the connection to {self.label} was closed; open the model again")

    def _lost(self, failure: Exception) -> NoReturn:
        if self._closed.is_set():  # whatever it met then
            raise self._ended() from None
        if isinstance(failure, httpx.TimeoutException):
            seconds = f"{self._patience.timeout_s:g} seconds"
            raise ModelTimeout(f"{self.label} was silent for {seconds}; try again, or allow it more time") from None
        if isinstance(failure, httpx.ConnectError):
            raise ModelError(f"{self.label} cannot be reached ({self.short(str(failure))}): is it running?") from None
        raise ModelError(f"the connection to {self.label} broke ({self.short(str(failure))}); ask again") from None


def is_local(url: httpx.URL) -> bool:
    """Whether an address is on this machine."""
    try:
        return ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"


def _checked(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as wrong:
        raise SettingsError(f"the base URL {base_url!r} cannot be read: {wrong}") from wrong
    if url.scheme not in {"http", "https"} or not url.host:
        raise SettingsError(f"the base URL {base_url!r} needs the form http://HOST:PORT/v1")
    return url


def _header_safe(api_key: str | None) -> str | None:
    key = (api_key or "").strip()
    if not key.isascii() or not key.isprintable():
        raise SettingsError("the API key holds characters that no key has; copy it again")
    return key or None


def _asked_to_wait(response: httpx.Response) -> float:
    """Seconds in Retry-After, which may also be a date."""
    value = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
