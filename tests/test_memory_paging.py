"""Long lists are given page by page, over HTTP and in the library."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from idiolect.errors import BadInput
from idiolect.memory.rights.paging import Page, Place, paged
from idiolect.memory.rights.seeing import Conflicts, Listing, Proposals, Trail
from idiolect.server.app import create_app
from lives import MONDAY, proposal, record, statement
from serving import assistant_in

PLACES = st.lists(st.tuples(st.integers(0, 3), st.text("abc", max_size=2)), unique=True, max_size=12)


@given(PLACES, st.integers(1, 5))
def test_pages_together_are_the_whole_list_each_line_once(places: list[tuple[int, str]], limit: int) -> None:
    lines = [(MONDAY + timedelta(days=day), name) for day, name in places]
    found, page = list[Place](), Page(limit=limit)
    while True:
        some, after = paged(lines, page, lambda line: line)
        assert len(some) <= limit
        found += some
        if after is None:
            break
        page = Page(limit=limit, after=after)
    assert found == sorted(lines)


def test_a_cursor_outlives_the_line_that_it_names() -> None:
    lines = [(MONDAY, name) for name in "abcd"]
    some, after = paged(lines, Page(limit=2), lambda line: line)
    assert some == ((MONDAY, "a"), (MONDAY, "b"))
    assert paged(lines[2:], Page(after=after), lambda line: line) == (tuple(lines[2:]), None)


def test_what_is_no_cursor_is_told() -> None:
    with pytest.raises(BadInput, match="give `next` of the page before"):
        paged([], Page(after="page 2"), lambda line: line)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with assistant_in(tmp_path) as assistant:
        ana = assistant.store.user("ana")
        record(
            ana, *(statement(f"s{number}", f"thing{number}", at=MONDAY + timedelta(days=number)) for number in range(5))
        )
        record(ana, *(proposal(f"p{number}", f"offer{number}", source="Mem0 export") for number in range(3)))
        record(ana, proposal("other", "figs"))
        with TestClient(create_app(assistant), base_url="http://127.0.0.1") as opened:
            yield opened


def test_every_list_of_the_memory_is_given_page_by_page(client: TestClient) -> None:
    def pages(path: str, **asked: str) -> Iterator[bytes]:
        after: dict[str, str] = {}
        while True:
            reply = client.get(f"/v1/users/ana{path}", params={"limit": "2", **asked, **after})
            assert reply.status_code == 200, reply.text
            yield reply.content
            if reply.json()["next"] is None:
                return
            after = {"after": reply.json()["next"]}

    listings = [Listing.model_validate_json(page) for page in pages("/memory", topic="food")]
    assert [[each.object for each in listing.statements] for listing in listings] == [
        ["thing0", "thing1"],
        ["thing2", "thing3"],
        ["thing4"],
    ]
    waiting = [Proposals.model_validate_json(page) for page in pages("/proposals", source="Mem0 export")]
    assert [len(each.proposals) for each in waiting] == [2, 1]
    lines = [line for page in pages("/audit") for line in Trail.model_validate_json(page).lines]
    assert lines == sorted(lines, key=lambda line: line.at)
    assert len(lines) == 9
    assert [Conflicts.model_validate_json(page).conflicts for page in pages("/conflicts")] == [()]
    whole = Listing.model_validate_json(client.get("/v1/users/ana/memory").content)
    assert (len(whole.statements), whole.next) == (5, None)


def test_limit_and_cursor_stand_in_the_description_and_what_they_cannot_be_is_told(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in ("memory", "proposals", "conflicts", "audit"):
        named = {each["name"]: each for each in paths[f"/v1/users/{{user}}/{path}"]["get"]["parameters"]}
        assert "`next` of the page before" in named["after"]["description"]
        assert "At most" in named["limit"]["description"]
    for asked in ({"limit": "0"}, {"limit": "1001"}, {"after": "page 2"}):
        reply = client.get("/v1/users/ana/memory", params=asked)
        assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")
