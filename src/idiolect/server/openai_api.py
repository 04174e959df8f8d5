"""OpenAI's chat completions: a client that speaks to OpenAI speaks to this unchanged."""

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from typing import TypeAlias

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from idiolect.assistant import Assistant, Options
from idiolect.errors import IdiolectError, UnknownModel
from idiolect.schema import Answer, new_id
from idiolect.server import wire
from idiolect.server.errors import ErrorBody, as_wire
from idiolect.server.relay import ALIVE, EventStream, event, relay
from idiolect.server.serving import Serving, UserHeader, person

router = APIRouter(prefix="/v1", tags=["OpenAI"])

ALIAS = "idiolect"  # for clients that must name a model and need not know which one is served
DONE = "data: [DONE]\n\n"

Events: TypeAlias = AsyncGenerator[str, None]
Items: TypeAlias = AsyncGenerator[str | Answer, None]


@router.get("/models")
def models(assistant: Serving) -> wire.ModelList:
    """The model that is served, under its own name and under `idiolect`."""
    return wire.ModelList(data=tuple(wire.ModelCard(id=name) for name in (assistant.model.name, ALIAS)))


@router.get("/models/{name:path}")
def model(assistant: Serving, name: str) -> wire.ModelCard:
    """One model by its name."""
    _check_model(assistant, name)
    return wire.ModelCard(id=name)


@router.post("/chat/completions", response_model=wire.ChatCompletion)
async def chat_completions(assistant: Serving, request: wire.CompletionRequest, header: UserHeader = None) -> Response:
    """Answer the person named by `user`; a refusal is an ordinary answer with `idiolect.refused` set.

    OpenAI's clients show `content` and few look further, so the boundary's polite words stand there, with
    `finish_reason` "stop": "content_filter" would make many of them show an error in place of what may be asked.
    """
    if request.model is not None:
        _check_model(assistant, request.model)
    user = person(header, request.user)
    if request.stream:
        return await _stream(assistant, user, request)
    options = _options(assistant, request)
    answer = await run_in_threadpool(lambda: assistant.answer(user, request.messages, **options))
    completion = _completion(assistant, answer, request.n or 1)
    return Response(completion.model_dump_json(), media_type="application/json")


def _check_model(assistant: Assistant, name: str) -> None:
    if name not in (assistant.model.name, ALIAS):
        raise UnknownModel(f"this server serves {assistant.model.name!r}, not {name!r}: ask for it, or for {ALIAS!r}")


def _options(assistant: Assistant, request: wire.CompletionRequest) -> Options:
    options = Options(
        sampling=request.sampling(assistant.settings.sampling),
        temporary=request.idiolect.temporary,
        extra=request.extra,
    )
    if request.n is not None:
        options["show"] = request.n
    if request.idiolect.candidates is not None:
        options["candidates"] = request.idiolect.candidates
    if request.idiolect.method is not None:
        options["method"] = request.idiolect.method
    if request.idiolect.country is not None:
        options["country"] = request.idiolect.country
    return options


def _completion(assistant: Assistant, answer: Answer, n: int) -> wire.ChatCompletion:
    shown = wire.best_first(answer, assistant.settings.kappa)[:n]
    choices = [
        wire.Choice(
            index=index,
            message=wire.Said(content=candidate.text),
            finish_reason=answer.finish_reason if index == 0 else "stop",
            candidate=candidate.id,
        )
        for index, candidate in enumerate(shown)
    ]
    return wire.ChatCompletion(
        id=answer.id,
        created=wire.created(),
        model=assistant.model.name,
        choices=tuple(choices) or (wire.Choice(index=0, message=wire.Said(content=answer.text), finish_reason="stop"),),
        usage=wire.usage(answer, sum(candidate.completion_tokens for candidate in shown)),
        idiolect=wire.personal(answer),
    )


# --- streams -------------------------------------------------------------------------------------------------------


async def _stream(assistant: Assistant, user: str, request: wire.CompletionRequest) -> Response:
    options = _options(assistant, request)
    options["answer_id"] = new_id("chatcmpl")
    items = relay(assistant.stream(user, request.messages, **options))
    first = await anext(items)  # before the response starts, so that what goes wrong at once has its own status
    if (request.n or 1) > 1:
        spelt = _several(assistant, request, first, items)
    else:
        spelt = _one(Chunks(assistant.model.name, options["answer_id"]), request, first, items)
    return EventStream(_ended(spelt, items))


class Chunks:
    """The events of one stream, which share their id, their time and their model."""

    def __init__(self, model: str, completion: str) -> None:
        self.model = model
        self.id = completion
        self.created = wire.created()

    def said(self, delta: wire.Delta, index: int = 0) -> str:
        """A piece of an answer."""
        return self._event((wire.ChunkChoice(index=index, delta=delta),))

    def ended(self, reason: str, personal: wire.Personal | None = None, index: int = 0) -> str:
        """The end of one answer."""
        return self._event(
            (wire.ChunkChoice(index=index, delta=wire.Delta(), finish_reason=reason),), personal=personal
        )

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


def _wants_usage(request: wire.CompletionRequest) -> bool:
    return bool(request.stream_options and request.stream_options.include_usage)


async def _ended(spelt: Events, items: Items) -> Events:
    """The events with the sign of the end, or of what went wrong; `items` are closed however it ends."""
    async with aclosing(items), aclosing(spelt):
        try:
            async for each in spelt:
                yield each
        except IdiolectError as error:  # the status is out already: OpenAI's client raises what such an event says
            yield event(ErrorBody(error=as_wire(error)).model_dump_json())
            return
        yield DONE


async def _one(chunks: Chunks, request: wire.CompletionRequest, first: str | Answer, rest: Items) -> Events:
    """One answer, as it is written."""
    yield chunks.said(wire.Delta(role="assistant", content=""))
    yield _of(chunks, request, first)
    async for item in rest:
        yield _of(chunks, request, item)


def _of(chunks: Chunks, request: wire.CompletionRequest, item: str | Answer) -> str:
    if isinstance(item, str):
        return chunks.said(wire.Delta(content=item)) if item else ALIVE
    tokens = chunks.used(wire.usage(item, item.completion_tokens)) if _wants_usage(request) else ""
    return chunks.ended(item.finish_reason, wire.personal(item)) + tokens


async def _several(assistant: Assistant, request: wire.CompletionRequest, first: str | Answer, rest: Items) -> Events:
    """Several answers, each whole: they are all written before the best of them are known."""
    answer = first
    while isinstance(answer, str):
        yield ALIVE
        answer = await anext(rest)
    for piece in _whole(_completion(assistant, answer, request.n or 1), request):
        yield piece


def _whole(completion: wire.ChatCompletion, request: wire.CompletionRequest) -> Generator[str, None, None]:
    chunks = Chunks(completion.model, completion.id)
    for choice in completion.choices:
        yield chunks.said(wire.Delta(role="assistant", content=choice.message.content), choice.index)
    for choice in completion.choices:
        personal = completion.idiolect if choice.index == 0 else None
        yield chunks.ended(choice.finish_reason, personal, choice.index)
    if _wants_usage(request):
        yield chunks.used(completion.usage)
