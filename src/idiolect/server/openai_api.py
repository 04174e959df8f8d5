"""OpenAI's chat completions: a client that speaks to OpenAI speaks to this unchanged."""

from threading import Event
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from idiolect.assistant import Assistant, Options
from idiolect.errors import UnknownModel
from idiolect.method import MOST_CANDIDATES
from idiolect.models.remote import Remote
from idiolect.schema import Answer, new_id
from idiolect.server import chunks as spelling
from idiolect.server import wire
from idiolect.server.chunks import Chunks, Events, Items
from idiolect.server.insisting import Insisting
from idiolect.server.leaving import until_gone
from idiolect.server.relay import ALIVE, EventStream, relay
from idiolect.server.serving import Serving, UserHeader, person
from idiolect.server.spending import spender
from idiolect.settings import Country

router = APIRouter(prefix="/v1", tags=["OpenAI"])

ALIAS = "idiolect"  # for clients that must name a model and need not know which one is served
Said: TypeAlias = dict[str, str | int | bool]
DEGRADED = "X-Idiolect-Degraded"


@router.get("/models/{name:path}")
def model(assistant: Serving, name: str) -> wire.ModelCard:
    """One model by its name."""
    _check_model(assistant, name)
    return wire.ModelCard(id=name)


def _switched(
    method: Annotated[str | None, Header(alias="X-Idiolect-Method")] = None,
    candidates: Annotated[int | None, Header(alias="X-Idiolect-Candidates", ge=1, le=MOST_CANDIDATES)] = None,
    temporary: Annotated[bool | None, Header(alias="X-Idiolect-Temporary")] = None,
    explain: Annotated[bool | None, Header(alias="X-Idiolect-Explain")] = None,
    country: Annotated[Country | None, Header(alias="X-Idiolect-Country")] = None,
) -> Said:
    """What a request says to Idiolect alone by headers, which go before the object `idiolect` of the body."""
    said = {
        "method": method,
        "candidates": candidates,
        "temporary": temporary,
        "explain": explain,
        "country": country,
    }
    return {name: value for name, value in said.items() if value is not None}


@router.post("/chat/completions", response_model=wire.ChatCompletion)
async def chat_completions(
    http: Request,
    assistant: Serving,
    request: wire.CompletionRequest,
    said: Annotated[Said, Depends(_switched)],
    header: UserHeader = None,
) -> Response:
    """Answer the person named by `user`; a refusal is an ordinary answer with `idiolect.refused` set.

    OpenAI's clients show `content` and few look further, so the boundary's polite words stand there, with
    `finish_reason` "stop": "content_filter" would make many of them show an error in place of what may be asked.
    """
    stop, switches = Event(), request.idiolect.model_copy(update=said)
    options = _options(assistant, request, switches) | Options(stop=stop)
    turn = Insisting(assistant, person(header, request.user), request.messages, options, spender(http))
    telling = Telling(turn, request, switches.explain)
    async with until_gone(http, stop):
        if request.stream:
            return await _stream(telling, stop)
        answer = await run_in_threadpool(turn.answer)
    content = telling.completion(answer).model_dump_json()
    return Response(content, media_type="application/json", headers=_degraded(turn))


def _degraded(turn: Insisting) -> dict[str, str]:
    return {DEGRADED: turn.lacking} if turn.lacking else {}


def _check_model(assistant: Assistant, name: str) -> None:
    """Behind an endpoint there may be any model: it says so itself where there is none of that name."""
    if name not in (assistant.model.name, ALIAS) and not isinstance(assistant.model, Remote):
        raise UnknownModel(f"this server serves {assistant.model.name!r}, not {name!r}: ask for it, or for {ALIAS!r}")


def _options(assistant: Assistant, request: wire.CompletionRequest, switches: wire.Switches) -> Options:
    options = Options(
        sampling=request.sampling(assistant.settings.sampling),
        temporary=switches.temporary,
        extra=request.extra,
        answer_id=new_id("chatcmpl"),
    )
    if request.model is not None:
        _check_model(assistant, request.model)
        if request.model not in (assistant.model.name, ALIAS):
            options["extra"] = {**request.extra, "model": request.model}
    if request.n is not None:
        options["show"] = request.n
    if switches.candidates is not None:
        options["candidates"] = switches.candidates
    if switches.method is not None:
        options["method"] = switches.method
    if switches.country is not None:
        options["country"] = switches.country
    return options


class Telling:
    """How one turn is told."""

    def __init__(self, turn: Insisting, request: wire.CompletionRequest, explain: bool) -> None:
        self.turn = turn
        self.request = request
        self.explain = explain
        self.model = str(turn.options["extra"].get("model", turn.assistant.model.name))

    @property
    def tells_usage(self) -> bool:
        """Whether a stream ends with what it took."""
        return bool(self.request.stream_options and self.request.stream_options.include_usage)

    def completion(self, answer: Answer) -> wire.ChatCompletion:
        """The best of the answers, as many as were asked for."""
        shown = wire.best_first(answer, self.turn.assistant.settings.kappa)[: self.request.n or 1]
        tells_logprobs = bool(self.request.extra.get("logprobs"))
        choices = [
            wire.Choice(
                index=index,
                message=wire.said(candidate),
                finish_reason=candidate.finish_reason,
                logprobs=wire.logprobs(candidate) if tells_logprobs else None,
                candidate=candidate.id,
            )
            for index, candidate in enumerate(shown)
        ]
        refusal = wire.Choice(index=0, message=wire.Said(content=answer.text), finish_reason="stop")
        return wire.ChatCompletion(
            id=answer.id,
            created=wire.created(),
            model=self.model,
            choices=tuple(choices) or (refusal,),
            usage=wire.usage(answer, sum(candidate.completion_tokens for candidate in shown)),
            idiolect=wire.personal(answer, self.turn.lacking, explain=self.explain),
        )


async def _stream(telling: Telling, stop: Event) -> Response:
    items = relay(telling.turn.stream())
    first = await anext(items)  # before the response starts, so that what goes wrong at once has its own status
    events = spelling.ended(_spelt(telling, first, items), items)
    return EventStream(events, stop=stop, headers=_degraded(telling.turn))


async def _spelt(telling: Telling, first: str | Answer, rest: Items) -> Events:
    """One answer as it is written; several when all of them are there."""
    chunks = Chunks(telling.model, telling.turn.options["answer_id"])
    is_one = (telling.request.n or 1) == 1
    if is_one:
        yield chunks.said(wire.Delta(role="assistant", content=""))
    item = first
    while isinstance(item, str):
        yield spelling.piece(chunks, item) if is_one else ALIVE
        item = await anext(rest)
    completion = telling.completion(item)
    for event in () if is_one else spelling.whole(chunks, completion):
        yield event
    for event in chunks.end(completion, tells_usage=telling.tells_usage):
        yield event
