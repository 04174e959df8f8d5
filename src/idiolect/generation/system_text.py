"""Adding a personal text to a request's system message, and fitting lines into a budget of tokens."""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from idiolect.models.protocol import Request
from idiolect.schema import Message

LONGEST_QUOTE = 300  # characters of one statement


def with_system_text(request: Request, text: str, default: str) -> Request:
    """Append `text` to the first system message; where the client sent none, to `default`.

    Chat templates put a text of their own where no system message is: a personal text alone would replace it, and the
    change would look like an effect of the profile.
    """
    messages = list(request.messages)
    at = next((i for i, message in enumerate(messages) if message.role in ("system", "developer")), None)
    if at is None:
        messages.insert(0, Message(role="system", content=f"{default}\n\n{text}".lstrip()))
        return replace(request, messages=tuple(messages))
    content = messages[at].content
    if isinstance(content, list):
        longer: str | list[object] = [*content, {"type": "text", "text": text}]
    else:
        longer = f"{content or ''}\n\n{text}".lstrip()
    messages[at] = messages[at].model_copy(update={"content": longer})
    return replace(request, messages=tuple(messages))


def quoted(text: str, longest: int = LONGEST_QUOTE) -> str:
    """A person's words as data: no invisible characters, no quote that would end the quotation."""
    visible = "".join(char for char in text if char == "\n" or not _invisible(char)).replace('"', "'").strip()
    return visible if len(visible) <= longest else visible[: longest - 3].rstrip() + "..."


def one_line(text: str, longest: int = LONGEST_QUOTE) -> str:
    """The same without line breaks, so that a statement cannot begin a line of its own."""
    return quoted(" ".join(text.split()), longest)


def within(lines: Iterable[str], budget: int, count: Callable[[str], int]) -> list[str]:
    """The first lines that together take at most `budget` tokens."""
    kept: list[str] = []
    for line in lines:
        budget -= count(line + "\n")
        if budget < 0:
            break
        kept.append(line)
    return kept


@lru_cache
def template(name: str) -> Template:
    """A template of this room, by its name and version."""
    source = (files("idiolect.generation") / "templates" / f"{name}.txt.j2").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701 - plain text, never HTML
    return environment.from_string(source)


def _invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs", "Cn")
