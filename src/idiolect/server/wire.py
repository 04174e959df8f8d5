"""What travels: OpenAI's requests and responses, with Idiolect's own fields in one object named `idiolect`."""

import time
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from idiolect.memory.tenants import SOMEBODY
from idiolect.method import MOST_CANDIDATES
from idiolect.models.wire import BESIDE
from idiolect.schema import Answer, Candidate, Cost, Feedback, Message, Sampling, Trace, UserId, Verdict, own_id
from idiolect.settings import Country

DEFAULT_USER = SOMEBODY
MOST_STOPS = 16
SEED = 2**63

Lacking: TypeAlias = Literal["memory", "personalization"]


class Wire(BaseModel):
    """A value that is sent or received."""

    model_config = ConfigDict(frozen=True)


# --- requests ------------------------------------------------------------------------------------------------------


class Switches(BaseModel):
    """What a request may say to Idiolect alone: `extra_body={"idiolect": {...}}` in OpenAI's client."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str | None = Field(None, description='How the answer is made personal, such as "token-values+best-of-4".')
    candidates: Annotated[int, Field(ge=1, le=MOST_CANDIDATES)] | None = Field(
        None, description="How many answers to choose among."
    )
    temporary: bool = Field(False, description="Keep nothing of this turn; it cannot be judged later.")
    country: Country | None = Field(None, description="ISO code of the person's country, whose help line is told.")
    explain: bool = Field(False, description="Say in the response why this answer was given.")


class StreamOptions(Wire):
    """OpenAI's options of a stream; the others are accepted and have no effect here."""

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """A chat completion as OpenAI's clients ask for it. Fields that are not named here reach an endpoint untouched."""

    model_config = ConfigDict(frozen=True, extra="allow")

    messages: Annotated[list[Message], Field(min_length=1)]
    model: str | None = None
    user: UserId | None = Field(
        None, description="The person who is served; the header X-Idiolect-User goes before it."
    )
    n: Annotated[int, Field(ge=1, le=MOST_CANDIDATES)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=32_768)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=32_768)] | None = None
    stop: str | Annotated[list[str], Field(max_length=MOST_STOPS)] | None = None
    seed: Annotated[int, Field(ge=-SEED, lt=SEED)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    idiolect: Switches = Switches()

    @property
    def extra(self) -> Mapping[str, JsonValue]:
        """The fields that only the model knows."""
        return self.model_extra or {}

    def sampling(self, usual: Sampling) -> Sampling:
        """How tokens are drawn: what the request says, else what is usual here."""
        stops = (self.stop,) if isinstance(self.stop, str) else self.stop
        said = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_completion_tokens or self.max_tokens,
            "stop": None if stops is None else tuple(stop for stop in stops if stop),
            "seed": self.seed,
        }
        return usual.model_copy(update={name: value for name, value in said.items() if value is not None})


class MethodOfPerson(BaseModel):
    """How one person's answers are made personal; null: as the settings say."""

    model_config = ConfigDict(extra="forbid")

    method: str | None = Field(description='Such as "agent+best-of-4", or "auto".')


class FeedbackRequest(Feedback):
    """Feedback, and whose it is."""

    user: UserId | None = None

    @property
    def feedback(self) -> Feedback:
        """The feedback alone."""
        return Feedback.model_validate(self.model_dump(exclude={"user"}))


# --- responses -----------------------------------------------------------------------------------------------------

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class Said(Wire):
    """What the assistant says, with the tools it calls; further fields stand as the model gave them."""

    model_config = ConfigDict(frozen=True, extra="allow")

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None


class Logprobs(Wire):
    """The tokens of an answer, as the engine tells them."""

    content: tuple[JsonValue, ...]
    refusal: None = None


class Choice(Wire):
    """One answer. `candidate` is its id for feedback."""

    index: int
    message: Said
    finish_reason: str
    logprobs: Logprobs | None = None
    candidate: str | None = None


class Unsent(Wire):
    """Of all the tokens those that nobody sees: candidates that were not chosen, an agent's drafts and thoughts."""

    prompt_tokens: int
    completion_tokens: int


class Usage(Wire):
    """All tokens of prompts and answers that a turn took of the model; `unsent` are those beyond what is sent."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    unsent: Unsent


class Personal(Wire):
    """What Idiolect adds to OpenAI's response. Every candidate can be judged by its id, shown or not."""

    user: str
    candidates: tuple[str, ...]
    chosen: str | None
    refused: bool
    method: str
    care: str = Field(description="What to show beside an answer that needs care; usually empty.")
    ask: tuple[str, str] | None = Field(description="Two candidates worth showing side by side.")
    lacking: Lacking | None = Field(
        None, description="What failed, so that the answer is plain or not kept; as the header X-Idiolect-Degraded."
    )
    why: "Why | None" = Field(None, description="Why this answer, where the request asks to explain.")


class ChatCompletion(Wire):
    """A chat completion in OpenAI's form; its id is the answer's."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: Usage
    idiolect: Personal


class Delta(Wire):
    """A piece of what the assistant says, or of a tool that it calls."""

    model_config = ConfigDict(frozen=True, extra="allow")

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(Wire):
    """A piece of one answer."""

    index: int
    delta: Delta
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class Chunk(Wire):
    """One event of a streamed chat completion."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: tuple[ChunkChoice, ...]
    usage: Usage | None = None
    idiolect: Personal | None = None


class ModelCard(Wire):
    """A model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "idiolect"


class ModelList(Wire):
    """The models that can be asked."""

    object: Literal["list"] = "list"
    data: tuple[ModelCard, ...]


class Scored(Wire):
    """A candidate with its scores."""

    id: str
    is_shown: bool
    reward: float
    sd: float
    verdict: Verdict
    text: str


class Why(Wire):
    """Why an answer was given, in words and in numbers."""

    answer: str
    user: str
    why: str
    refused: bool
    candidates: tuple[Scored, ...]
    trace: Trace


class Health(Wire):
    """That the server answers and its store can be read."""

    status: Literal["ok"] = "ok"
    version: str
    model: str
    people: int


# --- from an answer to a response ----------------------------------------------------------------------------------


def created() -> int:
    """Now, as OpenAI writes it."""
    return int(time.time())


def personal(answer: Answer, lacking: Lacking | None = None, *, explain: bool = False) -> Personal:
    """What Idiolect says of an answer."""
    ids = tuple(candidate.id for candidate in answer.candidates)
    return Personal(
        user=own_id(answer.user),
        candidates=ids,
        chosen=None if answer.chosen is None else ids[answer.chosen],
        refused=answer.refused,
        method=answer.trace.method,
        care=answer.care,
        ask=None if answer.ask is None else (ids[answer.ask[0]], ids[answer.ask[1]]),
        lacking=lacking,
        why=why(answer) if explain else None,
    )


def usage(answer: Answer, sent: int) -> Usage:
    """Of the turn; `sent` are the tokens of the answers that are sent. What the boundary says costs none."""
    cost = answer.trace.cost or Cost(prompt_tokens=answer.prompt_tokens, completion_tokens=sent)
    return Usage(
        prompt_tokens=cost.prompt_tokens,
        completion_tokens=cost.completion_tokens,
        total_tokens=cost.prompt_tokens + cost.completion_tokens,
        unsent=Unsent(
            prompt_tokens=max(0, cost.prompt_tokens - answer.prompt_tokens),
            completion_tokens=max(0, cost.completion_tokens - sent),
        ),
    )


def said(candidate: Candidate) -> Said:
    """A candidate as a message: what calls a tool need say nothing."""
    beside = {name: value for name, value in candidate.beside.items() if name in BESIDE}
    return Said.model_validate({"content": candidate.text or (None if beside else ""), **beside})


def whole(message: Said) -> Delta:
    """A message in one piece of a stream, where the calls of tools are numbered."""
    said = message.model_dump(exclude_none=True)
    if isinstance(calls := said.get("tool_calls"), list):
        said["tool_calls"] = [{"index": index, **call} for index, call in enumerate(calls)]
    return Delta.model_validate(said)


def logprobs(candidate: Candidate | None) -> Logprobs | None:
    """Its tokens, where they were asked for and the engine tells."""
    return Logprobs(content=candidate.logprobs) if candidate and candidate.logprobs else None


def why(answer: Answer) -> Why:
    """The explanation of an answer."""
    return Why(
        answer=answer.id,
        user=own_id(answer.user),
        why=answer.why(),
        refused=answer.refused,
        candidates=tuple(
            Scored(
                id=candidate.id,
                is_shown=index == answer.chosen,
                reward=candidate.reward,
                sd=candidate.sd,
                verdict=candidate.verdict,
                text=candidate.text,
            )
            for index, candidate in enumerate(answer.candidates)
        ),
        trace=answer.trace,
    )


def best_first(answer: Answer, kappa: float) -> list[Candidate]:
    """The candidates that may be shown: the shown one, then the others by the bound that it was chosen by."""
    shown = [] if answer.chosen is None else [answer.candidates[answer.chosen]]
    others = [each for each in answer.candidates if each not in shown and each.verdict.action in ("allow", "care")]
    return shown + sorted(others, key=lambda each: kappa * each.sd - each.reward)
