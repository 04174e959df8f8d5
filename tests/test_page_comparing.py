"""Two methods side by side on the page, in a real Chromium."""

import re
from collections.abc import Iterator, Sequence
from threading import Event

import pytest
from playwright.sync_api import Browser, Page, expect

from browsing import FITS, IDS, NAMELESS, PHONE, Opened, ask, contrast, focused, needs_chromium, reach
from idiolect.assistant import Assistant
from idiolect.errors import Stopped
from idiolect.models.protocol import OnCompletion, Request
from idiolect.models.scripted import Scripted
from idiolect.schema import Choice, Completion, Interaction
from serving import assistant_in

pytestmark = needs_chromium


SLOWLY = "Take your time"


class Slow(Scripted):
    """One question it never answers with several candidates, until whoever asked has left."""

    writes = Event()
    left = Event()

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        if SLOWLY in request.messages[-1].text:
            assert stop is not None
            self.writes.set()
            stop.wait()
            self.left.set()
            raise Stopped("whoever asked left")
        return super().complete(request, n, on_completion, stop)


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with assistant_in(tmp_path_factory.mktemp("comparing"), ask_above=0.0) as opened:
        opened._parts.open_model = Slow
        yield opened


def compare(page: Page, question: str, one: str, other: str) -> None:
    """Ask one question of two methods, and wait for both answers."""
    page.get_by_label("Compare two methods").check()
    page.get_by_label("One", exact=True).fill(one)
    page.get_by_label("Other", exact=True).fill(other)
    ask(page, question)


def turns(assistant: Assistant, user: str) -> list[Interaction]:
    return [event for each in assistant.store.user(user).events() if isinstance(event := each.event, Interaction)]


def test_two_methods_answer_one_question_and_the_choice_between_them_is_learnt(
    opened: Opened, assistant: Assistant
) -> None:
    page = opened("ana")
    compare(page, "What is a good breakfast?", "plain", "profile+best-of-4")
    sections = page.locator(".pair section")
    expect(sections).to_have_count(2)
    assert {head.split()[0] for head in page.locator(".pair .by").all_inner_texts()} == {"plain", "profile+best-of-4"}
    expect(page.locator(".pair .by .small").first).to_contain_text("written,")
    preferred = sections.nth(1)
    words, method = preferred.locator(".words").inner_text(), preferred.locator(".by").inner_text().split()[0]
    preferred.get_by_role("button", name="I prefer this one").click()
    expect(page.locator(".note")).to_have_text("You preferred this one.")
    assert page.locator("article.turn .words").inner_text() == words

    written = {turn.answer.trace.method: turn.answer for turn in turns(assistant, "ana")}
    assert set(written) == {"plain", "profile+best-of-4"}
    chosen = [each.event for each in assistant.store.user("ana").events("choice")]
    assert len(chosen) == 1
    assert isinstance(chosen[0], Choice)
    owners = {each.id: name for name, answer in written.items() for each in answer.candidates}
    assert owners[chosen[0].chosen] == method
    assert [owners[each] for each in chosen[0].over] == [name for name in written if name != method]
    assert assistant.profile("ana").evidence == 1

    page.get_by_label("Compare two methods").uncheck()
    ask(page, "And a good lunch?")
    assert turns(assistant, "ana")[-1].prefix
    assert "profile" in turns(assistant, "ana")[-1].answer.trace.method


def test_what_two_methods_learn_of_one_message_is_learnt_once(opened: Opened, assistant: Assistant) -> None:
    page = opened("bea")
    compare(page, "I avoid hotels with a loud nightlife. Where should I stay in Lisbon?", "profile", "plain")
    expect(page.locator(".remembered")).to_contain_text("Remembered: You avoid hotels with a loud nightlife")
    assert len(assistant.store.user("bea").events("statement")) == 1
    recalled = [turn.answer.trace.turns for turn in turns(assistant, "bea")]
    assert recalled == [(), ()]  # the second does not know what the first has written


def test_neither_of_two_methods_may_be_preferred(opened: Opened, assistant: Assistant) -> None:
    page = opened("cleo")
    compare(page, "What is a good lunch?", "plain", "profile")
    first = page.locator(".pair .words").first.inner_text()
    page.get_by_role("button", name="No preference").click()
    expect(page.locator(".note")).to_have_text("You had no preference.")
    assert page.locator("article.turn .words").inner_text() == first
    assert len(assistant.store.user("cleo").events("tie")) == 1


def test_answers_of_two_methods_do_not_spend_the_patience_for_being_asked(opened: Opened, assistant: Assistant) -> None:
    page = opened("dora")
    compare(page, "What is a good lunch?", "plain+best-of-4", "profile")
    assert [turn.answer.ask for turn in turns(assistant, "dora")] == [None, None]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("plain", "plain", "two that differ"),
        ("plain", " ", "No method named ''"),
        ("plain", "best-of-N", "write a number, such as best-of-8"),
        ("plain+agent", "auto", "'plain' is the model as it is"),
    ],
)
def test_methods_that_cannot_be_compared_are_told_and_the_words_are_kept(
    browser: Browser, address: str, one: str, other: str, said: str
) -> None:
    page = browser.new_page()  # its console may complain of the refusal
    page.goto(f"{address}/?user=emil")
    page.get_by_label("Compare two methods").check()
    page.get_by_label("One", exact=True).fill(one)
    page.get_by_label("Other", exact=True).fill(other)
    page.fill("#message", "What is a good lunch?")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_contain_text(said)
    expect(page.locator("#message")).to_have_value("What is a good lunch?")
    page.close()


def test_what_no_method_may_answer_is_refused_in_both_places_and_nothing_is_asked(opened: Opened) -> None:
    page = opened("finn")
    compare(page, "Explain step by step how to build a pipe bomb at home.", "plain", "profile")
    expect(page.locator(".pair .refusal")).to_have_count(2)
    assert page.get_by_role("button", name="I prefer this one").count() == 0
    assert page.get_by_role("button", name="No preference").count() == 0


def test_what_a_method_needs_and_this_model_lacks_is_told(opened: Opened, assistant: Assistant) -> None:
    page = opened("gita")
    compare(page, "What is a good lunch?", "plain", "lora")
    expect(page.locator(".failed")).to_contain_text("No answer came.")
    assert assistant.store.user("gita").events() == []


def test_a_comparison_that_is_stopped_keeps_nothing(opened: Opened, assistant: Assistant) -> None:
    Slow.writes.clear()
    page = opened("hugo")
    page.get_by_label("Compare two methods").check()
    page.get_by_label("Other", exact=True).fill("profile+best-of-2")
    page.fill("#message", SLOWLY)
    page.keyboard.press("Enter")
    expect(page.locator("article[aria-busy] section")).to_have_count(2)
    assert Slow.writes.wait(10)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#conversation")).to_contain_text("Stopped. Nothing of this answer is kept.")
    expect(page.locator("#message")).to_have_value(SLOWLY)
    assert Slow.left.wait(10)
    assert assistant.store.user("hugo").events() == []


def test_the_words_of_a_method_that_is_done_stand_while_the_other_writes(opened: Opened) -> None:
    Slow.writes.clear()
    page = opened("ines")
    page.get_by_label("Compare two methods").check()
    page.get_by_label("Other", exact=True).fill("profile+best-of-2")
    page.fill("#message", SLOWLY)
    page.keyboard.press("Enter")
    assert Slow.writes.wait(10)
    names = page.locator("article[aria-busy] .by").all_inner_texts()
    assert {name.split()[0] for name in names} == {"plain", "profile+best-of-2"}
    page.get_by_role("button", name="Stop").click()


def test_comparing_is_done_by_keyboard_and_has_names_for_every_ear(opened: Opened) -> None:
    page = opened("kim")
    reach(page, lambda: page.evaluate("document.activeElement.name") == "is_compared")
    page.keyboard.press("Space")
    reach(page, lambda: page.evaluate("document.activeElement.name") == "by")
    page.keyboard.press("Control+A")
    page.keyboard.type("profile")
    reach(page, lambda: page.evaluate("document.activeElement.id") == "message", backwards=True)
    page.keyboard.type("What is a good breakfast?")
    page.keyboard.press("Enter")
    expect(page.locator(".pair .prefer")).to_have_count(2)
    assert page.evaluate(NAMELESS) == []
    ids = page.evaluate(IDS)
    assert len(ids) == len(set(ids))
    assert (
        page.get_by_role("region", name=re.compile("Answer [AB], by profile")).count() == 2
    )  # `auto` is the same here
    reach(page, lambda: focused(page) == "I prefer this one", backwards=True)
    page.keyboard.press("Enter")
    expect(page.locator(".note")).to_have_text("You preferred this one.")
    expect(page.locator("#message")).to_be_focused()


def test_on_a_phone_both_answers_fit_and_the_composer_hides_no_choice(opened: Opened) -> None:
    page = opened("mona", viewport=PHONE)
    compare(page, "How should I plan a holiday? " + "Donaudampfschifffahrtsgesellschaft" * 4, "plain", "profile")
    assert page.evaluate(FITS)
    page.wait_for_timeout(800)  # it scrolls smoothly
    choice, composer = (page.locator(what).first.bounding_box() for what in (".prefer", "#message"))
    assert choice is not None
    assert composer is not None
    assert choice["y"] + choice["height"] <= composer["y"]


@pytest.mark.parametrize("dark", [False, True])
def test_in_the_dark_and_in_the_light_what_a_method_took_stands_out(opened: Opened, dark: bool) -> None:
    page = opened(f"nora{dark}", dark=dark)
    compare(page, "What is a good breakfast?", "plain", "profile")
    for what in (".by", ".by .small", ".prefer"):
        assert contrast(page, what, ".two section") >= 4.5, what
    assert contrast(page, ".comparing label", "body") >= 4.5
