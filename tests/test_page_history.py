"""A person who comes back, in a real Chromium: earlier conversations, and a long memory."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from browsing import FITS, PHONE, Opened, ask, needs_chromium
from idiolect.assistant import Assistant
from lives import MONDAY, statement
from serving import assistant_in

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with assistant_in(tmp_path_factory.mktemp("history"), ask_above=9.0, candidates=2) as opened:
        yield opened


def test_who_comes_back_goes_on_with_an_earlier_conversation(opened: Opened, assistant: Assistant) -> None:
    assistant.answer("ana", "What is tea?")
    assistant.answer("ana", "How do I bake bread?")
    page = opened("ana")
    earlier = page.locator(".earlier button")
    assert earlier.all_inner_texts() == ["How do I bake bread?", "What is tea?"]
    assert page.locator("article.turn").count() == 0
    earlier.nth(1).click()
    expect(page.locator("article.turn")).to_have_count(1)
    expect(page.locator(".earlier")).to_be_hidden()
    assert "What is tea?" in page.locator(".asked").inner_text()
    ask(page, "And who drinks it?")
    page.reload()
    expect(page.locator("article.turn")).to_have_count(2)  # this conversation, not the list
    page.click(".brand")
    expect(earlier.first).to_have_text("What is tea?")
    expect(page.locator(".earlier li").first).to_contain_text("2 messages")


def test_who_is_new_is_offered_no_earlier_conversation(opened: Opened) -> None:
    page = opened("nobody-yet")
    assert page.locator(".earlier").count() == 0
    expect(page.locator(".first-contact")).to_be_visible()


def test_earlier_conversations_fit_a_phone(opened: Opened, assistant: Assistant) -> None:
    assistant.answer("phoebe", "How should I " + "very " * 40 + "carefully plan a holiday?")
    page = opened("phoebe", viewport=PHONE)
    expect(page.locator(".earlier button")).to_be_visible()
    assert page.evaluate(FITS)


def test_a_long_memory_is_drawn_in_parts_and_stays_as_long_as_it_was(opened: Opened, assistant: Assistant) -> None:
    with assistant.store.user("lena").transaction() as transaction:
        for number in range(230):
            at = MONDAY + timedelta(minutes=number)
            transaction.append(statement(f"n{number}", f"thing number {number}", at=at))
    page = opened("lena")
    drawn = page.locator("#beliefs .statements details.belief")
    assert drawn.count() == 100
    expect(page.get_by_text("130 more of your statements")).to_be_visible()
    page.get_by_role("button", name="Bring more").click()
    expect(drawn).to_have_count(200)
    page.get_by_role("button", name="Bring more").click()
    expect(drawn).to_have_count(230)
    expect(page.get_by_role("button", name="Bring more")).to_have_count(0)
    page.locator("#all-said > summary").click()
    oldest = drawn.last
    oldest.locator("summary").click()
    oldest.get_by_role("button", name="Pin").click()
    expect(oldest.locator(".tags").first).to_contain_text("pinned")
    expect(drawn).to_have_count(230)
