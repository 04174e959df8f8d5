"""A chat completion as a stream: one answer as it is written, or several, each whole."""

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from typing import TypeAlias

from idiolect.errors import IdiolectError
from idiolect.models.pieces import Beside
from idiolect.schema import Answer
from idiolect.server import wire
from idiolect.server.errors import ErrorBody, as_wire
from idiolect.server.relay import ALIVE, event

DONE = "data: [DONE]\n\n"

Events: TypeAlias = AsyncGenerator[str, None]
Items: TypeAlias = AsyncGenerator[str | Answer, None]


class Chunks:
    """The events of one stream, which share their id, their time and their model."""

    def __init__(self, model: str, completion: str) -> None:
        self.model = model
        self.id = completion
        self.created = wire.created()

    def said(self, delta: wire.Delta, index: int = 0) -> str:
        """A piece of an answer."""
        return self._event((wire.ChunkChoice(index=index, delta=delta),))

    def ended(self, choice: wire.Choice, personal: wire.Personal | None = None) -> str:
        """The end of one answer. Its tokens come here, not with its words: the boundary may hold these back."""
        end = wire.ChunkChoice(
            index=choice.index, delta=wire.Delta(), finish_reason=choice.finish_reason, logprobs=choice.logprobs
        )
        return self._event((end,), personal=personal)

    def used(self, usage: wire.Usage) -> str:
        """The tokens of it all."""
        return self._event((), usage=usage)

    def _event(
        self,
        choices: tuple[wire.ChunkChoice, ...],
        usage: wire.Usage | None = None,
        personal: wire.Personal | None = None,
    ) -> str:
        chunk = wire.Chunk(
            id=self.id, created=self.created, model=self.model, choices=choices, usage=usage, idiolect=personal
        )
        return event(chunk.model_dump_json(exclude_none=True))

    def end(self, completion: wire.ChatCompletion, *, tells_usage: bool) -> Generator[str, None, None]:
        """The ends of all answers of a completion."""
        for choice in completion.choices:
            yield self.ended(choice, completion.idiolect if choice.index == 0 else None)
        if tells_usage:
            yield self.used(completion.usage)


async def ended(spelt: Events, items: Items) -> Events:
    """The events with the sign of the end, or of what went wrong; `items` are closed however it ends."""
    async with aclosing(items), aclosing(spelt):
        try:
            async for each in spelt:
                yield each
        except IdiolectError as error:  # the status is out already: OpenAI's client raises what such an event says
            yield event(ErrorBody(error=as_wire(error)).model_dump_json())
            return
        yield DONE


def piece(chunks: Chunks, item: str) -> str:
    """What is said while it is written, be it a sign of life."""
    if isinstance(item, Beside):
        return chunks.said(wire.Delta.model_validate(item.fields))
    return chunks.said(wire.Delta(content=item)) if item else ALIVE


def whole(chunks: Chunks, completion: wire.ChatCompletion) -> Generator[str, None, None]:
    """Several answers, each in one piece: they are all written before the best of them are known."""
    for choice in completion.choices:
        yield chunks.said(wire.whole(choice.message), choice.index)
