"""The shop's page: over HTTP, and in a real Chromium."""

from collections.abc import Iterator

import httpx
import pytest
from examples.shop.adviser import QUESTIONS
from examples.shop.notebook import Notebook
from examples.shop.opening import opened as opened_shop
from examples.shop.page import Counter, create_app
from playwright.sync_api import expect

from browsing import DESKTOP, FITS, IDS, NAMELESS, PHONE, Opened, needs_chromium
from serving import assistant_in, running


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    folder = tmp_path_factory.mktemp("shop")
    with assistant_in(folder) as assistant:
        yield Counter(opened_shop(), Notebook(folder / "picks.jsonl"), assistant)


@pytest.fixture(scope="module")
def address(counter: Counter) -> Iterator[str]:
    with running(create_app(counter)) as at:
        yield at


@pytest.fixture
def visitor(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=address, follow_redirects=True, timeout=120
    ) as client:  # the first wish loads the embedder
        yield client


def test_an_allergy_that_is_told_leaves_out_at_once_what_declares_it(visitor: httpx.Client, counter: Counter) -> None:
    said = visitor.post("/wishes", data={"user": "noor", "department": "snacks", "text": "I have a nut allergy."})
    assert "left out: <q>I have a nut allergy" in said.text
    shown = [item for item in counter.adviser.catalogue.items if f'value="{item.id}"' in said.text]
    assert shown
    assert not any("nuts" in item.declared for item in shown)


def test_forgetting_all_leaves_no_pick_and_no_wish(visitor: httpx.Client, counter: Counter) -> None:
    visitor.post("/wishes", data={"user": "gone", "text": "I hate rattan."})
    visitor.post("/picks", data={"user": "gone", "shown": ["bags-01", "bags-02"], "chosen": "bags-01"})
    assert len(counter.notebook.picks("gone")) == 1
    left = visitor.post("/forgettings", data={"user": "gone"})
    assert "I hate rattan" not in left.text
    assert counter.notebook.picks("gone") == ()
    assert counter.assistant.store.user("gone").preferences() == ()


@pytest.mark.parametrize(
    ("path", "sent", "reason"),
    [
        ("/picks", {"user": "ana", "shown": ["bags-01", "bags-02"], "chosen": "bags-03"}, "none of what was shown"),
        ("/picks", {"user": "ana", "shown": ["bags-01", "cars-01"], "chosen": "bags-01"}, "nothing with the id"),
        ("/picks", {"user": "ana", "shown": ["bags-01"], "chosen": "bags-01"}, "among 2 to"),
        ("/picks", {"user": "no/body", "shown": ["bags-01", "bags-02"]}, "cannot be taken"),
        ("/wishes", {"user": "ana", "text": "hello"}, "no wish in these words"),
        ("/untruths", {"user": "ana", "statement": "evt-none"}, "evt-none"),
    ],
)
def test_what_cannot_be_taken_is_told_and_not_kept(
    visitor: httpx.Client, counter: Counter, path: str, sent: dict[str, str], reason: str
) -> None:
    answer = visitor.post(path, data=sent)
    assert answer.status_code in {400, 404}
    assert reason in answer.text
    assert counter.notebook.picks("ana") == ()


@pytest.mark.parametrize("query", ["most=cheap", "most=-3", "department=cars", "user=no%2Fbody"])
def test_a_place_that_is_none_is_told(visitor: httpx.Client, query: str) -> None:
    assert visitor.get(f"/?{query}").status_code in {400, 404}


def test_a_limit_holds_and_nothing_left_is_said(visitor: httpx.Client) -> None:
    assert "Nothing is left that fits" in visitor.get("/?most=0.5").text
    assert "Nothing is left that fits" not in visitor.get("/?most=20").text


def test_another_site_cannot_pick_in_somebodys_name(visitor: httpx.Client) -> None:
    sent = {"user": "ana", "shown": ["bags-01", "bags-02"], "chosen": "bags-01"}
    assert visitor.post("/picks", data=sent, headers={"Origin": "https://elsewhere.example"}).status_code == 403


@needs_chromium
def test_a_customer_is_interviewed_and_the_list_becomes_theirs(opened: Opened, counter: Counter) -> None:
    page = opened("mia")
    expect(page.get_by_role("heading", name="What customers in general choose")).to_be_visible()
    for number in range(QUESTIONS):
        expect(page.get_by_text(f"Question {number + 1} of at most {QUESTIONS}")).to_be_visible()
        page.get_by_role("button", name="I would rather have this").first.click()
    expect(page.locator(".evidence b")).to_have_text(str(QUESTIONS))
    expect(page.get_by_role("heading", name="For you")).to_be_visible()
    assert len(counter.notebook.picks("mia")) == QUESTIONS
    assert page.locator(".advice > li").count() == 5
    assert page.locator(".reasons .tag").count() >= 5
    page.get_by_role("button", name="I take this one").first.click()
    expect(page.locator(".evidence b")).to_have_text(str(QUESTIONS + 1))


@needs_chromium
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_page_fits_names_its_parts_and_says_each_id_once(opened: Opened, viewport: dict[str, int]) -> None:
    page = opened("zoe", viewport=viewport)
    assert page.evaluate(FITS)
    assert page.evaluate(NAMELESS) == []
    ids = page.evaluate(IDS)
    assert len(ids) == len(set(ids))
