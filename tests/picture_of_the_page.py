"""Makes docs/images/page.png and why.png from the running page: `.venv/bin/python tests/picture_of_the_page.py`.

It takes some minutes and needs chromium. A person who likes short answers has made a dozen choices; then the page is
used and photographed. The starter draws its words anew each time, so no two pictures are the same.
"""

import sys
import tempfile
from pathlib import Path
from shutil import which

from playwright.sync_api import Page, expect, sync_playwright

from idiolect import Assistant
from idiolect.server.app import create_app
from idiolect.settings import Settings
from serving import running

PICTURES = Path(__file__).parents[1] / "docs" / "images"
PERSON = "ana"
PATIENCE_MS = 180_000
SETTLED_MS = 1_000
EARLIER = (
    "How do I keep basil alive on a windowsill?",
    "What is a good first dish to learn?",
    "How can I sleep better?",
    "What should I see in Lisbon in one day?",
    "How do I start running?",
    "What is a good gift for a friend who reads a lot?",
    "How do I remember people's names?",
    "What makes a good cup of tea?",
    "How can I learn a few words of Italian before a trip?",
    "What is a calm way to begin the day?",
    "How do I get a stain out of a shirt?",
    "What could I do on a rainy Sunday?",
)
ASKED = "What could I do on a free evening at home?"


def main() -> None:
    """Teach, talk, photograph."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(store=f"sqlite:///{folder}/people.db", max_tokens=120, ask_above=0.0)
        with Assistant(settings=settings) as assistant, running(create_app(assistant)) as address:
            for number, question in enumerate(EARLIER):
                answer = assistant.answer(PERSON, question)
                short, *_, long = sorted(answer.candidates, key=lambda candidate: len(candidate.text))
                assistant.prefer(PERSON, short, over=long)
                print(f"{number + 1} of {len(EARLIER)} choices", file=sys.stderr)
            assistant.say(PERSON, "shorter answers, please")
            photograph(address)


def photograph(address: str) -> None:
    """The page when it asks, and when it is asked why."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=1.5)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/?user={PERSON}")
        ask(page, ASKED)
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=PICTURES / "page.png")
        written = page.locator(".pair .words").all_inner_texts()
        page.locator(".prefer").nth(written.index(min(written, key=len))).click()
        page.get_by_text("Why this answer?").click()
        page.locator(".reasons svg").first.wait_for()
        page.mouse.move(0, 0)
        page.wait_for_timeout(SETTLED_MS)
        page.screenshot(path=PICTURES / "why.png")
        browser.close()


def ask(page: Page, text: str) -> None:
    """Send, and wait for the answer."""
    turns = page.locator("article.turn:not([aria-busy])")
    before = turns.count()
    page.fill("#message", text)
    page.keyboard.press("Enter")
    expect(turns).to_have_count(before + 1, timeout=PATIENCE_MS)
    if failed := page.locator(".failed").all_inner_texts():
        raise SystemExit(failed[0])
    if not page.locator(".pair").count():
        page.get_by_role("button", name="Show me another answer").last.click()
        page.locator(".pair").wait_for()


if __name__ == "__main__":
    main()
