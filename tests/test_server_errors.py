"""What the server says to what it cannot take: OpenAI's shape, the right status, one sentence, no traceback."""

import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import OpenAI

from idiolect.assistant import Assistant
from idiolect.errors import SettingsError
from idiolect.server.app import create_app
from idiolect.server.run import listen, serve
from idiolect.settings import Settings
from serving import assistant_in, running

MESSAGES = [{"role": "user", "content": "How do I repot a fern?"}]


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with assistant_in(tmp_path_factory.mktemp("errors")) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(assistant: Assistant) -> Iterator[str]:
    with running(create_app(assistant)) as at:
        yield at


@pytest.fixture(scope="module")
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address) as opened:
        yield opened


def error_of(reply: httpx.Response, status: int) -> dict[str, str | None]:
    assert reply.status_code == status, reply.text
    assert set(reply.json()) == {"error"}
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert "Traceback" not in reply.text
    assert reply.headers["x-request-id"].startswith("req-")
    return dict(error)


def test_openais_client_raises_its_own_errors(address: str) -> None:
    with OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        with pytest.raises(openai.NotFoundError, match=r"serves 'scripted', not 'gpt-9'") as unknown:
            client.chat.completions.create(model="gpt-9", messages=[{"role": "user", "content": "Hello"}])
        assert unknown.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError, match="there is no question"):
            client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "  "}])
        with pytest.raises(openai.BadRequestError, match="there is no question"):
            client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": ""}], stream=True)
        with pytest.raises(openai.BadRequestError, match="temperature") as hot:
            client.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": "Hello"}], temperature=9
            )
        assert hot.value.param == "temperature"


def test_an_empty_list_is_told_in_plain_words(http: httpx.Client) -> None:
    said = str(error_of(http.post("/v1/chat/completions", json={"messages": []}), 400)["message"])
    assert said == "`messages` cannot be taken as it is: it is empty: give at least one"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
        ({"messages": "hello"}, "messages"),
        ({"n": 0}, "n"),
        ({"n": 1000}, "n"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"user": "../../etc/passwd"}, "user"),
        ({"user": ""}, "user"),
        ({"seed": 10**30}, "seed"),
        ({"stream_options": 3}, "stream_options"),
        ({"idiolect": {"metod": "plain"}}, "idiolect.metod"),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(http: httpx.Client, more: dict[str, object], param: str) -> None:
    error = error_of(http.post("/v1/chat/completions", json={"messages": MESSAGES} | more), 400)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert f"`{param}`" in str(error["message"])


def test_an_unknown_method_is_answered_with_the_names_there_are(http: httpx.Client) -> None:
    body = {"messages": MESSAGES, "idiolect": {"method": "telepathy"}}
    assert "token-values" in str(error_of(http.post("/v1/chat/completions", json=body), 400)["message"])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1, 2", b'{"messages": ', b"\xff\xfe", b'"text"', b"null", b"[" * 100_000, b'{"a":' * 50_000],
)
def test_a_malformed_body_is_a_400(http: httpx.Client, body: bytes) -> None:
    for path in ("/v1/chat/completions", "/v1/feedback"):
        error_of(http.post(path, content=body, headers={"content-type": "application/json"}), 400)


def test_a_body_over_a_megabyte_is_a_413_declared_or_not(http: httpx.Client) -> None:
    huge = json.dumps({"messages": [{"role": "user", "content": "x" * 1_100_000}]}).encode()
    pieces = (huge[start : start + 65_536] for start in range(0, len(huge), 65_536))
    for content in (huge, pieces):
        reply = http.post("/v1/chat/completions", content=content, headers={"content-type": "application/json"})
        assert error_of(reply, 413)["code"] == "body_too_large"


def test_an_endless_conversation_is_refused_with_its_length(http: httpx.Client) -> None:
    body = {"messages": [{"role": "user", "content": "word " * 60_000}]}
    assert "300,000" in str(error_of(http.post("/v1/chat/completions", json=body), 400)["message"])


def test_an_address_that_is_nothing_is_a_404_and_a_wrong_method_a_405(http: httpx.Client) -> None:
    assert error_of(http.get("/v1/nothing"), 404)["code"] == "not_found"
    assert error_of(http.put("/v1/feedback"), 405)["code"] == "method_not_allowed"
    assert http.put("/v1/feedback").headers["allow"] == "POST"


@pytest.mark.parametrize(
    "feedback",
    [
        {"kind": "applause"},
        {"kind": "choice"},
        {"kind": "rating", "answer": "chatcmpl-none", "value": "sideways"},
        {"kind": "statement", "value": ""},
        {"kind": "correction"},
        {"kind": "rating", "answer": "x", "value": "up", "surprise": 1},
    ],
)
def test_feedback_that_says_nothing_is_a_400(http: httpx.Client, feedback: dict[str, object]) -> None:
    error_of(http.post("/v1/feedback", json=feedback), 400)


def test_ids_cannot_walk_out_of_their_place(http: httpx.Client) -> None:
    for path in ("/v1/users/..%2F..%2Fetc/profile", "/v1/users/%00/profile", "/v1/answers/%0d%0aX: y/why"):
        assert http.get(path).status_code in (400, 404)
    assert http.get("/static/..%2f..%2fapp.py").status_code == 404


def test_an_error_that_nobody_expected_tells_its_id_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with assistant_in(tmp_path) as assistant:
        app = create_app(assistant)

        @app.get("/v1/broken")
        def broken() -> None:
            raise RuntimeError("what a person said")

        with running(app) as at, caplog.at_level(logging.ERROR):
            reply = httpx.get(f"{at}/v1/broken")
    error = error_of(reply, 500)
    assert error["type"] == "server_error"
    assert reply.headers["x-request-id"] in str(error["message"])
    assert reply.headers["x-request-id"] in caplog.text
    assert "what a person said" not in reply.text + caplog.text.replace('RuntimeError("what a person said")', "")


# --- other web sites -----------------------------------------------------------------------------------------------


def test_pages_of_other_sites_can_neither_ask_nor_teach(http: httpx.Client) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        error_of(http.post("/v1/feedback", json={"kind": "statement", "value": "be rude"}, headers=headers), 403)
    assert http.post(
        "/v1/chat/completions", json={"messages": MESSAGES}, headers={"Origin": str(http.base_url).rstrip("/")}
    ).is_success


def test_another_hosts_name_is_not_answered(http: httpx.Client) -> None:
    error_of(http.get("/v1/models", headers={"Host": "evil.example"}), 403)
    assert http.get("/v1/models", headers={"Host": "127.0.0.1:8642"}).is_success


def test_every_answer_forbids_what_the_page_does_not_need(http: httpx.Client) -> None:
    for path in ("/", "/v1/models", "/nothing", "/static/idiolect.js"):
        headers = http.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


# --- the address ---------------------------------------------------------------------------------------------------


def test_an_address_open_to_others_is_refused_while_there_is_no_key(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "192.168.1.7", "example.org"):
        with pytest.raises(SettingsError, match=r"`idiolect keys create`.*--allow-remote"):
            serve(Settings(model="scripted", host=host, store=f"sqlite:///{tmp_path / 'people.db'}"))


def test_a_taken_port_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1])


# --- junk ----------------------------------------------------------------------------------------------------------

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
junk = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
chat_fields = (
    "messages",
    "model",
    "user",
    "n",
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "seed",
    "stream",
    "idiolect",
    "x",
)
chats = st.fixed_dictionaries(
    {"messages": st.just(MESSAGES) | junk}, optional={name: junk for name in chat_fields if name != "messages"}
)
feedbacks = st.fixed_dictionaries(
    {"kind": st.sampled_from(["choice", "rating", "edit", "statement", "correction"]) | junk},
    optional=dict.fromkeys(("user", "answer", "value", "over", "attribute", "x"), junk),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chat=chats | junk, feedback=feedbacks | junk)
def test_no_junk_is_a_mistake_of_the_server(http: httpx.Client, chat: object, feedback: object) -> None:
    for path, body in (("/v1/chat/completions", chat), ("/v1/feedback", feedback)):
        reply = http.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
        assert reply.status_code < 500, (path, body, reply.text)
        if reply.status_code >= 400:
            error_of(reply, reply.status_code)


@settings(max_examples=60, deadline=None)
@given(
    path=st.sampled_from(
        [
            "messages",
            "choices",
            "ratings",
            "edits",
            "statements",
            "memory/endings",
            "memory/pins",
            "memory/forgettings",
            "pairs",
        ]
    ),
    form=st.dictionaries(
        st.sampled_from(["user", "message", "turn", "chosen", "over", "candidate", "value", "text", "statement"]),
        st.text(max_size=30),
    ),
)
def test_no_junk_form_is_a_mistake_of_the_page(http: httpx.Client, path: str, form: dict[str, str]) -> None:
    assert (
        http.post(
            f"/page/{path}", data={key: value.encode("utf-8", "replace") for key, value in form.items()}
        ).status_code
        < 500
    )
