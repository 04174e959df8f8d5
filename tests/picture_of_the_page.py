"""Makes docs/images/page.png from the running page: `.venv/bin/python tests/picture_of_the_page.py`.

It takes some minutes and needs chromium. A person who likes short answers has made a dozen choices; then the page is
used and photographed. The starter draws its words anew each time, so no two pictures are the same.
"""

import sys
import tempfile
from pathlib import Path
from shutil import which

from playwright.sync_api import Page, sync_playwright

from idiolect import Assistant
from idiolect.server.app import create_app
from idiolect.settings import Settings
from serving import running

PICTURES = Path(__file__).parents[1] / "docs" / "images"
PERSON = "ana"
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
ASKED = ("Why is the sky blue?", "How do I make a good cup of coffee?")


def main() -> None:
    """Teach, talk, photograph."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(store=f"sqlite:///{folder}/people.db", max_tokens=90, ask_above=0.0)
        with Assistant(settings=settings) as assistant, running(create_app(assistant)) as address:
            for number, question in enumerate(EARLIER):
                answer = assistant.answer(PERSON, question)
                short, *longer = sorted(answer.candidates, key=lambda candidate: len(candidate.text))
                assistant.prefer(PERSON, short, over=longer[-1])
                print(f"{number + 1} of {len(EARLIER)} choices", file=sys.stderr)
            assistant.say(PERSON, "shorter answers, please")
            photograph(address)


def photograph(address: str) -> None:
    """The page in the middle of a conversation."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 880}, device_scale_factor=1.5)
        page.set_default_timeout(180_000)
        page.goto(f"{address}/?user={PERSON}")
        ask(page, ASKED[0])
        page.locator(".prefer").first.click()
        page.locator(".note").wait_for()
        ask(page, ASKED[1])
        page.wait_for_timeout(1_000)
        page.screenshot(path=PICTURES / "page.png")
        browser.close()


def ask(page: Page, text: str) -> None:
    """Send, and wait for the answer."""
    page.fill("#message", text)
    page.keyboard.press("Enter")
    page.locator("article.turn[aria-busy]").wait_for()
    page.locator("article.turn[aria-busy]").wait_for(state="detached")


if __name__ == "__main__":
    main()
