"""What a person needs is within reach: choices beside long answers, Stop while they wait, a word where they erred."""

from collections.abc import Iterator, Sequence
from threading import Event

import pytest
from playwright.sync_api import Browser, Page, expect

from browsing import DESKTOP, PHONE, Opened, ask, needs_chromium
from idiolect.assistant import Assistant
from idiolect.errors import Stopped
from idiolect.models.protocol import OnCompletion, Request
from idiolect.models.scripted import Scripted
from idiolect.schema import Completion
from serving import assistant_in

pytestmark = needs_chromium

LONG = "\n\n".join(["A paragraph that goes on for a while, as answers of large models do."] * 40)
WAITING = "Take your time"


class Long(Scripted):
    """Writes long answers; one question it never answers, until whoever asked has left."""

    left = Event()

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        if WAITING in request.messages[-1].text:
            assert stop is not None
            stop.wait()
            self.left.set()
            raise Stopped("whoever asked left")
        written = super().complete(request, n, None, stop)
        long = [each.model_copy(update={"text": f"{each.text}\n\n{LONG}"}) for each in written]
        for index, completion in enumerate(long):
            if on_completion:
                on_completion(index, completion)
        return long


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with assistant_in(tmp_path_factory.mktemp("at-hand"), ask_above=0.0) as opened:
        opened._parts.open_model = Long
        yield opened


@pytest.fixture
def cleo(browser: Browser, address: str) -> Iterator[Page]:
    """A page whose console may complain of a refusal."""
    page = browser.new_page()
    page.goto(f"{address}/?user=cleo")
    yield page
    page.close()


def within(page: Page, what: str) -> bool:
    """Whether all of the first such thing is on the screen and nothing lies over its middle."""
    return bool(
        page.evaluate(
            """(what) => {
                const it = document.querySelector(what), at = it.getBoundingClientRect();
                const over = document.elementFromPoint((at.left + at.right) / 2, (at.top + at.bottom) / 2);
                return at.top >= 0 && at.bottom <= window.innerHeight && it.contains(over);
            }""",
            what,
        )
    )


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_of_two_long_answers_one_can_be_chosen_without_scrolling(opened: Opened, viewport: dict[str, int]) -> None:
    page = opened(f"ana{viewport['width']}", viewport=viewport)
    ask(page, "What could I do on a free evening?")
    expect(page.locator(".pair section")).to_have_count(2)
    page.wait_for_timeout(800)  # it scrolls smoothly
    assert page.locator(".pair .words").first.evaluate("(it) => it.scrollHeight > window.innerHeight")
    assert within(page, ".pair .prefer")
    assert within(page, ".pair .asks button")
    page.locator(".pair .prefer").first.click()
    expect(page.locator(".note")).to_have_text("You preferred this one.")


def test_whoever_waits_can_stop_which_stops_the_model_and_gives_the_words_back(
    opened: Opened, assistant: Assistant
) -> None:
    page = opened("ben")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    page.fill("#message", WAITING)
    page.keyboard.press("Enter")
    expect(page.locator("article[aria-busy]")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    assert Long.left.wait(10)
    expect(page.locator("#conversation")).to_contain_text("Stopped. Nothing of this answer is kept.")
    expect(page.locator("#message")).to_have_value(WAITING)
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    expect(page.locator("#problem")).to_be_empty()
    assert assistant.store.user("ben").events() == []
    ask(page, "What is tea?")
    expect(page.locator(".pair section")).to_have_count(2)


def test_what_cannot_be_learnt_is_told_beside_the_box_it_was_told_in(cleo: Page) -> None:
    cleo.get_by_label("Say how you like your answers").fill("The sky is blue")
    cleo.get_by_role("button", name="Tell").click()
    expect(cleo.locator(".statement #untold")).to_contain_text("says nothing of you")
    expect(cleo.locator("#problem")).to_be_empty()
    cleo.get_by_label("Say how you like your answers").fill("shorter answers, please")
    cleo.get_by_role("button", name="Tell").click()
    expect(cleo.locator("#untold")).to_be_empty()


def test_a_taste_that_one_has_not_is_taken_back_by_one_click(opened: Opened, assistant: Assistant) -> None:
    answer = assistant.answer("dora", "How should I plan a holiday?")
    assistant.prefer("dora", answer.candidates[1], over=answer.candidates[0])
    surest = assistant.profile("dora").tastes[0]
    page = opened("dora")
    row = page.locator(f"#belief-{surest.attribute}")
    expect(row).to_contain_text(" %")
    row.hover()
    row.get_by_role("button", name="I have no taste here").click()
    expect(page.locator("#status")).to_contain_text("Learnt.")
    after = {taste.attribute: taste for taste in assistant.profile("dora").tastes}[surest.attribute]
    assert abs(after.mean) < abs(surest.mean) / 2
    assert after.sd < surest.sd


def test_earlier_conversations_are_read_in_lines(opened: Opened, assistant: Assistant) -> None:
    for number in range(4):
        assistant.answer("emil", f"What is a good thing to do on day {number}?")
    page = opened("emil")
    assert page.locator(".earlier button").first.evaluate("(it) => it.offsetHeight") < 60
    tops = [row.bounding_box() for row in page.locator(".earlier li").all()]
    assert len({box["y"] for box in tops if box}) == 4
    heading, first = (page.locator(f".earlier {what}").first.bounding_box() for what in ("h2", "button"))
    assert heading is not None and first is not None
    assert abs(first["x"] - heading["x"]) < 12  # at the margin
