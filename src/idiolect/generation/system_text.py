"""Adding a personal text to a request's system message, within a budget of tokens and the model's context.

Where not all of it fits into the context, the personal text gives way first, then the oldest turns of the conversation.
What the client says to the system, the newest words of the person and what follows them always stay.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar

from jinja2 import Environment, StrictUndefined, Template

from idiolect.models.protocol import Request
from idiolect.schema import Message

T = TypeVar("T")

LONGEST_QUOTE = 300  # characters of one statement
OF_A_MESSAGE = 8  # tokens that a chat template puts around one, at most
SYSTEM = ("system", "developer")  # roles
ANSWER_SHARE = 4  # of the context, this part at most is kept free for the answer


@dataclass(frozen=True)
class SystemText:
    """Where personal texts go and how long they may be: with one model's tokens, and its context where it is known."""

    default: str  # the system text where the client sends none
    count: Callable[[str], int]
    context: int | None = None  # tokens of prompt and answer together

    def add(self, request: Request, text: str) -> Request:
        """The request with a text at the end of its system message."""
        return with_system_text(request, text, self.default)

    def budget(self, request: Request, most: int) -> int:
        """Tokens that a personal text may take: at most so many, and no more than the conversation leaves free."""
        if self.context is None or self._at_most(request) + most <= self._room(request, self.context):
            return most
        taken = self._beside + sum(map(self._size, request.messages))
        return max(0, min(most, self._room(request, self.context) - taken))

    def filled(
        self, request: Request, most: int, items: Sequence[T], render: Callable[[Sequence[T]], str]
    ) -> tuple[str, int]:
        """The text of as many of the first items as its budget holds, and how many these are."""
        room = self.budget(request, most)
        fitting = bisect_right(range(1, len(items) + 1), room, key=lambda n: self.count(render(items[:n])))
        return render(items[:fitting]), fitting

    def fitted(self, request: Request) -> tuple[Request, int]:
        """A conversation that is too long loses its oldest turns, question and answer together; how many messages."""
        if self.context is None or self._at_most(request) <= (room := self._room(request, self.context)):
            return request, 0
        sizes = [self._size(message) for message in request.messages]
        room -= self._beside
        newest = max((i for i, each in enumerate(request.messages) if each.role == "user"), default=0)
        gone = set[int]()
        for i, message in enumerate(request.messages[:newest]):
            is_whole = message.role == "user" or not gone  # no answer stays without its question
            if sum(sizes) <= room and is_whole:
                break
            if message.role not in SYSTEM:
                gone.add(i)
                sizes[i] = 0
        kept = tuple(message for i, message in enumerate(request.messages) if i not in gone)
        return (replace(request, messages=kept), len(gone)) if gone else (request, 0)

    def _room(self, request: Request, context: int) -> int:
        """Tokens that are left for the prompt when the answer has its part."""
        return context - min(request.sampling.max_tokens, context // ANSWER_SHARE)

    @property
    def _beside(self) -> int:
        """Tokens of what is put before the client's messages, at most."""
        return len(self.default.encode()) + OF_A_MESSAGE

    def _at_most(self, request: Request) -> int:
        """Tokens of a request, none of which is shorter than a byte: counted without asking the model."""
        texts = (message.text for message in request.messages)
        return self._beside + sum(len(text.encode("utf-8", "replace")) + OF_A_MESSAGE for text in texts)

    def _size(self, message: Message) -> int:
        return self.count(message.text) + OF_A_MESSAGE


def with_system_text(request: Request, text: str, default: str) -> Request:
    """Append `text` to the first system message; where the client sent none, to `default`.

    Chat templates put a text of their own where no system message is: a personal text alone would replace it, and the
    change would look like an effect of the profile.
    """
    messages = list(request.messages)
    at = next((i for i, message in enumerate(messages) if message.role in SYSTEM), None)
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


def question(request: Request) -> str:
    """The newest words of the person."""
    return next((message.text for message in reversed(request.messages) if message.role == "user"), "")


def is_same(text: str, other: str) -> bool:
    """Whether two texts differ at most in case and in the spaces between words."""
    return text.casefold().split() == other.casefold().split()


def quoted(text: str, longest: int = LONGEST_QUOTE) -> str:
    """A person's words as data: no invisible characters, no quote that would end the quotation."""
    visible = "".join(char for char in text if char == "\n" or not _invisible(char)).replace('"', "'").strip()
    return visible if len(visible) <= longest else visible[: longest - 3].rstrip() + "..."


def one_line(text: str, longest: int = LONGEST_QUOTE) -> str:
    """The same without line breaks, so that a statement cannot begin a line of its own."""
    return quoted(" ".join(text.split()), longest)


@lru_cache
def template(name: str) -> Template:
    """A template of this room, by its name and version."""
    source = (files("idiolect.generation") / "templates" / f"{name}.txt.j2").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701 - plain text, never HTML
    return environment.from_string(source)


def _invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs", "Cn")
