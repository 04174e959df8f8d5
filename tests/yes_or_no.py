"""A scripted judge: it says yes to what holds certain words."""

from collections.abc import Sequence
from threading import Event

from idiolect.models.protocol import OnCompletion, Request
from idiolect.models.scripted import Scripted
from idiolect.schema import Completion


class Judge(Scripted):
    """Says yes to what holds a word."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words
        self.asked: list[str] = []

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        question = request.messages[-1].text
        self.asked.append(question)
        text = "Yes." if any(word in question for word in self.words) else "no"
        return [Completion(text=text, finish_reason="stop", prompt_tokens=1, completion_tokens=1)] * n
