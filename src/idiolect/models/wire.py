"""The OpenAI wire format, as far as Idiolect reads it; every other field passes through untouched.

llama.cpp in process and endpoints over HTTP speak the same format, so that both are read here.
"""

from collections.abc import Mapping
from threading import Event

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from idiolect.errors import BadInput, Stopped
from idiolect.models.protocol import Request
from idiolect.schema import Completion, Sampling

BESIDE = ("tool_calls", "function_call", "refusal", "annotations")  # of a message; a model's reasoning is not sent on
DECIDED = {"n", "stream", "stream_options"}  # by which method of a model is called, and how
SEEDS = 2**31  # what every engine takes; llama.cpp reads 2**32 - 1 as "any"
APART = 0x9E3779B1  # odd, so that no two seeds begin alike; of the golden ratio, so that neighbours begin far apart


class Wire(BaseModel):
    """A part of a reply; fields that Idiolect has no use for are dropped."""

    model_config = ConfigDict(extra="ignore")


class TokenLogprob(Wire):
    """One token, its log-probability in nats, and where it was asked for, those that might have stood in its place."""

    model_config = ConfigDict(extra="allow")  # whoever asked gets them as they came

    logprob: float
    token: str = ""
    id: int | None = None  # llama.cpp's
    top_logprobs: list["TokenLogprob"] = Field(default_factory=list)


class Logprobs(Wire):
    """The tokens of one answer, or of one piece of it."""

    content: list[TokenLogprob] | None = None


class Said(BaseModel):
    """A message, or a piece of one; fields beside the words, such as `tool_calls`, are kept in `model_extra`."""

    model_config = ConfigDict(extra="allow")

    role: str | None = None
    content: str | None = None


class Choice(Wire):
    """One of the n answers: whole (`message`) or a piece of it (`delta`)."""

    index: int = 0
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class Usage(Wire):
    """Tokens as the model counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class WireError(Wire):
    """What went wrong, in an endpoint's own words."""

    message: str = ""
    code: int | str | None = None
    param: str | None = None
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class Reply(Wire):
    """A whole reply, one chunk of a stream, or an error."""

    choices: list[Choice] = Field(default_factory=list)
    usage: Usage | None = None
    error: WireError | str | None = None


def beside(choice: Choice) -> dict[str, JsonValue]:
    """What a piece of an answer holds that is no words and may be sent on before the whole is there."""
    said = (choice.delta or choice.message or Said()).model_extra or {}
    return {name: value for name, value in said.items() if name in BESIDE and value is not None}


class Draft:
    """One answer while it is written."""

    def __init__(self) -> None:
        self.text = ""
        self.finish_reason: str | None = None
        self.extra: dict[str, JsonValue] = {}
        self.tokens: list[TokenLogprob] = []
        self.first_token: dict[str, float] = {}

    def take(self, choice: Choice) -> str:
        """Add a piece, or the whole; return its words, which may be none."""
        said = choice.delta or choice.message or Said()
        self.text += said.content or ""
        for key, value in (said.model_extra or {}).items():
            self.extra[key] = _joined(self.extra.get(key), value)
        self.finish_reason = choice.finish_reason or self.finish_reason
        if choice.logprobs and choice.logprobs.content:
            if not self.tokens:
                self.first_token = {each.token: each.logprob for each in choice.logprobs.content[0].top_logprobs}
            self.tokens += choice.logprobs.content
        return said.content or ""

    def completion(self, prompt_tokens: int, completion_tokens: int, cost: float | None = None) -> Completion:
        """The answer as a noun."""
        return Completion(
            text=self.text,
            finish_reason=self.finish_reason or "stop",
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            cost=cost,
            mean_logprob=sum(each.logprob for each in self.tokens) / len(self.tokens) if self.tokens else None,
            first_token=self.first_token,
            extra={key: value for key, value in self.extra.items() if value is not None},
            logprobs=tuple(each.model_dump(mode="json", exclude_unset=True) for each in self.tokens),
        )


def check(request: Request, n: int = 1, *, is_open: bool = False, serves_adapters: bool = False) -> None:
    """Refuse what no model can answer, and what only an open one can, or one that serves adapters by their names."""
    is_served = is_open or (serves_adapters and request.inside.is_adapter_alone)
    if not (is_served or request.inside.is_empty):
        raise BadInput(
            "this engine only takes text: what changes a model inside needs an open one, such as transformers:starter"
        )
    if n < 1:
        raise BadInput(f"{n} answers were asked for; ask for at least one")
    if not any(message.text.strip() or not isinstance(message.content, str) for message in request.messages):
        raise BadInput("there is nothing to answer: send at least one message that has text")


def too_long(prompt: int, context: int) -> BadInput:
    """The error for a prompt that the model's context does not hold."""
    return BadInput(
        f"the prompt has {prompt} tokens and the model's context holds {context}: "
        "shorten the conversation, or open the model with a larger context"
    )


def go_on(*stops: Event | None) -> None:
    """Raise Stopped if one of these is set."""
    if any(stop is not None and stop.is_set() for stop in stops):
        raise Stopped("the answers were stopped before they were written; ask again")


def seed_of(sampling: Sampling, index: int = 0) -> int | None:
    """What candidate `index` is drawn with; None for any.

    Candidates of one seed follow one another, as engines count that write several at once. Those of two seeds less
    than a million apart never meet, for up to 1,000 candidates; seeds are the same that are modulo 2^31.
    """
    return None if sampling.seed is None else (sampling.seed * APART + index) % SEEDS


def body(request: Request, first: int = 0) -> dict[str, JsonValue]:
    """A request as the wire carries it, from candidate `first` on; what Idiolect sets wins over `extra`."""
    sampling = request.sampling
    wire: dict[str, JsonValue] = {name: value for name, value in request.extra.items() if name not in DECIDED}
    wire["messages"] = [message.model_dump(mode="json", exclude_unset=True) for message in request.messages]
    wire |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "max_tokens": sampling.max_tokens}
    if sampling.stop:
        wire["stop"] = list(sampling.stop)
    seed = seed_of(sampling, first)
    if seed is not None:
        wire["seed"] = seed
    return wire


def largest(bias: Mapping[int, float], limit: int) -> dict[int, float]:
    """The `limit` entries of a bias that weigh most."""
    return dict(sorted(bias.items(), key=lambda entry: -abs(entry[1]))[:limit])


def _joined(old: JsonValue, new: JsonValue) -> JsonValue:
    """A field of a message that came in pieces: strings are joined, lists by the `index` of their items."""
    if isinstance(old, str) and isinstance(new, str):
        return old + new
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: _joined(old.get(key), new.get(key)) for key in old | new}
    if isinstance(old, list) and isinstance(new, list):
        items = list(old)
        for item in new:
            at = item.get("index") if isinstance(item, dict) else None
            if isinstance(at, int) and at < len(items):
                items[at] = _joined(items[at], item)
            else:
                items.append(item)
        return items
    return old if new is None else new
