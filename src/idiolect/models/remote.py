"""Any endpoint that speaks the OpenAI wire format: OpenAI, Ollama, vLLM, llama-server and others.

What Idiolect does not know of a request or a message passes through untouched. An endpoint that ignores `n` is asked n
times.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event

import httpx
from pydantic import JsonValue, ValidationError

from idiolect.errors import BadInput, ModelError
from idiolect.models import wire
from idiolect.models.connection import Connection, Stops
from idiolect.models.pieces import Beside, Pieces
from idiolect.models.protocol import OnCompletion, Request
from idiolect.schema import Completion

CHARACTERS_PER_TOKEN = 4  # of English text, over the tokenizers of today's large models
AT_ONCE = 8  # requests to an endpoint that ignores `n`

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (self.prompt * prompt_tokens + self.completion * completion_tokens) / 1e6


class Remote:
    """A model behind an endpoint. `logprobs` in a request's `extra` fills `mean_logprob`, where the endpoint tells."""

    max_bias_entries = 300  # OpenAI's limit
    context: int | None = None  # an endpoint does not tell

    def __init__(
        self,
        model: str,
        connection: Connection,
        *,
        name: str | None = None,
        metered: bool,
        prices: Prices | None = None,
    ) -> None:
        self.model = model
        self.name = name or model
        self.is_metered = metered
        self._connection = connection
        self._prices = prices
        self._one_at_a_time = False
        self._refused: frozenset[str] = frozenset()  # parameters that this model does not take

    @property
    def fingerprint(self) -> str:
        """The endpoint and the model's name: nobody outside knows which weights answer."""
        return f"{self._connection.base_url}#{self.model}"

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        """Return n completions in order; where they are asked one by one, each is drawn as `wire.seed_of` says.

        When `stop` or the request's own is set, the connection is cut, so that the endpoint stops too.
        """
        wire.check(request, n, serves_adapters=True)
        request = replace(request, stops=(*request.stops, stop)) if stop else request
        done: dict[int, Completion] = {}

        def add(index: int, completion: Completion) -> None:
            done[index] = completion
            if on_completion:
                on_completion(index, completion)
            wire.go_on(*request.stops)

        if n == 1 or not self._one_at_a_time:
            for index, completion in enumerate(self._together(request, n)[:n]):
                add(index, completion)
            self._one_at_a_time = len(done) < n
        if len(done) < n:
            self._each(request, range(len(done), n), add)
        return [done[index] for index in range(n)]

    def stream(self, request: Request) -> Pieces:
        """One completion, piece by piece. Closing it closes the connection, so that the endpoint stops too."""
        wire.check(request, serves_adapters=True)
        body = self._body(request) | {"stream": True, "stream_options": {"include_usage": True}}
        response = self._post(body, request)
        return Pieces(self._pieces(response, request), lambda: self._connection.hang_up(response))

    @contextmanager
    def pass_on(
        self, path: str, body: dict[str, JsonValue] | None = None, stops: Stops = ()
    ) -> Iterator[Iterator[bytes]]:
        """What the endpoint says to a request that Idiolect does not read, as it comes; without a body it is a GET.

        Raises as `complete` does; what the endpoint refuses is BadInput.
        """
        send = self._connection
        response = send.get(path, stops) if body is None else send.post(path, body, stops)
        try:
            if response.status_code in {400, 422}:
                raise BadInput(f"{send.label} refused the request: {send.error_of(response).message}")
            send.check(response, str((body or {}).get("model", self.model)))
            yield send.pieces_of(response, stops)
        finally:
            response.close()

    def count_tokens(self, text: str) -> int:
        """An estimate: only the endpoint has the tokenizer."""
        return -(-len(text) // CHARACTERS_PER_TOKEN)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def _together(self, request: Request, n: int, first: int = 0) -> list[Completion]:
        response = self._post(self._body(request, first) | ({"n": n} if n > 1 else {}), request)
        return self._completions(self._reply(self._connection.text_of(response, request.stops)), request)

    def _each(self, request: Request, indexes: range, add: Callable[[int, Completion], None]) -> None:
        def one(index: int) -> Completion:
            return self._together(request, 1, index)[0]

        with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(indexes))) as pool:
            asked = {pool.submit(one, index): index for index in indexes}
            try:
                for answered in as_completed(asked):
                    add(asked[answered], answered.result())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _body(self, request: Request, first: int = 0) -> dict[str, JsonValue]:
        adapter = request.inside.adapter  # vLLM and others serve a LoRA as a model of its own, by its folder's name
        named = request.extra.get("model", self.model)  # another one behind the same endpoint
        body = wire.body(request, first) | {"model": named if adapter is None else adapter.name}
        for name in UNSAID - request.sampling.model_fields_set:  # nobody said it, so the endpoint's own holds
            del body[name]
        if request.logit_bias:
            kept = wire.largest(request.logit_bias, self.max_bias_entries)
            body["logit_bias"] = {str(token): max(-100.0, min(100.0, bias)) for token, bias in kept.items()}
        return body

    def _post(self, body: dict[str, JsonValue], request: Request) -> httpx.Response:
        """Send; where the endpoint names a parameter that this model does not take, send again without it."""
        while True:
            for name in self._refused & body.keys():
                self._without(body, name)
            response = self._connection.post("chat/completions", body, request.stops)
            if response.status_code not in {400, 422}:
                self._connection.check(response, self.model)
                return response
            error = self._connection.error_of(response)
            is_unsupported = str(error.code).startswith(("unsupported", "unknown"))
            if error.param not in OPTIONAL or error.param not in body or not is_unsupported:
                raise BadInput(f"{self._connection.label} refused the request: {error.message}")
            log.warning("%s takes no %s; %s", self.name, error.param, OPTIONAL[error.param])
            self._refused |= {error.param}

    def _without(self, body: dict[str, JsonValue], name: str) -> None:
        value = body.pop(name)
        if name == "max_tokens":
            body["max_completion_tokens"] = value

    def _reply(self, text: str) -> wire.Reply:
        try:
            reply = wire.Reply.model_validate_json(text)
        except ValidationError:
            raise self._connection.rubbish(text) from None
        if reply.error:
            message = reply.error if isinstance(reply.error, str) else reply.error.message
            raise ModelError(f"{self._connection.label} failed: {self._connection.short(message)}")
        return reply

    def _completions(self, reply: wire.Reply, request: Request) -> list[Completion]:
        if not reply.choices:
            raise self._without_choices()
        drafts = []
        for choice in sorted(reply.choices, key=lambda choice: choice.index):
            drafts.append(wire.Draft())
            drafts[-1].take(choice)
        usage = reply.usage or self._estimate(drafts, request)
        counts = _shared_out(usage.completion_tokens, [len(draft.tokens) or len(draft.text) for draft in drafts])
        return [
            self._priced(draft, usage.prompt_tokens, count, is_first=draft is drafts[0])
            for draft, count in zip(drafts, counts, strict=True)
        ]

    def _without_choices(self) -> ModelError:
        return ModelError(f"{self._connection.label} sent a reply without choices; is it for chat completions?")

    def _estimate(self, drafts: list[wire.Draft], request: Request) -> wire.Usage:
        return wire.Usage(
            prompt_tokens=sum(self.count_tokens(message.text) for message in request.messages),
            completion_tokens=sum(len(draft.tokens) or self.count_tokens(draft.text) for draft in drafts),
        )

    def _priced(self, draft: wire.Draft, prompt_tokens: int, count: int, *, is_first: bool) -> Completion:
        """The answers of one request share its prompt: the first one pays it."""
        cost = self._prices.of(prompt_tokens if is_first else 0, count) if self._prices else None
        return draft.completion(prompt_tokens, count, cost)

    def _pieces(self, response: httpx.Response, request: Request) -> Iterator[str | Completion]:
        draft, usage, is_whole = wire.Draft(), None, False
        for data in self._connection.events(response, request.stops):
            if data == "[DONE]":
                is_whole = True
                continue
            reply = self._reply(data)
            usage = reply.usage or usage
            for choice in reply.choices:
                if piece := draft.take(choice):
                    yield piece
                if fields := wire.beside(choice):
                    yield Beside(fields)
        if not is_whole and not draft.text:
            raise self._without_choices()
        if not is_whole and draft.finish_reason is None:
            raise ModelError(f"{self._connection.label} broke off after {len(draft.text)} characters; ask again")
        usage = usage or self._estimate([draft], request)
        yield self._priced(draft, usage.prompt_tokens, usage.completion_tokens, is_first=True)


UNSAID = {"temperature", "top_p", "max_tokens"}
OPTIONAL = {
    "max_tokens": "max_completion_tokens is sent in its place",
    "temperature": "its own is used",
    "top_p": "its own is used",
    "n": "it is asked once for each answer",
    "stream_options": "tokens of streams are estimated",
}


def _shared_out(total: int, weights: list[int]) -> list[int]:
    """Endpoints count the tokens of all n answers together: a share for each by its length; the shares add up."""
    weights = weights if any(weights) else [1] * len(weights)
    whole = sum(weights)
    ends = [round(total * sum(weights[: at + 1]) / whole) for at in range(len(weights))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]
