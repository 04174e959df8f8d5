"""What goes to a language model and comes back, in OpenAI's form."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from idiolect.schema.base import Noun


class Message(BaseModel):
    """One turn in OpenAI's form. Unknown fields are kept, so that they reach the model untouched."""

    model_config = ConfigDict(frozen=True, extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, JsonValue]] | None = None

    @property
    def text(self) -> str:
        """The words of this turn, the text parts of a list joined."""
        if isinstance(self.content, list):
            return "\n".join(str(part.get("text", "")) for part in self.content if part.get("type") == "text")
        return self.content or ""


class Sampling(Noun):
    """How tokens are drawn; the names and meanings are OpenAI's."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.8
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.95
    max_tokens: Annotated[int, Field(ge=1, le=32_768)] = 256
    stop: tuple[str, ...] = ()
    seed: int | None = None


class Completion(Noun):
    """One answer of a language model. `cost` is in US dollars, None where nobody said a price."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cost: float | None = None
    mean_logprob: float | None = None  # nats a token under the model before any personal bias, if the engine tells
    first_token: dict[str, float] = Field(default_factory=dict)  # nats of the likeliest, where `top_logprobs` was asked
    extra: dict[str, JsonValue] = Field(default_factory=dict)  # of the message beside its words: `tool_calls`...
    logprobs: tuple[JsonValue, ...] = ()  # each token as the engine tells it, where log-probabilities were asked for


def as_messages(prompt: str | Sequence[Message]) -> tuple[Message, ...]:
    """A bare string is one user turn."""
    return (Message(role="user", content=prompt),) if isinstance(prompt, str) else tuple(prompt)
