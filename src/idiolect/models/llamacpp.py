"""llama.cpp in this process, through xllamacpp: any GGUF file; n candidates decode side by side and share the prompt.

Each call runs in a thread of its own, which fills a queue; `on_completion` and the pieces of a stream come from that
queue on the thread that asked: a slow listener delays only itself, and Ctrl-C arrives. `extra={"logprobs": True}` fills
`mean_logprob`, at about 5 % of the speed, from the logits before `logit_bias`: it is the plain model's.
"""

import atexit
import hashlib
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import TypeVar
from weakref import ref

import httpx
from pydantic import JsonValue

from idiolect.errors import BadInput, IdiolectError, ModelError
from idiolect.models import wire
from idiolect.models.llamacpp_library import LlamaCppSettings, Server, load
from idiolect.models.pieces import Beside, Pieces
from idiolect.models.protocol import OnCompletion, Request
from idiolect.schema import Completion

WireT = TypeVar("WireT", bound=wire.Wire)


class _Tokens(wire.Wire):
    tokens: list[int]


class _Text(wire.Wire):
    content: str


class _Meta(wire.Wire):
    n_vocab: int


class _Loaded(wire.Wire):
    meta: _Meta


class _Models(wire.Wire):
    data: list[_Loaded]


@dataclass(frozen=True)
class Spelled:
    """An answer with its tokens; `likeliest` holds (token, nats) of each position."""

    text: str
    ids: tuple[int, ...]
    likeliest: tuple[tuple[tuple[int, float], ...], ...]


class LlamaCpp:
    """A GGUF file, loaded into this process. Many threads may ask at once; their answers decode in one batch."""

    is_metered = False

    def __init__(self, path: Path, *, name: str | None = None, settings: LlamaCppSettings | None = None) -> None:
        self.path = path
        self.name = name or str(path)
        self.settings = settings or LlamaCppSettings()
        self._key = secrets.token_hex(16)  # llama.cpp always listens on a loopback port: nobody else may use it
        self._turn = threading.Condition()
        self._running = 0
        self._reloading = False
        self._stopping = Event()
        self._live: Server | None = load(path, self.settings, self._key)
        atexit.register(_close, ref(self))  # a thread inside llama.cpp when Python ends would abort the process
        self.context = self.settings.context
        self.max_bias_entries = self._ask(_Models, "GET", "/v1/models").data[0].meta.n_vocab

    @property
    def fingerprint(self) -> str:
        """The sha256 of the weights."""
        return sha256_of(self.path)

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        """Return n completions in order, drawn as `wire.seed_of` says. Stops within a token."""
        wire.check(request, n)
        done: dict[int, Completion] = {}

        def add(index: int, completion: Completion) -> None:
            done[index] = completion
            if on_completion:
                on_completion(index, completion)

        closed = Event()
        try:
            for first in range(0, n, self.settings.parallel):
                body = self._body(request, first, min(self.settings.parallel, n - first))
                for index, item in self._written(body, closed, stop):
                    if isinstance(item, Completion):
                        add(first + index, item)
                wire.go_on(stop)
        finally:
            closed.set()
        if len(done) < n:
            raise ModelError(f"llama.cpp ended {n - len(done)} of {n} answers before their time; ask again")
        return [done[index] for index in range(n)]

    def stream(self, request: Request) -> Pieces:
        """One completion, piece by piece."""
        wire.check(request)
        closed = Event()
        written = self._written(self._body(request, 0, 1), closed)
        return Pieces((item for _, item in written), closed.set)

    def spelled(self, request: Request, n: int, top: int) -> list[Spelled]:
        """n answers with their tokens, the end-of-turn token too, and the `top` likeliest tokens of each position."""
        wire.check(request, n)
        body = self._body(request, 0, n) | {"stream": False, "logprobs": True, "top_logprobs": top}
        choices = [choice for reply in self._replies(body, Event()) for choice in reply.choices]
        return [_spelled(choice) for choice in sorted(choices, key=lambda choice: choice.index)]

    def count_tokens(self, text: str) -> int:
        """Tokens of a bare text."""
        return len(self.tokenize(text))

    def tokenize(self, text: str) -> list[int]:
        """The token ids of a bare text, without those that a chat template adds."""
        return self._ask(_Tokens, "POST", "/tokenize", {"content": text}).tokens

    def spell(self, tokens: Sequence[int]) -> list[str]:
        """Each token as text; a token that is only a part of a character is the sign for an unknown one."""
        return [self._ask(_Text, "POST", "/detokenize", {"tokens": [token]}).content for token in tokens]

    def forget(self) -> None:
        """Drop every cached prompt, exactly: when the requests under way have ended, the weights are loaded anew."""
        with self._turn:
            self._turn.wait_for(lambda: not self._reloading)
            self._reloading = True
            try:
                self._turn.wait_for(lambda: self._running == 0)
                if self._live is not None:
                    self._live = None  # freed first: a large model does not fit twice
                    self._live = load(self.path, self.settings, self._key)
            finally:
                self._reloading = False
                self._turn.notify_all()

    def close(self) -> None:
        """Stop what is being written, within a token, and free the model."""
        self._stopping.set()
        with self._turn:
            self._turn.wait_for(lambda: self._running == 0)
            self._live = None

    @contextmanager
    def _server(self) -> Iterator[Server]:
        with self._turn:
            self._turn.wait_for(lambda: not self._reloading)
            if self._live is None or self._stopping.is_set():
                raise ModelError(f"the model {self.name} was closed; open it again")
            server = self._live
            self._running += 1
        try:
            yield server
        finally:
            with self._turn:
                self._running -= 1
                self._turn.notify_all()

    def _body(self, request: Request, first: int, count: int) -> dict[str, JsonValue]:
        body: dict[str, JsonValue] = {"top_k": 40, "min_p": 0.05}  # llama.cpp's own, said aloud; `extra` may set others
        body |= wire.body(request, first)  # to its seed llama.cpp adds each answer's place
        body |= {"n": count, "stream": True, "stream_options": {"include_usage": True}}
        if request.logit_bias:
            body["logit_bias"] = [[token, bias] for token, bias in request.logit_bias.items()]
        if body.get("logprobs"):
            body["top_logprobs"] = body.get("top_logprobs") or 1  # without it llama.cpp ignores `logprobs`
        return body

    def _written(
        self, body: dict[str, JsonValue], closed: Event, stop: Event | None = None
    ) -> Iterator[tuple[int, str | Completion]]:
        """The pieces of each answer with its index, and at its end the whole: its usage follows its last piece."""
        drafts: dict[int, wire.Draft] = {}
        ended = 0
        for reply in self._replies(body, closed, stop):
            for choice in reply.choices:
                if piece := drafts.setdefault(choice.index, wire.Draft()).take(choice):
                    yield choice.index, piece
                if fields := wire.beside(choice):
                    yield choice.index, Beside(fields)
                if choice.finish_reason:
                    ended = choice.index
            if usage := reply.usage:
                yield ended, drafts[ended].completion(usage.prompt_tokens, usage.completion_tokens)

    def _replies(self, body: dict[str, JsonValue], closed: Event, stop: Event | None = None) -> Iterator[wire.Reply]:
        ends = [event for event in (closed, stop, self._stopping) if event is not None]
        queue: SimpleQueue[Mapping[str, JsonValue] | Exception | None] = SimpleQueue()

        def receive(chunk: Mapping[str, JsonValue]) -> bool:
            queue.put(chunk)
            return any(event.is_set() for event in ends)

        def call() -> None:
            try:
                with self._server() as server:
                    server.handle_chat_completions(body, receive)
                queue.put(None)
            except Exception as failure:  # noqa: BLE001 - raised below, on the thread that asked
                queue.put(failure)

        threading.Thread(target=call, name="llama.cpp", daemon=True).start()
        while (item := queue.get()) is not None:
            yield self._read(item)
        if self._stopping.is_set():
            raise ModelError(f"the model {self.name} was closed before it had answered; open it again")

    def _read(self, item: Mapping[str, JsonValue] | Exception) -> wire.Reply:
        if isinstance(item, RuntimeError):  # what xllamacpp raises for a request that llama.cpp cannot read
            raise BadInput(f"llama.cpp refused the request: {item}") from item
        if isinstance(item, Exception):
            raise item
        reply = wire.Reply.model_validate(item)
        if isinstance(reply.error, wire.WireError):
            raise _refusal(reply.error)
        return reply

    def _ask(self, kind: type[WireT], method: str, path: str, body: JsonValue = None) -> WireT:
        headers = {"Authorization": f"Bearer {self._key}"}
        with self._server() as server:
            url = server.listening_address + path
            answer = httpx.request(method, url, json=body, headers=headers, trust_env=False, timeout=60)
        if answer.is_error:
            raise ModelError(f"llama.cpp answered {answer.status_code} to {path}: {answer.text[:200]}")
        return kind.model_validate_json(answer.content)


def _spelled(choice: wire.Choice) -> Spelled:
    tokens = (choice.logprobs.content if choice.logprobs else None) or []
    return Spelled(
        text=(choice.message.content if choice.message else None) or "",
        ids=tuple(token.id for token in tokens if token.id is not None),
        likeliest=tuple(
            tuple((other.id, other.logprob) for other in token.top_logprobs if other.id is not None) for token in tokens
        ),
    )


def sha256_of(path: Path) -> str:
    """The sha256 of a file, remembered until its time or size changes."""
    stat = path.stat()
    return _sha256(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _sha256(path: Path, modified_ns: int, size: int) -> str:
    del modified_ns, size  # they only tell one state of the file from another
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _close(model: "ref[LlamaCpp]") -> None:
    if (living := model()) is not None:
        living.close()


def _refusal(error: wire.WireError) -> IdiolectError:
    if error.n_prompt_tokens is not None and error.n_ctx is not None:
        return wire.too_long(error.n_prompt_tokens, error.n_ctx)
    kind = BadInput if error.code == 400 else ModelError
    return kind(f"llama.cpp refused the request: {error.message}")
