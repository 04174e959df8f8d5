"""HTTP to an endpoint: retries, time-outs, server-sent events, and errors that never hold the key."""

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from threading import Event, get_ident
from typing import NoReturn, TypeAlias

import httpx
import numpy as np
from pydantic import BaseModel, JsonValue, ValidationError

from idiolect.errors import (
    BadInput,
    ModelBusy,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    SettingsError,
    UnknownModel,
)
from idiolect.models import wire
from idiolect.models.breaker import Breaker
from idiolect.models.cutting import LOOK_S, Cutter, Watch, shut
from idiolect.models.wire import go_on

Stops: TypeAlias = Sequence[Event | None]  # set when whoever asked has left

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
    failures: int = 5  # requests in a row that came to nothing, before the endpoint is left alone
    rest_s: float = 10  # for so long


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
        self._breaker = Breaker(self._patience.failures, self._patience.rest_s)
        self._cutter, self._watch = Cutter(), Watch()
        self._chance = np.random.default_rng()
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=self._patience.timeout_s,
            limits=httpx.Limits(max_connections=512, max_keepalive_connections=32),
            trust_env=not is_local(url),  # a proxy cannot reach this machine's own ports
        )
        self._cutter.serve(self._client)

    def post(self, path: str, body: dict[str, JsonValue], stops: Stops = ()) -> httpx.Response:
        """Send until an answer comes that is not "busy", or the attempts are used up. The reply's body is not read.

        Raises Stopped soon after one of `stops` is set, and ModelUnavailable for an endpoint that failed too often.
        """
        return self._send("POST", path, body, stops)

    def get(self, path: str, stops: Stops = ()) -> httpx.Response:
        """The same, of what is only read."""
        return self._send("GET", path, None, stops)

    @contextmanager
    def cut_when(self, stops: Stops, response: httpx.Response) -> Iterator[None]:
        """Break a reply off when one of `stops` is set; then Stopped is raised."""
        with self._watch.over(stops, partial(self.hang_up, response)):
            yield

    def _send(self, method: str, path: str, body: dict[str, JsonValue] | None, stops: Stops) -> httpx.Response:
        self._check_breaker()
        for attempt in range(self._patience.attempts):
            is_last = attempt == self._patience.attempts - 1
            asked_to_wait = 0.0
            self._cutter.leave()  # of what this thread used before
            try:
                with self._watch.over(stops, partial(self._cutter.cut, get_ident())):
                    response = self._client.send(self._client.build_request(method, path, json=body), stream=True)
            except (httpx.HTTPError, RuntimeError) as failure:  # RuntimeError: the client was closed meanwhile
                go_on(*stops)
                if is_last or not isinstance(failure, httpx.ConnectError | httpx.RemoteProtocolError):
                    self._lost(failure)
            else:
                asked_to_wait = _asked_to_wait(response)
                if response.status_code not in BUSY or is_last or asked_to_wait > self._patience.longest_wait_s:
                    self._note(response)
                    return response
                response.close()
            if self._has_to_end(max(self._backoff(attempt), asked_to_wait), stops):
                break
        go_on(*stops)
        raise self._ended()

    def _has_to_end(self, wait_s: float, stops: Stops) -> bool:
        """Wait for the next attempt; whether there is to be none."""
        until = time.monotonic() + wait_s
        while (left := until - time.monotonic()) > 0 and not any(stop and stop.is_set() for stop in stops):
            if self._closed.wait(min(left, LOOK_S)):
                return True
        return any(stop and stop.is_set() for stop in stops)

    def _check_breaker(self) -> None:
        if wait := self._breaker.wait_s():
            error = ModelUnavailable(f"{self.label} failed {self._patience.failures} times in a row: it is left alone")
            error.retry_after_s = wait
            raise error

    def _note(self, response: httpx.Response) -> None:
        """A reply that says "busy" or refuses comes from an endpoint that works."""
        is_broken = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        self._breaker.failed() if is_broken else self._breaker.succeeded()

    def text_of(self, response: httpx.Response, stops: Stops = ()) -> str:
        """The whole body."""
        try:
            with self.cut_when(stops, response):
                response.read()
        except (httpx.HTTPError, httpx.StreamError) as failure:
            go_on(*stops)
            self._lost(failure)
        return response.text

    def events(self, response: httpx.Response, stops: Stops = ()) -> Iterator[str]:
        """The data of server-sent events; an endpoint that does not stream gives its whole reply as one."""
        if "text/event-stream" not in response.headers.get("content-type", ""):
            yield self.text_of(response, stops)
            return
        try:
            with self.cut_when(stops, response):
                for line in response.iter_lines():
                    if line.startswith("data:"):
                        yield line.removeprefix("data:").strip()
        except (httpx.HTTPError, httpx.StreamError) as failure:
            go_on(*stops)
            self._lost(failure)
        finally:
            response.close()

    def pieces_of(self, response: httpx.Response, stops: Stops = ()) -> Iterator[bytes]:
        """The body as it comes."""
        try:
            with self.cut_when(stops, response):
                yield from response.iter_bytes()
        except (httpx.HTTPError, httpx.StreamError) as failure:
            go_on(*stops)
            self._lost(failure)

    def hang_up(self, response: httpx.Response) -> None:
        """Close a reply's connection, also under a thread that is blocked in reading it."""
        if response.is_closed:
            return
        shut(response.extensions.get("network_stream"))
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
        kind = ModelBusy if status == HTTPStatus.TOO_MANY_REQUESTS else ModelError
        failed = kind(f"{said}: {reason}{later}")
        failed.retry_after_s = wait or None
        raise failed

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
        self._breaker.failed()
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
