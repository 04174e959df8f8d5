"""Two methods side by side on the page: one question, both answers, what each took, and a choice between them.

The methods work one after the other, so that what each took can be compared. Which of them begins, and stands first, is
left to chance: the one that begins reads the prompt anew, and places don't become tastes.
"""

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from idiolect.assistant import Assistant
from idiolect.errors import BadInput, IdiolectError
from idiolect.generation import GENERATION
from idiolect.generation.agent import AGENTS
from idiolect.method import AUTOMATIC, parse
from idiolect.schema import Answer, Candidate, Message, new_id
from idiolect.server.relay import ALIVE, event, relay
from idiolect.server.templates import html

METHODS = (AUTOMATIC, *GENERATION, *AGENTS, *(f"{name}+best-of-8" for name in ("plain", "profile")))  # to begin from


@dataclass(frozen=True)
class Side:
    """One of the two answers, and what it took."""

    answer: Answer

    @property
    def candidate(self) -> Candidate | None:
        """What was chosen; None where the boundary answered."""
        return None if self.answer.chosen is None else self.answer.candidates[self.answer.chosen]

    @property
    def took(self) -> str:
        """Tokens of all calls of the model, and seconds from the question to the answer."""
        seconds = f"{sum(self.answer.trace.milliseconds.values()) / 1000:.1f} s"
        cost = self.answer.trace.cost
        if cost is None:
            return seconds
        return f"{cost.prompt_tokens:,} tokens read, {cost.completion_tokens:,} written, {seconds}"


def in_some_order(methods: Sequence[str]) -> tuple[str, str]:
    """The two, checked. Raises BadInput where they are not two, and UnknownMethod."""
    named = [name.strip() for name in methods]
    if len(named) != 2 or named[0] == named[1]:
        raise BadInput("two methods are compared: name two that differ, such as plain and auto")
    for name in named:
        if name != AUTOMATIC:
            parse(name)
    first, second = secrets.SystemRandom().sample(named, 2)
    return first, second


async def compared(
    assistant: Assistant, user: str, told: Sequence[Message], methods: Sequence[str]
) -> AsyncGenerator[str, None]:
    """The events of a comparison: words as they are written, each answer as it is done, and both with a choice."""
    place, sides = new_id("turn"), list[Side]()
    yield event(html("_compared_asked.html", place=place, prompt=told[-1].text, methods=methods))
    async with aclosing(relay(assistant.compare(user, told, methods))) as items:
        try:
            async for number, item in items:
                if isinstance(item, str):
                    yield event(html("_piece.html", place=f"{place}-{number}", piece=item)) if item else ALIVE
                    continue
                sides.append(Side(item))
                yield event(html("_compared_side.html", place=place, number=number, side=sides[-1]))
        except IdiolectError as error:
            yield event(html("_failed.html", place=place, message=str(error)))
            return
    yield event(html("_compared.html", place=place, sides=sides, user=user))
