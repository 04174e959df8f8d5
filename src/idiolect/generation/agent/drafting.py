"""Drafts: by a model that may call tools while it writes them, and by one that can't."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from idiolect.errors import BadInput
from idiolect.generation.agent.protocol import Desk
from idiolect.generation.agent.tools import TOOLS, Call, asked, calls_of, run
from idiolect.models.protocol import Model, Request
from idiolect.models.remote import Remote
from idiolect.schema import Completion, Message

EXCHANGES = 3  # with tools; after them the model must answer


@dataclass(frozen=True)
class Drafts:
    """What was written, and the conversation that it goes on from, in words alone."""

    completions: tuple[Completion, ...]
    request: Request
    is_question: bool = False  # the model would rather ask the person: there is nothing to choose or to revise


@dataclass
class Drafting:
    """Offers tools where the engine takes them; one that refuses them is not asked again."""

    refuses_tools: bool = False
    has_taken_tools: bool = False

    def drafts(self, request: Request, desk: Desk, n: int) -> Drafts:
        """n drafts, or one question. Raises as the model does."""
        if self.refuses_tools or not desk.takes_tools:
            return Drafts(tuple(desk.complete(request, n)), request)
        try:
            return self._with_tools(request, desk, n)
        except BadInput as refused:
            drafts = Drafts(tuple(desk.complete(request, n)), request)  # else its error is told
            self.refuses_tools = not self.has_taken_tools
            desk.note(f"Offered tools, the model answered nothing, so it was asked without: {refused}")
            return drafts

    def _with_tools(self, request: Request, desk: Desk, n: int) -> Drafts:
        may_ask = not was_asked(request)
        offered = offering(request, may_ask=may_ask)
        for _ in range(EXCHANGES):
            (written,) = desk.complete(offered, 1)
            self.has_taken_tools = True
            calls = calls_of(written)
            if not calls:
                return self._rest(request, offered, written, desk, n)
            if may_ask and (question := asked(calls)) is not None:
                desk.note("The model asked instead of answering.")
                return Drafts((_said(written, question),), request, is_question=True)
            offered = replace(offered, messages=(*offered.messages, *_exchange(written, calls, desk)))
        (written,) = desk.complete(_answering(offered), 1)
        return self._rest(request, offered, written, desk, n)

    def _rest(self, request: Request, offered: Request, first: Completion, desk: Desk, n: int) -> Drafts:
        """The others answer the same conversation, and may look up nothing more."""
        others = desk.complete(_answering(offered), n - 1) if n > 1 else ()
        plain = replace(offered, messages=_in_words(offered.messages), extra=request.extra)
        return Drafts((first, *others), plain)


def takes_tools(model: Model) -> bool:
    """Whether a model may be offered tools: of an endpoint nobody knows but itself, and those in this process don't."""
    return isinstance(model, Remote)


def offering(request: Request, *, may_ask: bool) -> Request:
    """The request with the tools in it."""
    tools: list[JsonValue] = [tool.schema for tool in TOOLS.values() if may_ask or not tool.asks]
    return replace(request, extra={**request.extra, "tools": tools})


def was_asked(request: Request) -> bool:
    """Whether the last thing the person was told ends in a question: nobody is asked twice in a row."""
    said = next((each.text for each in reversed(request.messages) if each.role == "assistant"), "")
    return said.rstrip().endswith("?")


def _answering(request: Request) -> Request:
    return replace(request, extra={**request.extra, "tool_choice": "none"})


def _exchange(written: Completion, calls: Sequence[Call], desk: Desk) -> list[Message]:
    """What the model called, and what the tools said."""
    called = Message.model_validate(
        {"role": "assistant", "content": written.text or None, "tool_calls": written.extra["tool_calls"]}
    )
    said = [Message.model_validate({"role": "tool", "tool_call_id": c.id, "content": run(c, desk)}) for c in calls]
    return [called, *said]


def _in_words(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation without the calls: a revision is asked for of the words alone."""
    return tuple(each for each in messages if each.role != "tool" and "tool_calls" not in (each.model_extra or {}))


def _said(written: Completion, text: str) -> Completion:
    return written.model_copy(update={"text": text, "finish_reason": "stop", "extra": {}})
