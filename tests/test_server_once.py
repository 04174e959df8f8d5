"""Feedback that is sent again, since its answer was lost on the way, teaches once."""

from collections.abc import Iterator

import httpx
import pytest

from idiolect.assistant import Assistant
from idiolect.server.app import create_app
from idiolect.server.describing import EXAMPLES
from serving import assistant_in, running


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with assistant_in(tmp_path_factory.mktemp("once")) as opened:
        yield opened


@pytest.fixture(scope="module")
def http(assistant: Assistant) -> Iterator[httpx.Client]:
    with running(create_app(assistant)) as at, httpx.Client(base_url=at, timeout=30) as opened:
        yield opened


def test_the_same_feedback_with_the_same_key_teaches_once(http: httpx.Client, assistant: Assistant) -> None:
    said = {"messages": [{"role": "user", "content": "Where to?"}], "user": "ana", "idiolect": {"candidates": 2}}
    candidates = http.post("/v1/chat/completions", json=said).json()["idiolect"]["candidates"]
    attribute = http.get("/v1/users/ana/profile").json()["tastes"][0]["attribute"]
    for number, feedback in enumerate(
        (
            {"kind": "choice", "answer": candidates[0], "over": candidates[1]},
            {"kind": "rating", "answer": candidates[0], "value": "up"},
            {"kind": "edit", "answer": candidates[0], "value": "Go by train."},
            {"kind": "statement", "value": "I prefer quiet hotels."},
            {"kind": "correction", "attribute": attribute, "value": 1.5},
        )
    ):
        before = len(assistant.store.user("ana").events())
        replies = [
            http.post("/v1/feedback", json={"user": "ana", **feedback}, headers={"Idempotency-Key": f"try {number}"})
            for _ in range(3)
        ]
        assert [each.status_code for each in replies] == [200] * 3, replies[-1].text
        assert len({each.json()["evidence"] for each in replies}) == 1
        assert len(assistant.store.user("ana").events()) == before + 1


def test_a_key_that_was_used_for_something_else_is_a_conflict(http: httpx.Client) -> None:
    def say(user: str, words: str) -> httpx.Response:
        body = {"user": user, "kind": "statement", "value": words}
        return http.post("/v1/feedback", json=body, headers={"Idempotency-Key": "one"})

    assert say("ben", "I prefer quiet hotels.").status_code == 200
    other = say("ben", "I prefer loud hotels.")
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_conflict"
    assert say("carla", "I prefer loud hotels.").status_code == 200  # a key is of one person


def test_every_body_that_can_be_sent_has_an_example_that_is_taken(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    sent = {
        f"{method} {path}": operation["requestBody"]["content"]["application/json"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert sent.keys() == EXAMPLES.keys()
    for name, content in sent.items():
        method, path = name.split(" ")
        places = {"user": "ana", "answer": "chatcmpl-none", "statement": "evt-none", "name": "idiolect"}
        reply = http.request(method, path.format(**places), json=content["example"])
        is_understood = reply.is_success or reply.status_code == 404 or "no " in reply.json()["error"]["message"]
        assert is_understood, (name, reply.text)
    assert "HTTPValidationError" not in document["components"]["schemas"]
