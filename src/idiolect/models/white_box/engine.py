"""The engine of open models: transformers with its logits, layers, soft prompts and adapters in reach.

Requests of many threads decode in one batch, each row with its own prompt, vectors, adapter and decoder; candidates of
a request share what was read of its prompt, and a prompt's beginning is kept for the next turn. `mean_logprob` is the
plain model's, whatever was changed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING
from weakref import finalize

from idiolect.errors import BadInput
from idiolect.models import wire
from idiolect.models.pieces import Pieces
from idiolect.models.protocol import OnCompletion, Request
from idiolect.models.white_box.settings import WhiteBoxSettings
from idiolect.models.white_box.weights import load
from idiolect.schema import Completion, Message

if TYPE_CHECKING:
    from idiolect.models.white_box.inner.answers import Job
    from idiolect.models.white_box.inner.network import Network

PREFIX = "transformers:"


class WhiteBox:
    """A transformers model in this process. Many threads may ask at once; their answers decode in one batch."""

    is_metered = False

    def __init__(self, name: str, *, settings: WhiteBoxSettings | None = None) -> None:
        self.name = name
        self.settings = settings or WhiteBoxSettings()
        loaded = load(name.removeprefix(PREFIX), self.settings)
        from idiolect.models.white_box.inner.loop import Loop  # noqa: PLC0415 - now torch is known to be there

        self.fingerprint = loaded.fingerprint
        self.max_bias_entries = int(loaded.module.config.vocab_size)
        self._tokenizer = loaded.tokenizer
        longest = getattr(loaded.module.config, "max_position_embeddings", self.settings.context)
        self.context = min(self.settings.context, int(longest))
        self._loop = Loop(loaded, self.settings)
        finalize(self, self._loop.close)

    @property
    def width(self) -> int:
        """d_model: of the residual stream, of steering vectors and of soft prompts."""
        return self._loop.network.width

    @property
    def layers(self) -> int:
        """How many there are."""
        return self._loop.network.layers

    @property
    def end(self) -> int:
        """The token with which an answer ends."""
        return int(self._tokenizer.eos_token_id)

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        """Return n completions in order, drawn as `wire.seed_of` says. Stops within a token."""
        closed = Event()
        done: dict[int, Completion] = {}
        try:
            for index, item in self._written(request, n, [closed] if stop is None else [closed, stop]):
                if isinstance(item, Completion):
                    done[index] = item
                    if on_completion:
                        on_completion(index, item)
        finally:
            closed.set()
        return [done[index] for index in range(n)]

    def stream(self, request: Request) -> Pieces:
        """One completion, piece by piece."""
        closed = Event()
        return Pieces((item for _, item in self._written(request, 1, [closed])), closed.set)

    def count_tokens(self, text: str) -> int:
        """Tokens of a bare text."""
        return len(self.tokenize(text))

    def tokenize(self, text: str) -> list[int]:
        """The token ids of a bare text, without those that a chat template adds."""
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def texts(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """The text of each row of token ids."""
        return [str(text) for text in self._tokenizer.batch_decode(list(map(list, ids)), skip_special_tokens=True)]

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """The token ids of a conversation as the model reads it, up to where its answer begins."""
        turns = [{"role": message.role, "content": message.text} for message in messages]
        written = self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        return list(self._tokenizer.encode(str(written), add_special_tokens=False))

    def likelihood(self, messages: Sequence[Message], answers: Sequence[str]) -> list[float]:
        """Mean nats a token of each answer under the plain model, its end included."""
        prompt, end = self.prompt_ids(messages), [self.end]
        with self._loop.alone() as network:
            return [network.mean_logprob(prompt, [*self.tokenize(text), *end]) for text in answers]

    @contextmanager
    def alone(self) -> "Iterator[Network]":
        """The network itself, for fits and measurements, between two tokens of others."""
        with self._loop.alone() as network:
            yield network

    def forget(self) -> None:
        """Drop every prompt and adapter that is kept in memory."""
        with self._loop.alone() as network:
            network.forget()

    def close(self) -> None:
        """Stop what is being written, within a token, and free the model."""
        self._loop.close()

    def _written(self, request: Request, n: int, ends: Sequence[Event]) -> Iterator[tuple[int, str | Completion]]:
        job = self._job(request, n, ends)
        self._loop.submit(job)
        left = n
        while left:
            item = job.told.get()
            if isinstance(item, Exception):
                raise item
            yield item
            left -= isinstance(item[1], Completion)

    def _job(self, request: Request, n: int, ends: Sequence[Event]) -> "Job":
        from idiolect.models.white_box.inner.answers import Job  # noqa: PLC0415 - as above

        wire.check(request, n, is_open=True)
        self._loop.network.check(request.inside)
        contexts = [self.prompt_ids(messages) for messages in (request.messages, *request.inside.beside)]
        if len(contexts) > self.settings.rows:
            raise BadInput(f"{len(contexts)} contexts do not fit into {self.settings.rows} rows: open it with more")
        soft = 0 if request.inside.soft_prompt is None else len(request.inside.soft_prompt)
        longest = soft + max(len(ids) for ids in contexts)
        if longest >= self.context:
            raise wire.too_long(longest, self.context)
        job = Job(request, n, contexts, ends, min(request.sampling.max_tokens, self.context - longest))
        _ = job.draw  # raises BadInput before anything is queued
        return job
