"""The page in a real Chromium, used as a person would use it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browsing import (
    FITS,
    IDS,
    NAMELESS,
    PHONE,
    Opened,
    ask,
    contrast,
    focused,
    luminance,
    needs_chromium,
    reach,
)
from idiolect.assistant import Assistant
from idiolect.server import views
from idiolect.server.app import create_app
from serving import assistant_in, running

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with assistant_in(tmp_path_factory.mktemp("page"), ask_above=0.0) as opened:
        yield opened


def choose(page: Page, which_one: int = 0) -> str:
    """Prefer the first or the second answer; returns its words."""
    preferred = page.locator(".pair section").nth(which_one)
    words = preferred.locator(".words").inner_text()
    preferred.get_by_role("button", name="I prefer this one").click()
    expect(page.locator(".pair")).to_have_count(0)
    return words


# --- what a person does --------------------------------------------------------------------------------------------


def test_a_message_is_sent_one_of_two_is_chosen_and_the_profile_moves(opened: Opened, assistant: Assistant) -> None:
    page = opened("ana")
    expect(page.get_by_text("You are talking to an AI.")).to_be_visible()
    expect(page.get_by_text("Model: scripted")).to_be_visible()
    ask(page, "How should I plan a holiday in the mountains?")
    expect(page.locator("#message")).to_have_value("")
    assert page.locator(".pair section").count() == 2
    choose(page)
    expect(page.locator(".note")).to_have_text("You preferred this one.")
    expect(page.locator(".evidence b")).to_have_text("1")
    drawn = page.locator("#beliefs .bars .value")
    assert drawn.count() == len(assistant.profile("ana").tastes) - views.beliefs(assistant.profile("ana")).unnamed
    first = [drawn.nth(index).get_attribute("width") for index in range(views.FIRST)]
    assert any(float(width or 0) > 0 for width in first)

    ask(page, "And what should I pack for it?")
    choose(page)
    expect(page.locator(".evidence b")).to_have_text("2")
    second = [drawn.nth(index).get_attribute("width") for index in range(views.FIRST)]
    assert first != second
    assert assistant.profile("ana").evidence == 2


def test_the_conversation_goes_on_with_the_answer_that_was_preferred(opened: Opened, assistant: Assistant) -> None:
    page = opened("bea")
    ask(page, "Tell me about glaciers")
    words = choose(page, 1)
    assert page.locator("article.turn .words").inner_text() == words
    preferred = page.locator("input[name=turn]").get_attribute("value") or ""
    ask(page, "Why do they move?")
    newest = assistant.store.user("bea").interactions(1)[0]
    assert newest.prompt == "Why do they move?"
    assert newest.prefix
    shown = views.one(assistant.answer_by_id("bea", preferred), preferred)
    assert shown.candidates[0].id == preferred


def test_thumbs_edits_and_statements_are_learnt_from(opened: Opened, assistant: Assistant) -> None:
    page = opened("cleo")
    ask(page, "How do I repot a fern?")
    choose(page)
    page.get_by_role("button", name="Bad answer").click()
    expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    page.get_by_text("I would have written").click()
    page.get_by_label("Your version").fill("Water it, then move it to a pot one size up.")
    page.get_by_role("button", name="Learn from my version").click()
    expect(page.locator(".note")).to_have_text("Learnt from your version.")
    before = assistant.profile("cleo").evidence
    page.get_by_label("Say how you like your answers").fill("shorter answers, please")
    page.get_by_role("button", name="Tell").click()
    expect(page.locator(".belief .words")).to_have_text("You want short answers")
    expect(page.get_by_label("Say how you like your answers")).to_have_value("")
    assert assistant.profile("cleo").preferences[0].text == "shorter answers, please"
    assert before >= 3
    page.locator(".belief summary").click()
    page.get_by_role("button", name="No longer true: You want short answers").click()
    expect(page.locator(".statements:not(.past) .belief")).to_have_count(0)
    assert assistant.profile("cleo").preferences == ()


def test_another_answer_can_be_asked_for_and_compared(opened: Opened) -> None:
    page = opened("dora")
    ask(page, "What is a good breakfast?")
    kept = choose(page)
    page.get_by_role("button", name="Show me another answer").click()
    expect(page.locator(".pair section")).to_have_count(2)
    texts = page.locator(".pair .words").all_inner_texts()
    assert kept in texts
    assert texts[0] != texts[1]


def test_why_is_told_in_words_and_bars(opened: Opened) -> None:
    page = opened("emil")
    for question in ("What is a good breakfast?", "What is a good lunch?", "What is a good supper?"):
        ask(page, question)
        choose(page)
    page.get_by_text("Why this answer?").last.click()
    reasons = page.locator("article.turn").last.locator(".reasons")
    expect(reasons).to_contain_text("Chosen among 4 candidates")
    expect(reasons).to_contain_text("Boundary: nothing to object")
    expect(reasons).to_contain_text("profile+best-of-4 on scripted")
    assert reasons.locator("svg.bar").count() > 2


def test_a_refusal_is_shown_with_what_may_be_asked_instead(opened: Opened) -> None:
    page = opened("finn")
    ask(page, "Explain step by step how to build a pipe bomb at home.")
    expect(page.locator(".refusal")).to_be_visible()
    assert page.get_by_role("button", name="I prefer this one").count() == 0
    assert page.get_by_role("button", name="Good answer").count() == 0
    page.get_by_text("Why this answer?").click()
    expect(page.locator(".reasons")).to_contain_text("boundary")


def test_who_is_speaking_can_be_switched_and_is_remembered(opened: Opened, address: str) -> None:
    page = opened("gita")
    ask(page, "Tell me about rivers")
    page.get_by_label("You are").fill("hugo")
    page.get_by_role("button", name="Switch").click()
    expect(page.locator("#conversation")).to_be_empty()
    assert page.locator("#user").get_attribute("value") == "hugo"
    page.goto(address)
    assert page.get_by_label("You are").input_value() == "hugo"


def test_a_conversation_comes_back_after_a_reload_and_ends_when_a_new_one_is_begun(opened: Opened) -> None:
    page = opened("ines")
    ask(page, "Tell me about rivers")
    words = choose(page)
    page.reload()
    expect(page.locator("article.turn .words")).to_be_visible()
    assert page.locator("article.turn .words").inner_text() == words
    expect(page.locator(".asked")).to_contain_text("Tell me about rivers")
    page.get_by_title("A new conversation").click()
    expect(page.locator("#conversation")).to_be_empty()


def test_one_candidate_is_streamed_word_by_word(browser: Browser, tmp_path: Path) -> None:
    with assistant_in(tmp_path, candidates=1, method="plain") as alone, running(create_app(alone)) as at:
        page = browser.new_page()
        page.goto(at)
        page.evaluate(
            "window.pieces = 0; document.addEventListener('htmx:after:swap', () => { window.pieces += 1; }); undefined"
        )
        ask(page, "Tell me about rivers")
        assert page.evaluate("window.pieces") > 5
        page.get_by_role("button", name="Show me another answer").click()
        expect(page.locator(".pair section")).to_have_count(2)
        page.close()


def test_answers_that_are_cut_say_so_each_of_them(browser: Browser, tmp_path: Path) -> None:
    with assistant_in(tmp_path, max_tokens=5, ask_above=0.0) as brief, running(create_app(brief)) as at:
        page = browser.new_page()
        page.goto(at)
        ask(page, "Tell me about rivers")
        assert (
            page.locator(".pair .cut").all_inner_texts()
            == ["Cut at 5 tokens: this is as long as an answer may be."] * 2
        )
        choose(page)
        expect(page.locator(".turn .cut")).to_have_count(1)
        page.close()


def test_a_server_that_is_gone_is_said_and_the_words_are_kept(browser: Browser, tmp_path: Path) -> None:
    with assistant_in(tmp_path) as leaving:
        with running(create_app(leaving)) as at:
            page = browser.new_page()
            page.goto(at)
            page.wait_for_load_state("networkidle")
        page.fill("#message", "Are you there?")
        page.keyboard.press("Enter")
        expect(page.locator("#problem")).to_contain_text("cannot be reached")
        expect(page.locator("#message")).to_have_value("Are you there?")
        page.close()


# --- for everyone --------------------------------------------------------------------------------------------------


def test_all_can_be_done_by_keyboard(opened: Opened) -> None:
    page = opened("kim")
    page.keyboard.type("What is a good breakfast?")  # the message box has the focus from the start
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("For two.")
    page.keyboard.press("Enter")
    expect(page.locator(".pair section")).to_have_count(2)
    expect(page.locator(".asked")).to_contain_text("For two.")
    reach(page, lambda: focused(page) == "I prefer this one", backwards=True)
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    expect(page.locator(".note")).to_have_text("You preferred this one.")
    expect(page.locator("#message")).to_be_focused()
    reach(page, lambda: "Why this answer" in focused(page), backwards=True)
    page.keyboard.press("Enter")
    expect(page.locator(".reasons")).to_contain_text("of 4 candidates")


def test_the_skip_link_is_the_first_stop(opened: Opened) -> None:
    page = opened("kim")
    page.locator(".brand").focus()
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "Skip to the message box"
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_be_focused()


def test_every_field_and_button_has_a_name(opened: Opened) -> None:
    page = opened("lena")
    ask(page, "What is a good breakfast?")
    choose(page)
    nameless = page.evaluate(NAMELESS)
    assert nameless == []
    ids = page.evaluate(IDS)
    assert len(ids) == len(set(ids))


def test_on_a_phone_nothing_is_wider_than_the_screen_and_the_beliefs_are_folded(opened: Opened) -> None:
    page = opened("mona", viewport=PHONE)
    ask(page, "How should I plan a holiday in the mountains? " + "Donaudampfschifffahrtsgesellschaft" * 4)
    assert page.evaluate(FITS)
    expect(page.locator("#beliefs")).to_be_hidden()
    choose(page)
    page.get_by_role("heading", name="What I believe of you").click()
    expect(page.locator("#beliefs")).to_be_visible()
    page.get_by_text("Why this answer?").click()
    expect(page.locator(".reasons")).to_contain_text("of 4 candidates")
    assert page.evaluate(FITS)
    box = page.locator("#message").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE["height"]


@pytest.mark.parametrize("dark", [False, True])
def test_in_the_dark_and_in_the_light_the_words_stand_out(opened: Opened, dark: bool) -> None:
    page = opened("nora", dark=dark)
    paper = luminance(page, "body", "backgroundColor")
    assert (paper < 0.1) is dark
    for what in (".who-answers", ".brand", ".hint", ".evidence", "label[for=statement]"):
        assert contrast(page, what, "body") >= 4.5, what
