"""Makes docs/images/{page,why,memory}.png from the running page: `.venv/bin/python tests/picture_of_the_page.py`.

With a folder as its argument the pictures go there, and of the memory there are one in the dark and one on a phone too.
It takes some minutes and needs chromium. A person who likes short answers has made a dozen choices; then the page is
used and photographed. The starter draws its words anew each time, so no two pictures are the same.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from idiolect import Assistant
from idiolect.schema import Proposal, Slots
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
SAID = (
    "I avoid hotels with a loud nightlife when I travel. Where should I stay in Lisbon?",
    "I teach physics at a school. What could I show in a first lesson?",
    "I love seafood, but I hate oysters. What could I cook tonight?",
    "I prefer tea over coffee. Where do I find a good cup?",
    "I'm allergic to peanuts. What snack can I take on a hike?",
)
SUNDAYS = (  # one for each picture: what is said again is not remembered again
    "I love hiking in the rain. Where could I go on a free Sunday?",
    "I hate crowded museums. Where could I go on a free Sunday?",
    "I like quiet beaches. Where could I go on a free Sunday?",
)
BELIEF = "You avoid hotels with a loud nightlife when you travel"
DESKTOP, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=844)


def main(folders: Sequence[str]) -> None:
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
            remember(assistant)
            photograph(address, Path(folders[0]) if folders else PICTURES, is_whole=bool(folders))


def remember(assistant: Assistant) -> None:
    """Say something in conversation, and be offered something by an import."""
    for number, message in enumerate(SAID):
        assistant.answer(PERSON, message, candidates=1)
        print(f"{number + 1} of {len(SAID)} things said", file=sys.stderr)
    window = Slots(kind="topic", object="window seats on trains", topic="travel", span="Prefers window seats on trains")
    with assistant.store.user(PERSON).transaction() as transaction:
        transaction.append(
            Proposal(
                text=window.span, slots=window, origin="import", source="ChatGPT export, conversation of 2025-03-02"
            )
        )


def photograph(address: str, folder: Path, *, is_whole: bool) -> None:
    """The page when it asks, when it is asked why, and when it shows what it remembers."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        talk(browser, address, folder)
        memory(browser, address, folder / "memory.png", SUNDAYS[0])
        if is_whole:
            memory(browser, address, folder / "memory-dark.png", SUNDAYS[1], is_dark=True)
            memory(browser, address, folder / "memory-phone.png", SUNDAYS[2], PHONE)
        browser.close()


def memory(
    browser: Browser, address: str, picture: Path, said: str, size: ViewportSize = DESKTOP, *, is_dark: bool = False
) -> None:
    """What a message left in the memory, and a belief that is open to the words it came from."""
    context = browser.new_context(viewport=size, device_scale_factor=1.5, color_scheme="dark" if is_dark else "light")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/?user={PERSON}")
    ask_once(page, said)
    page.locator(".remembered > *").first.wait_for()
    if size is PHONE:
        page.get_by_role("heading", name="What I believe of you").click()
    belief = page.locator("#beliefs details.belief", has_text=BELIEF)
    belief.locator("summary").first.click()
    belief.locator(".deeds").wait_for()
    page.evaluate("document.activeElement.blur()")
    belief.evaluate("(belief) => belief.scrollIntoView({ block: 'center', behavior: 'instant' })")
    page.mouse.move(0, 0)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=picture)
    context.close()


def talk(browser: Browser, address: str, folder: Path) -> None:
    """The page when it asks, and when it is asked why."""
    page = browser.new_page(viewport=DESKTOP, device_scale_factor=1.5)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/?user={PERSON}")
    ask(page, ASKED)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=folder / "page.png")
    written = page.locator(".pair .words").all_inner_texts()
    page.locator(".prefer").nth(written.index(min(written, key=len))).click()
    page.get_by_text("Why this answer?").click()
    page.locator(".reasons svg").first.wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=folder / "why.png")
    page.close()


def ask(page: Page, text: str) -> None:
    """Send, and wait for two answers."""
    ask_once(page, text)
    if not page.locator(".pair").count():
        page.get_by_role("button", name="Show me another answer").last.click()
        page.locator(".pair").wait_for()


def ask_once(page: Page, text: str) -> None:
    """Send, and wait for the answer."""
    turns = page.locator("article.turn:not([aria-busy])")
    before = turns.count()
    page.fill("#message", text)
    page.keyboard.press("Enter")
    expect(turns).to_have_count(before + 1, timeout=PATIENCE_MS)
    if failed := page.locator(".failed").all_inner_texts():
        raise SystemExit(failed[0])


if __name__ == "__main__":
    main(sys.argv[1:])
