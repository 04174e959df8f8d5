"""The interview on the page, and "no preference" as a third answer, in a real Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browsing import FITS, IDS, NAMELESS, PHONE, Opened, ask, contrast, focused, needs_chromium, reach
from idiolect.asking import Past
from idiolect.assistant import Assistant
from idiolect.reward.elicitation import CONFIRM
from idiolect.server import views
from serving import assistant_in

pytestmark = needs_chromium

OFFER = "quick questions about how you like your answers"


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with assistant_in(tmp_path_factory.mktemp("page"), ask_above=0.0) as opened:
        yield opened


def question(page: Page) -> str:
    """The one that stands there now."""
    return page.locator("#interview h2").inner_text()


def drawn(page: Page) -> list[str | None]:
    """How long the bars of the beliefs are."""
    bars = page.locator("#beliefs .bars .value")
    return [bars.nth(index).get_attribute("width") for index in range(min(bars.count(), views.FIRST))]


def test_a_newcomer_answers_two_questions_skips_the_rest_and_sees_the_profile_move(
    opened: Opened, assistant: Assistant
) -> None:
    page = opened("ana")
    page.get_by_role("button", name=f"Five {OFFER}").click()
    expect(page.locator("#interview .hint")).to_have_text("Question 1 of at most 5")
    first = question(page)
    page.locator("#interview").get_by_role("button", name="I prefer this one").first.click()
    expect(page.locator("#interview .hint")).to_have_text("Question 2 of at most 5")
    assert question(page) != first
    expect(page.locator(".evidence b")).to_have_text("1")
    after_one = drawn(page)
    assert any(float(width or 0) > 0 for width in after_one)
    page.locator("#interview").get_by_role("button", name="I prefer this one").last.click()
    expect(page.locator(".evidence b")).to_have_text("2")
    assert drawn(page) != after_one
    page.get_by_role("button", name="Skip the rest").click()
    expect(page.locator("#interview")).to_contain_text("your answers now lean towards what you chose")
    stands = assistant.interview("ana").stands()
    assert stands.skipped
    assert stands.answered == assistant.profile("ana").evidence == 2
    page.reload()
    expect(page.locator("#message")).to_be_visible()
    expect(page.locator("#interview")).to_have_count(0)


def test_who_leaves_in_the_middle_may_go_on(opened: Opened) -> None:
    page = opened("bea")
    page.get_by_role("button", name=f"Five {OFFER}").click()
    page.get_by_role("button", name="No preference").click()
    expect(page.locator("#interview .hint")).to_have_text("Question 2 of at most 5")
    page.reload()
    page.get_by_role("button", name="Four more questions about how you like your answers").click()
    expect(page.locator("#interview .hint")).to_have_text("Question 2 of at most 5")


def test_who_just_asks_is_not_held_up_and_is_no_newcomer_any_more(opened: Opened) -> None:
    page = opened("cleo")
    expect(page.get_by_role("button", name=OFFER)).to_be_visible()
    ask(page, "What is a good breakfast?")
    expect(page.locator("#interview")).to_be_hidden()
    page.get_by_title("A new conversation").click()
    expect(page.locator("#conversation")).to_be_empty()
    expect(page.locator("#interview")).to_have_count(0)


def test_the_interview_can_be_done_by_keyboard(opened: Opened, assistant: Assistant) -> None:
    page = opened("dora")
    expect(page.locator("#message")).to_be_focused()
    reach(page, lambda: focused(page) == f"Five {OFFER}", backwards=True)
    page.keyboard.press("Enter")
    for number in (1, 2):
        expect(page.locator("#interview .hint")).to_have_text(f"Question {number} of at most 5")
        expect(page.locator("#interview h2")).to_be_focused()
        page.keyboard.press("Tab")
        assert focused(page) == "I prefer this one"
        page.keyboard.press("Enter")
    expect(page.locator("#interview .hint")).to_have_text("Question 3 of at most 5")
    reach(page, lambda: focused(page) == "Skip the rest")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_be_focused()
    assert assistant.profile("dora").evidence == 2


@pytest.mark.parametrize("dark", [False, True])
def test_the_interview_fits_a_phone_and_its_words_stand_out(opened: Opened, dark: bool) -> None:
    page = opened("emil", viewport=PHONE, dark=dark)
    page.get_by_role("button", name=OFFER).click()
    expect(page.locator("#interview h2")).to_be_in_viewport()
    assert page.evaluate(FITS)
    assert page.evaluate(NAMELESS) == []
    ids = page.evaluate(IDS)
    assert len(ids) == len(set(ids))
    for what, behind in (
        ("#interview .hint", "body"),
        ("#interview h2", "body"),
        ("#interview .words", "#interview .two section"),
        ("#interview .prefer", "#interview .two section"),
        ("#interview .secondary", "#interview .secondary"),
        ("#interview .quiet", "body"),
    ):
        assert contrast(page, what, behind) >= 4.5, what


def test_no_preference_between_two_answers_is_learnt_and_the_conversation_goes_on(
    opened: Opened, assistant: Assistant
) -> None:
    page = opened("finn")
    ask(page, "What is a good breakfast?")
    first = page.locator(".pair .words").first.inner_text()
    page.locator(".pair").get_by_role("button", name="No preference").click()
    expect(page.locator(".note")).to_have_text("You had no preference.")
    expect(page.locator(".evidence b")).to_have_text("1")
    assert page.locator("article.turn .words").inner_text() == first
    assert len(assistant.store.user("finn").events("tie")) == 1
    ask(page, "And for lunch?")
    assert assistant.store.user("finn").interactions(1)[0].prefix


def test_a_pair_that_is_to_confirm_a_change_says_so(opened: Opened, assistant: Assistant) -> None:
    turn, person = 0, assistant.store.user("gita")
    while not Past.of(person).has_changed and turn < 60:
        answer = assistant.answer("gita", f"Tell me about rivers, number {turn}.", candidates=4)
        by_length = sorted(answer.candidates, key=lambda candidate: len(candidate.text), reverse=turn >= 30)
        assistant.prefer("gita", by_length[0], over=by_length[-1])
        turn += 1
    page = opened("gita")
    ask(page, "What is a good breakfast?")
    expect(page.locator(".question")).to_have_text(CONFIRM)
    ask(page, "And for lunch?")
    expect(page.locator(".question").last).to_have_text("Which do you prefer?")
