"""What goes wrong behind the server: a client that leaves, an endpoint that is busy, broken, silent or cut off."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Timer

import httpx
import openai
import pytest
from openai import OpenAI

from idiolect.assistant import Assistant
from idiolect.errors import ModelUnavailable, Stopped
from idiolect.models.breaker import Breaker
from idiolect.models.connection import Connection, Patience
from idiolect.models.cutting import Watch
from idiolect.server.app import create_app
from serving import assistant_in, running
from upstream import Upstream, chunk, message, upstream

ASK = {"messages": [{"role": "user", "content": "What is the weather in Graz?"}], "idiolect": {"candidates": 1}}
AT_ONCE_S = 1.0  # the product's promise: how soon after the client the endpoint is left
SLACK_S = 4.0  # of a busy machine


@dataclass
class Place:
    assistant: Assistant
    address: str
    up: Upstream


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with (
        upstream() as up,
        assistant_in(tmp_path_factory.mktemp("up"), model="gpt-x", base_url=up.address) as assistant,
        running(create_app(assistant)) as address,
    ):
        yield Place(assistant, address, up)


@pytest.fixture
def place(standing: Place) -> Place:
    standing.up.begin_anew()
    return standing


# --- a client that leaves ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "silent"),
    [
        ({}, True),  # while the whole answer is waited for
        ({"n": 2}, True),
        ({"stream": True}, True),  # before the first word
        ({"stream": True, "n": 2}, True),
        ({"stream": True}, False),  # in the middle of a stream that stalls
    ],
)
def test_an_endpoint_is_left_at_once_when_the_client_leaves(
    place: Place, body: dict[str, object], silent: bool
) -> None:
    place.up.is_silent, place.up.stalls = silent, not silent
    place.up.chunks = [chunk({"content": "Sunny, "})]
    patience = httpx.Timeout(30, read=0.5)
    with (
        httpx.Client(base_url=place.address) as client,
        suppress(httpx.ReadTimeout),
        client.stream("POST", "/v1/chat/completions", json=ASK | body, timeout=patience) as reply,
    ):
        for _ in reply.iter_raw():
            if place.up.asked.is_set():
                break
    assert place.up.asked.wait(10)
    assert place.up.left.wait(AT_ONCE_S + SLACK_S)


@pytest.mark.parametrize("path", ["responses", "embeddings"])
def test_what_is_passed_on_is_left_too(place: Place, path: str) -> None:
    place.up.is_silent = True
    with httpx.Client(base_url=place.address) as client, pytest.raises(httpx.ReadTimeout):
        client.post(f"/v1/{path}", json={"input": "Hello"}, timeout=httpx.Timeout(30, read=0.5))
    assert place.up.asked.wait(10)
    assert place.up.left.wait(AT_ONCE_S + SLACK_S)


def test_a_request_that_is_stopped_says_so_and_leaves_the_connection_of_others_alone(place: Place) -> None:
    connection, stop = Connection(place.up.address), Event()
    place.up.reply = message("Sunny.")
    assert connection.text_of(connection.post("chat/completions", {}))  # its connection is pooled now
    place.up.is_silent = True
    Timer(0.2, stop.set).start()
    with pytest.raises(Stopped):
        connection.post("chat/completions", {}, (stop,))
    place.up.is_silent = False
    assert "Sunny" in connection.text_of(connection.post("chat/completions", {}, (Event(),)))
    connection.close()


def test_nobody_is_watched_after_the_block_has_ended() -> None:
    watch, stop, ended = Watch(), Event(), list[int]()
    with watch.over([None, stop], lambda: ended.append(1)):
        stop.set()
        while not ended:
            time.sleep(0.01)
    ended.clear()
    other = Event()
    with watch.over([other], other.clear):  # the thread looks on, at others
        time.sleep(0.3)
    assert ended == []


# --- an endpoint that fails ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_an_endpoint_that_is_busy_is_a_429_with_its_own_word_when_to_come_back(place: Place, stream: bool) -> None:
    place.up.status, place.up.headers = 429, {"Retry-After": "77"}
    place.up.raw = b'{"error": {"message": "slow down"}}'
    with (
        OpenAI(base_url=f"{place.address}/v1", api_key="none", max_retries=0) as client,
        pytest.raises(openai.RateLimitError, match="slow down") as error,
    ):
        client.chat.completions.create(
            model="gpt-x", messages=[{"role": "user", "content": "Hello there"}], stream=stream
        )
    assert error.value.response.headers["retry-after"] == "77"
    assert error.value.response.headers["x-request-id"].startswith("req-")


@pytest.mark.parametrize(
    ("status", "raw", "told"),
    [
        (500, b'{"error": {"message": "out of luck"}}', 502),
        (500, b"Traceback (most recent call last): secret.py", 502),
        (401, b'{"error": {"message": "Incorrect API key"}}', 502),
        (404, b'{"error": {"message": "no such model"}}', 404),
        (413, b"", 400),
        (200, b"<html><title>Welcome</title></html>", 502),
        (200, b"{'choices': oops", 502),
        (200, b'{"choices": []}', 502),
        (200, b'{"choices": [{"message": 5}]}', 502),
        (200, b"[1, 2]", 502),
        (200, b"", 502),
    ],
)
def test_what_no_answer_is_becomes_an_error_in_openais_shape(place: Place, status: int, raw: bytes, told: int) -> None:
    place.assistant.model._connection._breaker.succeeded()  # type: ignore[attr-defined]  # each fault by itself
    place.up.status, place.up.raw = status, raw
    for stream in (False, True):
        reply = httpx.post(f"{place.address}/v1/chat/completions", json=ASK | {"stream": stream}, timeout=30)
        assert reply.status_code == told, reply.text
        assert set(reply.json()) == {"error"}
        assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
        assert reply.headers["x-request-id"].startswith("req-")
        assert 'File "' not in reply.text
    place.assistant.model._connection._breaker.succeeded()  # type: ignore[attr-defined]  # as above


@pytest.mark.parametrize("last", [b"", b"data: {half", b'data: {"error": {"message": "overloaded"}}\n\n'])
def test_half_a_stream_ends_with_an_error_that_openais_client_raises(place: Place, last: bytes) -> None:
    whole = b'data: {"choices": [{"index": 0, "delta": {"content": "Sunny, "}}]}\n\n'
    place.up.raw, place.up.headers = whole + last, {"content-type": "text/event-stream"}
    with OpenAI(base_url=f"{place.address}/v1", api_key="none", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="gpt-x",
            messages=[{"role": "user", "content": "Hello there"}],
            stream=True,
            extra_body={"idiolect": {"candidates": 1}},
        )
        with pytest.raises(openai.APIError):
            list(stream)
    assert place.assistant.store.users() == 0  # nothing is half-written


# --- an endpoint that fails again and again ------------------------------------------------------------------------


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_try_after_its_rest() -> None:
    clock = [0.0]
    breaker = Breaker(failures=2, rest_s=10, clock=lambda: clock[0])
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.wait_s() == 0
    breaker.failed()
    assert breaker.wait_s() == 10
    clock[0] = 10.0
    assert breaker.wait_s() == 0  # one may try
    assert breaker.wait_s() == 10  # and the others wait for what becomes of it
    breaker.succeeded()
    assert breaker.wait_s() == 0


def test_an_endpoint_that_failed_five_times_is_left_alone(place: Place, tmp_path: Path) -> None:
    place.up.status, place.up.raw = 500, b"{}"
    with (
        assistant_in(tmp_path, model="gpt-x", base_url=place.up.address) as assistant,
        running(create_app(assistant)) as address,
    ):
        replies = [httpx.post(f"{address}/v1/chat/completions", json=ASK, timeout=30) for _ in range(7)]
    assert [each.status_code for each in replies] == [502] * 5 + [503] * 2
    assert len(place.up.seen) == 5
    assert replies[-1].json()["error"]["code"] == "model_unavailable"
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 10


def test_an_endpoint_that_says_no_is_not_a_broken_one(place: Place) -> None:
    connection = Connection(place.up.address, patience=Patience(attempts=1, failures=2))
    place.up.status, place.up.raw = 404, b"{}"
    for _ in range(4):
        assert connection.post("chat/completions", {}).status_code == 404
    place.up.status = 500
    for _ in range(2):
        connection.post("chat/completions", {}).close()
    with pytest.raises(ModelUnavailable, match="2 times in a row"):
        connection.post("chat/completions", {})
    connection.close()
