"""A guard's model behind an OpenAI-compatible endpoint: chat, raw text, and the odds of the first word."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from idiolect.errors import NoStructure
from idiolect.models import wire
from idiolect.models.connection import Connection, Patience

SAID: Final = 0.95  # the risk of a harm that a guard names without odds
ATTEMPTS: Final = 2
ODDS: Final = 5  # tokens whose odds are asked for at each place; OpenAI's completions give no more


@dataclass(frozen=True)
class Reply:
    """What a model wrote, and the log-probabilities at each of its tokens, where the endpoint tells."""

    text: str
    odds: Sequence[Mapping[str, float]] = field(default=())


class Raw(BaseModel):
    """The log-probabilities of `/completions`: OpenAI's old form, or as in a chat (llama-server)."""

    model_config = ConfigDict(extra="ignore")

    top_logprobs: list[dict[str, float]] | None = None
    content: list[wire.TokenLogprob] | None = None


class RawChoice(BaseModel):
    """One text of `/completions`."""

    model_config = ConfigDict(extra="ignore")

    text: str = ""
    logprobs: Raw | None = None


class RawReply(BaseModel):
    """The reply of `/completions`."""

    model_config = ConfigDict(extra="ignore")

    choices: list[RawChoice] = Field(min_length=1)


class Endpoint:
    """One model at one address. Safe to use from many threads."""

    def __init__(self, base_url: str, model: str, api_key: str | None, timeout_s: float) -> None:
        patience = Patience(timeout_s=timeout_s, attempts=ATTEMPTS, longest_wait_s=timeout_s)
        self._connection = Connection(base_url, api_key=api_key, patience=patience)
        self.model = model
        self.label = self._connection.label

    def chat(self, messages: Sequence[Mapping[str, str]], tokens: int) -> Reply:
        """A chat completion at temperature 0, in the model's own template. Raises ModelError."""
        turns: list[JsonValue] = [dict(each) for each in messages]
        body = self.post(
            "/chat/completions",
            {"messages": turns, "temperature": 0, "max_tokens": tokens, "logprobs": True, "top_logprobs": ODDS},
        )
        try:
            choice = wire.Reply.model_validate_json(body).choices[0]
        except (ValidationError, IndexError) as broken:
            raise NoStructure(f"{self.label} answered with something that is no chat completion") from broken
        said = (choice.message.content if choice.message else None) or ""
        return Reply(said, _odds(choice.logprobs.content if choice.logprobs else None))

    def complete(self, prompt: str, tokens: int) -> Reply:
        """What follows a raw text, at temperature 0. Raises ModelError."""
        body = self.post("/completions", {"prompt": prompt, "temperature": 0, "max_tokens": tokens, "logprobs": ODDS})
        try:
            choice = RawReply.model_validate_json(body).choices[0]
        except ValidationError as broken:
            raise NoStructure(f"{self.label} answered with something that is no completion") from broken
        told = choice.logprobs or Raw()
        return Reply(choice.text, told.top_logprobs or _odds(told.content))

    def post(self, path: str, body: dict[str, JsonValue]) -> str:
        """The body of a reply that succeeded. Raises ModelError."""
        response = self._connection.post(path, {"model": self.model, **body})
        text = self._connection.text_of(response)
        self._connection.check(response, self.model)
        return text


def share(odds: Sequence[Mapping[str, float]], yes: str, no: str) -> float | None:
    """P(yes) / (P(yes) + P(no)) at the first token that may be either; None where nobody told."""
    for place in odds:
        both = dict.fromkeys((yes, no), 0.0)
        for token, logprob in place.items():
            word = token.strip().lower()
            if word in both:
                both[word] += math.exp(min(0.0, logprob))
        if total := sum(both.values()):
            return both[yes] / total
    return None


def _odds(tokens: Sequence[wire.TokenLogprob] | None) -> list[dict[str, float]]:
    return [{other.token: other.logprob for other in (*each.top_logprobs, each)} for each in tokens or ()]
