"""The scripted model behind a real socket, in the OpenAI wire format, with faults that can be switched on.

with ScriptedEndpoint() as endpoint:
    endpoint.fail(Fault.BUSY)
    model = open_model("scripted", base_url=endpoint.base_url)
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TypeAlias

from pydantic import JsonValue

from idiolect.models.protocol import Request
from idiolect.models.scripted import Scripted, tokens
from idiolect.schema import Completion, Message, Sampling


class Fault(Enum):
    """What goes wrong with the next request."""

    BUSY = auto()  # 429, may be asked again at once
    BUSY_FOR_LONG = auto()  # 429, to be asked again in an hour
    UNAVAILABLE = auto()  # 503
    BROKEN = auto()  # 500
    WRONG_KEY = auto()  # 401, and the key is said aloud
    NO_SUCH_MODEL = auto()  # 404
    TOO_LONG = auto()  # 400, the prompt does not fit
    SILENT = auto()  # no answer until the endpoint closes
    RUBBISH = auto()  # 200 with something that is not JSON
    HTML = auto()  # 200 with a web page
    NO_CHOICES = auto()  # 200 with a reply that holds no answer
    HALF_A_STREAM = auto()  # the connection is cut after three words
    STALLED_STREAM = auto()  # three words, then nothing until the endpoint closes


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, JsonValue]


Reply: TypeAlias = Callable[[dict[str, JsonValue]], Mapping[str, JsonValue]]  # a request's body -> the reply's


@dataclass
class Behaviour:
    """What the endpoint does with a request; it can be changed at any time."""

    ignores_n: bool = False
    counts_tokens: bool = True
    streams: bool = True
    unsupported: set[str] = field(default_factory=set)  # parameters refused in OpenAI's way
    pause_s: float = 0.0  # between the pieces of a stream
    faults: list[Fault] = field(default_factory=list)  # the next request takes the first
    replies: dict[str, Reply] = field(default_factory=dict)  # by path, as "/moderations": in the model's place


class ScriptedEndpoint:
    """An HTTP server on a free loopback port."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self.seen: list[Seen] = []
        self.hung_up = threading.Event()  # a client left in the middle of a stream
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def fail(self, *faults: Fault) -> None:
        """Let the next requests fail, one fault each."""
        self.behaviour.faults.extend(faults)

    def __enter__(self) -> "ScriptedEndpoint":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(endpoint: ScriptedEndpoint) -> type["_Handler"]:
    return type("Handler", (_Handler,), {"endpoint": endpoint})


class _Handler(BaseHTTPRequestHandler):
    endpoint: ScriptedEndpoint
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.endpoint.seen.append(Seen(self.path, dict(self.headers), body))
        faults = self.endpoint.behaviour.faults
        fault = faults.pop(0) if faults else None
        if fault in FAULTS:
            FAULTS[fault](self)
        elif refused := sorted(self.endpoint.behaviour.unsupported & body.keys()):
            message = f"Unsupported parameter: '{refused[0]}' is not supported with this model."
            self.refuse(HTTPStatus.BAD_REQUEST, message, code="unsupported_parameter", param=refused[0])
        elif reply := self.endpoint.behaviour.replies.get(self.path.removeprefix("/v1")):
            self.send(HTTPStatus.OK, json.dumps(reply(body)))
        elif body.get("stream") and self.endpoint.behaviour.streams:
            self._stream(_request(body), fault)
        else:
            self._answer(_request(body), 1 if self.endpoint.behaviour.ignores_n else body.get("n", 1))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Nothing: the standard library would write each request to stderr."""

    def send(self, status: HTTPStatus, text: str, kind: str = "application/json", **headers: str) -> None:
        data = text.encode()
        self.send_response(status)
        fields = {"Content-Type": kind, "Content-Length": str(len(data))} | headers
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status: HTTPStatus, message: str, code: str, param: str | None = None, **headers: str) -> None:
        self.send(status, json.dumps({"error": {"message": message, "code": code, "param": param}}), **headers)

    def wait_until_closed(self) -> None:
        self.endpoint.closing.wait(60)
        self.close_connection = True

    def _answer(self, request: Request, n: int) -> None:
        whole = Scripted().complete(request, n)
        choices = [
            {"index": at, "message": {"role": "assistant", "content": one.text}, "finish_reason": one.finish_reason}
            for at, one in enumerate(whole)
        ]
        self.send(HTTPStatus.OK, json.dumps({"object": "chat.completion", "choices": choices} | self._usage(whole)))

    def _stream(self, request: Request, fault: Fault | None) -> None:
        (whole,) = Scripted().complete(request)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self._event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
            for count, piece in enumerate(tokens(whole.text)):
                if fault and count == 3:
                    return self.wait_until_closed() if fault is Fault.STALLED_STREAM else None
                self._event({"choices": [{"index": 0, "delta": {"content": piece}}]})
                self.endpoint.closing.wait(self.endpoint.behaviour.pause_s)
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": whole.finish_reason}]})
            self._event({"choices": []} | self._usage([whole]))
            self.wfile.write(b": a comment, as some send to keep a connection open\n\ndata: [DONE]\n\n")
        except (BrokenPipeError, ConnectionResetError):
            self.endpoint.hung_up.set()

    def _event(self, chunk: Mapping[str, object]) -> None:
        self.wfile.write(f"data: {json.dumps({'object': 'chat.completion.chunk'} | dict(chunk))}\n\n".encode())

    def _usage(self, whole: Sequence[Completion]) -> dict[str, object]:
        if not self.endpoint.behaviour.counts_tokens:
            return {}
        counted = sum(one.completion_tokens for one in whole)
        return {"usage": {"prompt_tokens": whole[0].prompt_tokens, "completion_tokens": counted}}


FAULTS: dict[Fault, Callable[[_Handler], None]] = {
    Fault.BUSY: lambda it: it.refuse(HTTPStatus.TOO_MANY_REQUESTS, "slow down", "rate_limit", Retry_After="0"),
    Fault.BUSY_FOR_LONG: lambda it: it.refuse(
        HTTPStatus.TOO_MANY_REQUESTS, "slow down", "rate_limit", Retry_After="3600"
    ),
    Fault.UNAVAILABLE: lambda it: it.send(HTTPStatus.SERVICE_UNAVAILABLE, "loading", "text/plain"),
    Fault.BROKEN: lambda it: it.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "out of luck", "server_error"),
    Fault.WRONG_KEY: lambda it: it.refuse(
        HTTPStatus.UNAUTHORIZED, f"Incorrect API key: {it.headers['Authorization']}", "invalid_api_key"
    ),
    Fault.NO_SUCH_MODEL: lambda it: it.refuse(HTTPStatus.NOT_FOUND, "no such model", "model_not_found"),
    Fault.TOO_LONG: lambda it: it.refuse(HTTPStatus.BAD_REQUEST, "the prompt is too long", "context_length_exceeded"),
    Fault.SILENT: lambda it: it.wait_until_closed(),
    Fault.RUBBISH: lambda it: it.send(HTTPStatus.OK, "{'choices': oops"),
    Fault.HTML: lambda it: it.send(HTTPStatus.OK, "<html><title>Welcome</title>Log in</html>", "text/html"),
    Fault.NO_CHOICES: lambda it: it.send(HTTPStatus.OK, '{"choices": []}'),
}


def _request(body: dict[str, JsonValue]) -> Request:
    """A request as the scripted model takes it; fields that it has no use for are in `Seen`."""
    given = {name: body[name] for name in Sampling.model_fields.keys() & body.keys()}
    if "max_completion_tokens" in body:
        given["max_tokens"] = body["max_completion_tokens"]
    if isinstance(given.get("stop"), str):
        given["stop"] = [given["stop"]]
    messages = body["messages"] if isinstance(body["messages"], list) else []
    return Request(tuple(Message.model_validate(message) for message in messages), Sampling.model_validate(given))
