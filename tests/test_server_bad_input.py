"""What no client sends by accident: raw bytes on the socket, slow and huge bodies, keys and ids with tricks in them."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from idiolect.assistant import Assistant
from idiolect.server.middleware import BodyLimit
from serving import assistant_in, running

CHAT = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with assistant_in(tmp_path_factory.mktemp("bad")) as opened:
        yield opened


def answered(address: str, *pieces: bytes) -> str:
    """All that comes back to these bytes."""
    place = urlsplit(address)
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=20) as raw:
        for piece in pieces:
            raw.sendall(piece)
        said = b""
        while more := raw.recv(65_536):
            said += more
    return said.decode("utf-8", "replace")


def error_in(said: str, status: int) -> str:
    head, _, body = said.partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} "), said
    assert "x-request-id: req-" in head.lower()
    assert "Traceback" not in said
    return str(json.loads(body)["error"]["code"])


def test_ten_megabytes_are_refused_whether_they_are_declared_or_not(address: str) -> None:
    declared = f"{CHAT}Content-Type: application/json\r\nContent-Length: 10000000\r\n\r\n".encode()
    assert error_in(answered(address, declared), 413) == "body_too_large"
    body = (b'{"messages": "' + b"x" * 65_000 for _ in range(160))
    reply = httpx.post(f"{address}/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 413


def test_a_body_that_stops_coming_is_a_408() -> None:
    app = FastAPI()
    app.add_middleware(BodyLimit, silence_s=0.2)
    with running(app) as at:
        begun = f"{CHAT}Content-Length: 100\r\n\r\n{{".encode()
        said = answered(at, begun)
    assert said.startswith("HTTP/1.1 408 ")
    assert json.loads(said.partition("\r\n\r\n")[2])["error"]["code"] == "request_timeout"


@pytest.mark.parametrize(
    "header",
    [
        "X-Idiolect-User: ana%0d%0aSet-Cookie: a=b",
        "X-Idiolect-User: ../../etc/passwd",
        "X-Idiolect-User: " + "a" * 200,
        "X-Idiolect-User: acme::ana",
        "X-Idiolect-Candidates: 99999",
        "X-Idiolect-Country: XX",
    ],
)
def test_a_header_with_tricks_in_it_is_refused_and_repeated_in_no_header(address: str, header: str) -> None:
    body = '{"messages": [{"role": "user", "content": "Hello there"}]}'
    fields = f"{header}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    said = answered(address, f"{CHAT}{fields}{body}".encode())
    error_in(said, 404 if "acme::" in header else 400)
    assert "set-cookie" not in said.partition("\r\n\r\n")[0].lower()


@pytest.mark.parametrize(
    "kind",
    ["Bearer", "Basic !!!", "Basic " + "A" * 3, "Basic /////w==", "Digest x", "idk_1", "Bearer \xff"],
)
def test_what_is_no_key_is_passed_over_where_none_is_needed(address: str, kind: str) -> None:
    reply = httpx.get(f"{address}/v1/models", headers={b"Authorization": kind.encode("latin-1")})
    assert reply.status_code == 200


@pytest.mark.parametrize("path", ["memory/..%2f..%2fben", "memory/%00", "memory/" + "a" * 5000, "..%2fben/profile"])
def test_an_id_with_tricks_in_it_leads_nowhere(address: str, path: str) -> None:
    reply = httpx.get(f"{address}/v1/users/ana/{path}")
    assert reply.status_code in (400, 404)
    assert set(reply.json()) == {"error"}
