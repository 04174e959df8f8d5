"""llama.cpp in this process, through xllamacpp: any GGUF file; n candidates decode side by side and share the prompt.

Decoding runs in a thread of llama.cpp's own. `on_completion` and the pieces of a stream come on the thread that asked, from
a queue that llama.cpp fills: a slow listener delays only itself.
"""

import hashlib
import importlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol
from weakref import WeakSet

import httpx
from pydantic import JsonValue

from idiolect.errors import BadInput, MissingExtra, ModelError, UnknownModel, WeightsError
from idiolect.models import wire
from idiolect.models.protocol import Request
from idiolect.schema import Completion

Chunk = Mapping[str, JsonValue]
MAGIC = b"GGUF"


@dataclass(frozen=True)
class LlamaCppSettings:
    """How much of the machine a model may take."""

    parallel: int = 8  # answers that decode at once; more are queued
    context: int = 2048  # tokens of prompt and answer together, for each of the parallel answers
    threads: int | None = None  # None: the cores this process may use
    cache_mib: int = 256  # of host memory for the prompts of conversations that are not being answered


class _Server(Protocol):
    listening_address: str

    def handle_chat_completions(self, request: dict[str, JsonValue], callback: Callable[[Chunk], bool], /) -> None: ...


class LlamaCpp:
    """A GGUF file, loaded into this process. Many threads may ask at once; their answers decode in one batch."""

    is_metered = False

    def __init__(self, path: Path, *, name: str | None = None, settings: LlamaCppSettings | None = None) -> None:
        self.path = path
        self.name = name or str(path)
        self.settings = settings or LlamaCppSettings()
        self._key = secrets.token_hex(16)  # llama.cpp always listens on a loopback port: nobody else may use it
        self._streams: WeakSet[_LlamaStream] = WeakSet()
        self._lock = threading.Lock()
        self._live: _Server | None = _load(path, self.settings, self._key)
        self.max_bias_entries = self._vocabulary_size()

    @property
    def fingerprint(self) -> str:
        """The sha256 of the weights."""
        stat = self.path.stat()
        return sha256_of(self.path, stat.st_mtime_ns, stat.st_size)

    def complete(
        self, request: Request, n: int = 1, on_completion: Callable[[int, Completion], None] | None = None
    ) -> Sequence[Completion]:
        """Return n completions in order. With a seed, candidate i is drawn with `seed + i`."""
        wire.check(request, n)
        done: list[Completion] = []
        for first in range(0, n, self.settings.parallel):
            reader = _Reader(first, on_completion=on_completion)
            self._run(self._body(request, first, min(self.settings.parallel, n - first)), reader)
            done += reader.completions()
        return done

    def stream(self, request: Request) -> "_LlamaStream":
        """One completion, piece by piece; waits for the first piece, so that a refused request raises here."""
        wire.check(request)
        stream = _LlamaStream(lambda reader: self._run(self._body(request, 0, 1), reader))
        self._streams.add(stream)
        stream.start()
        return stream

    def count_tokens(self, text: str) -> int:
        """Tokens of a bare text."""
        return len(self.tokenize(text))

    def tokenize(self, text: str) -> list[int]:
        """The token ids of a bare text, without those that a chat template adds."""
        return [int(token) for token in self._call("POST", "/tokenize", {"content": text})["tokens"]]

    def forget(self) -> None:
        """Drop every cached prompt, exactly: the weights are loaded anew. Requests under way end on the old copy."""
        fresh = _load(self.path, self.settings, self._key)
        with self._lock:
            self._live = fresh

    def close(self) -> None:
        """Stop what is being written and free the model."""
        for stream in list(self._streams):
            stream.close()
        with self._lock:
            self._live = None

    @property
    def _server(self) -> _Server:
        with self._lock:
            if self._live is None:
                raise ModelError(f"the model {self.name} was closed; open it again with open_model")
            return self._live

    def _body(self, request: Request, first: int, count: int) -> dict[str, JsonValue]:
        body = wire.body(request)
        body |= {"n": count, "stream": True, "stream_options": {"include_usage": True}, "top_k": 40, "min_p": 0.05}
        if request.sampling.seed is not None:
            body["seed"] = (request.sampling.seed + first) % 2**32  # llama.cpp adds the index within this call
        if request.logit_bias:
            body["logit_bias"] = [[token, bias] for token, bias in request.logit_bias.items()]
        if body.get("logprobs"):
            body["top_logprobs"] = body.get("top_logprobs") or 1  # without it llama.cpp ignores `logprobs`
        return body

    def _run(self, body: dict[str, JsonValue], reader: "_Reader") -> None:
        self._server.handle_chat_completions(body, reader.receive)
        reader.check()

    def _vocabulary_size(self) -> int:
        return int(self._call("GET", "/v1/models")["data"][0]["meta"]["n_vocab"])

    def _call(self, method: str, path: str, body: JsonValue = None) -> dict[str, list[dict[str, dict[str, int]]]]:
        headers = {"Authorization": f"Bearer {self._key}"}
        answer = httpx.request(method, self._server.listening_address + path, json=body, headers=headers, trust_env=False)
        answer.raise_for_status()
        return answer.json()


class _Reader:
    """Reads llama.cpp's chunks of one call: the usage of a choice follows its last piece."""

    def __init__(
        self,
        first: int = 0,
        *,
        on_piece: Callable[[str], bool] | None = None,
        on_completion: Callable[[int, Completion], None] | None = None,
    ) -> None:
        self._first = first
        self._on_piece = on_piece
        self._on_completion = on_completion
        self._drafts: dict[int, wire.Draft] = {}
        self._done: dict[int, Completion] = {}
        self._ended = 0
        self._failure: Exception | None = None

    def receive(self, chunk: Chunk) -> bool:
        """Take one chunk; True stops llama.cpp."""
        try:
            return self._take(wire.Reply.model_validate(chunk))
        except Exception as failure:  # raised again in check(): it must not travel through llama.cpp's own frames
            self._failure = failure
            return True

    def check(self) -> None:
        """Raise what went wrong while the chunks came."""
        if self._failure:
            raise self._failure

    def completions(self) -> list[Completion]:
        """The whole answers, in order."""
        return [self._done[index] for index in sorted(self._done)]

    def _take(self, reply: wire.Reply) -> bool:
        if reply.error:
            raise _refusal(reply.error)
        stop = False
        for choice in reply.choices:
            piece = self._drafts.setdefault(choice.index, wire.Draft()).take(choice)
            self._ended = choice.index if choice.finish_reason else self._ended
            if piece and self._on_piece:
                stop = self._on_piece(piece) or stop
        if reply.usage:
            self._finish(reply.usage)
        return stop

    def _finish(self, usage: wire.Usage) -> None:
        index = self._ended
        self._done[index] = self._drafts[index].completion(usage.prompt_tokens, usage.completion_tokens)
        if self._on_completion:
            self._on_completion(self._first + index, self._done[index])


class _LlamaStream:
    """Text as llama.cpp writes it, from a thread of its own."""

    def __init__(self, run: Callable[[_Reader], None]) -> None:
        self._pieces: SimpleQueue[str | Completion | Exception | None] = SimpleQueue()
        self._closed = threading.Event()
        self._completion: Completion | None = None
        self._run = run
        self._thread = threading.Thread(target=self._write, name="llama-stream", daemon=True)

    def start(self) -> None:
        """Begin, and wait for the first piece or the end."""
        self._thread.start()
        self._first = self._pieces.get()
        if isinstance(self._first, Exception):
            raise self._first

    def __iter__(self) -> Iterator[str]:
        item = self._first
        try:
            while isinstance(item, str):
                yield item
                item = self._pieces.get()
        finally:
            self.close()
        if isinstance(item, Exception):
            raise item
        self._completion = item

    def close(self) -> None:
        """Stop writing; llama.cpp leaves off at the next token."""
        self._closed.set()

    @property
    def completion(self) -> Completion:
        """The whole answer, once the iterator has ended."""
        if self._completion is None:
            raise ModelError("the answer was not read to its end: its stream was stopped, or is still running")
        return self._completion

    def _write(self) -> None:
        reader = _Reader(on_piece=self._pass_on)
        try:
            self._run(reader)
            ended = reader.completions()
            self._pieces.put(ended[0] if ended else None)
        except Exception as failure:  # raised again where the stream is read
            self._pieces.put(failure)

    def _pass_on(self, piece: str) -> bool:
        self._pieces.put(piece)
        return self._closed.is_set()


@lru_cache(maxsize=64)
def sha256_of(path: Path, modified_ns: int, size: int) -> str:
    """The sha256 of a file; its time and size are there so that a changed file is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refusal(error: wire.WireError) -> Exception:
    if error.n_prompt_tokens is not None and error.n_ctx is not None:
        return BadInput(
            f"the prompt has {error.n_prompt_tokens} tokens and the model's context holds {error.n_ctx}: "
            "shorten the conversation, or open the model with a larger context"
        )
    return ModelError(f"llama.cpp refused the request: {error.message}")


def _load(path: Path, settings: LlamaCppSettings, key: str) -> _Server:
    if not path.is_file():
        raise UnknownModel(f"there is no model file at {path}; give the path of a GGUF file")
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise WeightsError(f"{path} is not a GGUF file; llama.cpp reads only those")
    try:
        library = importlib.import_module("xllamacpp")
    except ImportError as missing:
        raise MissingExtra("llama.cpp (xllamacpp) is not installed: pip install 'idiolect[local]'") from missing
    params = library.CommonParams()
    params.model.path = str(path)
    params.n_parallel = settings.parallel
    params.n_ctx = settings.context * settings.parallel
    params.cache_ram_mib = settings.cache_mib
    params.api_keys = [key]
    params.ui = False
    params.verbosity = 0
    params.fit_params = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads or len(os.sched_getaffinity(0))
    try:
        server: _Server = library.Server(params)
    except (RuntimeError, ValueError) as broken:
        raise WeightsError(f"llama.cpp could not load {path} ({broken}); the file may be cut short: fetch it again") from broken
    return server
