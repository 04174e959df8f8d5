"""A real Chromium for tests of the page, and a person in front of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import which

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM = which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="the page's tests need Debian's chromium: apt install chromium"
)

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 860}

Opened = Callable[..., Page]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield opened
        opened.close()


@contextmanager
def visits(browser: Browser, address: str) -> Iterator[Opened]:
    """Opens the page for somebody; no test may leave an error in the console behind."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(user: str, *, viewport: dict[str, int] = DESKTOP, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": viewport["width"], "height": viewport["height"]},
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/?user={user}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def ask(page: Page, text: str) -> None:
    """Send a message, and wait for the answer."""
    turns = page.locator("article.turn:not([aria-busy])")
    before = turns.count()
    page.fill("#message", text)
    page.keyboard.press("Enter")
    expect(turns).to_have_count(before + 1)


def reach(page: Page, is_there: Callable[[], bool], *, backwards: bool = False) -> None:
    """Go there by the Tab key."""
    for _ in range(30):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if is_there():
            return
    raise AssertionError("not reached by Tab")


def focused(page: Page) -> str:
    """The words of what has the focus."""
    return str(page.evaluate("document.activeElement.innerText ?? ''"))


def luminance(page: Page, what: str, style: str) -> float:
    """WCAG's relative luminance of a colour in force."""
    written = page.evaluate("([what, style]) => getComputedStyle(document.querySelector(what))[style]", [what, style])
    channels = [int(part) / 255 for part in written[written.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(page: Page, what: str, behind: str) -> float:
    """WCAG's contrast of words with what is behind them."""
    words, paper = luminance(page, what, "color"), luminance(page, behind, "backgroundColor")
    return (max(words, paper) + 0.05) / (min(words, paper) + 0.05)


FITS = "document.documentElement.scrollWidth <= window.innerWidth"
NAMELESS = """() => [...document.querySelectorAll("button, input:not([type=hidden]), textarea, svg[role=img]")]
    .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length))
    .map((e) => e.outerHTML)"""
IDS = "[...document.querySelectorAll('[id]')].map((e) => e.id)"
