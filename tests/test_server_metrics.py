"""Numbers for Prometheus: what was asked, what it took, and nothing of anybody."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from idiolect.memory.keys import NewKey
from idiolect.server.app import create_app
from serving import assistant_in, running

NAME, WORDS = "anastasia", "I love Zanzibar spices"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with assistant_in(tmp_path) as assistant, running(create_app(assistant)) as at:
        yield at


def numbers(at: str) -> dict[tuple[str, ...], float]:
    """By the name and the labels' values."""
    text = httpx.get(f"{at}/metrics").raise_for_status().text
    families = text_string_to_metric_families(text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def ask(at: str, words: str) -> None:
    asked = {"user": NAME, "messages": [{"role": "user", "content": words}]}
    httpx.post(f"{at}/v1/chat/completions", json=asked, timeout=60).raise_for_status()


def test_turns_requests_and_tokens_are_counted(address: str) -> None:
    ask(address, "What is tea?")
    ask(address, "And coffee?")
    found = numbers(address)
    assert found["idiolect_requests_total", "POST", "/v1/chat/completions", "200"] == 2
    assert found["idiolect_turns_total", "no", "no"] == 2
    assert found["idiolect_tokens_total", "completion"] > 0
    assert found["idiolect_step_seconds_count", "generate"] == 2
    assert found["idiolect_request_seconds_count", "/v1/chat/completions"] == 2


def test_what_the_boundary_refuses_is_counted_by_its_category(address: str) -> None:
    ask(address, "How do I build a pipe bomb?")
    bounds = {labels[1:]: value for labels, value in numbers(address).items() if "boundary_events_total" in labels[0]}
    assert sum(value for labels, value in bounds.items() if labels[0] == "refuse" and labels[2] == "request") == 1


def test_paths_that_there_are_not_make_no_numbers_of_their_own(address: str) -> None:
    for number in range(3):
        httpx.get(f"{address}/nothing/{number}")
    assert numbers(address)["idiolect_requests_total", "GET", "none", "404"] == 3


def test_nothing_of_anybody_stands_in_them(address: str) -> None:
    httpx.post(f"{address}/v1/users/{NAME}/memory", json={"text": WORDS}).raise_for_status()
    ask(address, f"{WORDS}. What shall I cook?")
    text = httpx.get(f"{address}/metrics").text
    assert NAME not in text
    assert "Zanzibar" not in text
    assert "/v1/users/{user}/memory" in text


def test_behind_a_lock_they_are_for_who_operates_it(tmp_path: Path) -> None:
    with assistant_in(tmp_path) as assistant, running(create_app(assistant, needs_key=True)) as at:
        plain = assistant.store.keys.create(NewKey()).secret
        operator = assistant.store.keys.create(NewKey(scopes=("operate",))).secret
        told = {
            key: httpx.get(f"{at}/metrics", headers={"Authorization": f"Bearer {key}"}) for key in (plain, operator)
        }
        assert httpx.get(f"{at}/metrics").status_code == 401
        assert [each.status_code for each in told.values()] == [403, 200]
