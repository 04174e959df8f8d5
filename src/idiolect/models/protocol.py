"""One protocol for every language model: n completions for one prompt, streaming, token counts and cost."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol, TypeAlias

from pydantic import JsonValue

from idiolect.models.inside import Inside
from idiolect.schema import Completion, Message, Sampling

OnCompletion: TypeAlias = Callable[[int, Completion], None]  # called with an answer's index as it ends


@dataclass(frozen=True)
class Request:
    """What a model is asked. `logit_bias` maps token ids to nats; `extra` reaches an endpoint untouched.

    `inside` is for models that are open (`transformers:...`); every other engine refuses it.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    logit_bias: Mapping[int, float] | None = None
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    inside: Inside = field(default_factory=Inside)
    stops: tuple[Event, ...] = field(default=(), compare=False)  # one is set when whoever asked has left


class Stream(Protocol):
    """Text as it is written; after the last piece `completion` holds the whole. Closing it stops the model."""

    def __iter__(self) -> Iterator[str]: ...

    def close(self) -> None:
        """Stop writing; the model is free for others within a token."""

    @property
    def completion(self) -> Completion:
        """The whole answer, once the iterator has ended."""


class Model(Protocol):
    """A language model. Safe to call from many threads at once."""

    @property
    def name(self) -> str:
        """The name it was opened by."""

    @property
    def is_metered(self) -> bool:
        """Whether each answer costs money, so that one candidate is the default."""

    @property
    def fingerprint(self) -> str:
        """What token values, vectors and adapters are bound to: a sha256 of the weights, or the endpoint and name."""

    @property
    def max_bias_entries(self) -> int:
        """How many `logit_bias` entries a request may hold (0 for none)."""

    @property
    def context(self) -> int | None:
        """Tokens of prompt and answer together; None where nobody tells."""

    def complete(
        self, request: Request, n: int = 1, on_completion: OnCompletion | None = None, stop: Event | None = None
    ) -> Sequence[Completion]:
        """Return n completions in order; `on_completion(i, completion)` is called as each ends. Raises ModelError.

        When `stop` is set nothing more is written, as far as the engine can be stopped, and Stopped is raised.
        """

    def stream(self, request: Request) -> Stream:
        """One completion, piece by piece. Raises ModelError."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a bare text."""

    def close(self) -> None:
        """Free the model."""
