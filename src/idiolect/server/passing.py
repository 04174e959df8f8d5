"""What is passed on to the endpoint behind the server, unread but for the boundary: responses, embeddings, models.

Nothing of a person is added to it and nothing is remembered. The boundary judges what is asked and what is answered.
"""

import json
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence
from threading import Event
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from starlette.concurrency import run_in_threadpool

from idiolect.assistant import Assistant
from idiolect.errors import BadInput, IdiolectError, ModelError, NotFound
from idiolect.models.remote import Remote
from idiolect.schema import Cost, Message
from idiolect.server import wire
from idiolect.server.errors import as_wire
from idiolect.server.leaving import until_gone
from idiolect.server.openai_api import ALIAS
from idiolect.server.relay import EventStream, relay
from idiolect.server.serving import Serving
from idiolect.server.spending import spender

router = APIRouter(prefix="/v1", tags=["OpenAI"])

DELTA, DONE, COMPLETED = "response.output_text.delta", "response.output_text.done", "response.completed"
MOST_MODELS = 10_000


class Refused(BadInput):
    """The boundary does not let it through. It stands in the place of an answer, in the boundary's own words."""


class Passed(BaseModel):
    """A request that is passed on as it is."""

    model_config = ConfigDict(frozen=True, extra="allow")

    model: str | None = None
    user: str | None = Field(None, description="Not passed on.")

    def body(self, remote: Remote) -> dict[str, JsonValue]:
        """What the endpoint gets."""
        fields = {name: value for name, value in (self.model_extra or {}).items() if name != "idiolect"}
        return {**fields, "model": remote.model if self.model in (None, ALIAS, remote.name) else self.model}


class EmbeddingsRequest(Passed):
    """Embeddings, as OpenAI's clients ask for them."""

    input: JsonValue

    def body(self, remote: Remote) -> dict[str, JsonValue]:
        """What the endpoint gets."""
        return super().body(remote) | {"input": self.input}


class Part(BaseModel):
    """A piece of an item of a response's input."""

    model_config = ConfigDict(extra="allow")

    type: str = ""
    text: str = ""


class Item(BaseModel):
    """An item of a response's input, as far as its words matter."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant"] = "user"
    content: str | list[Part] = ""


class ResponsesRequest(Passed):
    """A response, as OpenAI's clients ask for it. What it says besides is passed on."""

    input: str | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    stream: bool = False

    def body(self, remote: Remote) -> dict[str, JsonValue]:
        """What the endpoint gets."""
        named = self.model_dump(mode="json", include={"input", "instructions", "stream"}, exclude_unset=True)
        return super().body(remote) | named

    @property
    def messages(self) -> list[Message]:
        """What the boundary reads."""
        items = [Item(content=self.input)] if isinstance(self.input, str) else self.input
        told = [Message(role="system", content=self.instructions)] if self.instructions else []
        for item in items:
            parts = item.content if isinstance(item.content, str) else "\n".join(part.text for part in item.content)
            told.append(Message(role=item.role, content=parts))
        return told


class Told(BaseModel):
    """As much of a response as is read: its words, and what it took."""

    model_config = ConfigDict(extra="ignore")

    class Usage(BaseModel):
        """Tokens; OpenAI has two names for each."""

        model_config = ConfigDict(extra="ignore")

        input_tokens: int = 0
        output_tokens: int = 0
        prompt_tokens: int = 0

    output: list[dict[str, Any]] = Field(default_factory=list)
    usage: Usage | None = None

    @property
    def text(self) -> str:
        """All words of all messages in it."""
        parts = [part for item in self.output for part in item.get("content") or () if isinstance(part, dict)]
        return "\n".join(str(part.get("text", "")) for part in parts)

    @property
    def cost(self) -> Cost:
        """What it took."""
        used = self.usage or self.Usage()
        return Cost(calls=1, prompt_tokens=used.input_tokens + used.prompt_tokens, completion_tokens=used.output_tokens)


@router.get("/models")
def models(assistant: Serving) -> wire.ModelList:
    """The model that is served and `idiolect`, which means it; behind an endpoint, also all of its models."""
    names = dict.fromkeys((assistant.model.name, ALIAS))
    cards = {name: wire.ModelCard(id=name) for name in names}
    if isinstance(assistant.model, Remote):
        cards = {card.id: card for card in _models_of(assistant.model)} or cards
        cards.setdefault(ALIAS, wire.ModelCard(id=ALIAS))
    return wire.ModelList(data=tuple(cards.values()))


@router.post("/embeddings", response_class=Response, responses={200: {"content": {"application/json": {}}}})
async def embeddings(http: Request, assistant: Serving, request: EmbeddingsRequest) -> Response:
    """Embeddings of the endpoint's own models."""
    remote, stop = _remote(assistant), Event()
    async with until_gone(http, stop):
        data = await run_in_threadpool(_whole, remote, "embeddings", request.body(remote), stop)
        await run_in_threadpool(spender(http), _told(data).cost)
    return Response(data, media_type="application/json")


@router.post(
    "/responses",
    response_class=Response,
    responses={200: {"content": {"application/json": {}, "text/event-stream": {}}}},
)
async def responses(http: Request, assistant: Serving, request: ResponsesRequest) -> Response:
    """A response of the endpoint's own, for nobody in particular: ask for a chat completion to have it personal."""
    passing, stop = Passing(assistant, _remote(assistant), request, spender(http)), Event()
    async with until_gone(http, stop):
        if not request.stream:
            return Response(await run_in_threadpool(passing.whole, stop), media_type="application/json")
        items = relay(passing.stream(stop))
        first = await anext(items)  # before the response starts, so that what goes wrong at once has its own status
    return EventStream(_all(first, items), stop=stop)


async def _all(first: str, rest: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    yield first
    try:
        async for each in rest:
            yield each
    except IdiolectError as error:
        said = as_wire(error)
        yield _event({"type": "error", "message": said.message, "code": said.code, "param": None})


class Passing:
    """One response on its way through the boundary."""

    def __init__(
        self, assistant: Assistant, remote: Remote, request: ResponsesRequest, spent: Callable[[Cost], None]
    ) -> None:
        self.boundary = assistant.plain.parts.boundary
        self.spent = spent
        self.remote = remote
        self.messages = request.messages
        self.body = request.body(remote)

    def whole(self, stop: Event) -> bytes:
        """The endpoint's reply. Raises Refused for what the boundary keeps back, ModelError for rubbish."""
        self._check_request()
        data = _whole(self.remote, "responses", self.body, stop)
        told = _told(data)
        self.spent(told.cost)
        if told.text and not self.boundary.admits(verdict := self.boundary.judge_answer(self.messages, told.text)):
            raise Refused(self.boundary.refusal(verdict))
        return data

    def stream(self, stop: Event) -> Generator[str, None, None]:
        """The endpoint's events, the words as the boundary lets them go. Raises Refused where it cuts them."""
        self._check_request()
        screen = self.boundary.stream_screen(self.messages)
        last: dict[str, JsonValue] = {}
        with self.remote.pass_on("responses", self.body, (stop,)) as pieces:
            for event in _events(pieces):
                kind = event.get("type")
                if kind == DELTA:
                    last = event | {"delta": screen.feed(str(event.get("delta", "")))}
                    yield _event(last)
                elif last and kind in (DONE, COMPLETED):
                    yield _event(last | {"delta": screen.finish()})
                    last = {}
                if screen.cut:
                    raise Refused("what follows is kept back: it is something that this assistant does not say")
                if kind == COMPLETED:
                    self.spent(Told.model_validate(event.get("response") or {}).cost)
                if kind != DELTA:
                    yield _event(event)

    def _check_request(self) -> None:
        verdict = self.boundary.judge_request(self.messages)
        if verdict.action in ("refuse", "helpline"):
            raise Refused(self.boundary.refusal(verdict))


def _models_of(remote: Remote) -> Sequence[wire.ModelCard]:
    """What the endpoint lists; nothing where it does not."""
    try:
        return wire.ModelList.model_validate_json(_whole(remote, "models", None, Event())).data[:MOST_MODELS]
    except (IdiolectError, ValidationError):
        return ()


def _remote(assistant: Assistant) -> Remote:
    if not isinstance(assistant.model, Remote):
        raise NotFound(
            f"{assistant.model.name!r} is asked by /v1/chat/completions alone: this needs an endpoint behind the "
            "server, `idiolect serve --upstream URL`"
        )
    return assistant.model


def _whole(remote: Remote, path: str, body: dict[str, JsonValue] | None, stop: Event) -> bytes:
    with remote.pass_on(path, body, (stop,)) as pieces:
        return b"".join(pieces)


def _told(data: bytes) -> Told:
    try:
        return Told.model_validate_json(data)
    except ValidationError:
        raise ModelError("the endpoint answered with something that is not OpenAI's form: check its address") from None


def _events(pieces: Iterator[bytes]) -> Iterator[dict[str, JsonValue]]:
    """The JSON objects of server-sent events."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            data = line.strip().removeprefix(b"data:").strip()
            if line.startswith(b"data:") and data != b"[DONE]":
                yield _object(data)


def _object(data: bytes) -> dict[str, JsonValue]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ModelError("the endpoint broke off in the middle of its answer, or sent what is no event; ask again")
    return found


def _event(event: Mapping[str, JsonValue]) -> str:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
