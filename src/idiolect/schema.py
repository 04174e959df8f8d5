"""The nouns that every room speaks of. No logic beyond what makes a noun well formed.

Symbols are the same everywhere: user u, prompt x, answer y, features phi (d,), weights w, personal reward r_u,
universal reward r_0, threshold tau.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

Array: TypeAlias = NDArray[np.float64]

USER_ID = r"^[A-Za-z0-9][A-Za-z0-9._@:+-]{0,127}$"
UserId = Annotated[str, Field(pattern=USER_ID)]


def new_id(prefix: str) -> str:
    """A fresh identifier such as `evt-3f0c...`."""
    return f"{prefix}-{uuid4().hex}"


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


class Noun(BaseModel):
    """A value: it never changes after it is made, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- what goes to a model and comes back ---------------------------------------------------------------------------


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
    extra: dict[str, JsonValue] = Field(default_factory=dict)  # of the message beside its words: `tool_calls`...


# --- the boundary --------------------------------------------------------------------------------------------------

Action: TypeAlias = Literal["allow", "care", "helpline", "refuse"]


class Verdict(Noun):
    """What the boundary says of a request or an answer: r_0 in [0, 1], where 1 is harmless, and why."""

    score: float
    action: Action = "allow"
    category: str | None = None
    rule: str | None = None
    policy_version: str = ""


# --- answers and their traces --------------------------------------------------------------------------------------


class Candidate(Noun):
    """One candidate answer y with its scores; it has an id whether or not it was shown."""

    id: str
    text: str
    reward: float = 0.0  # m . phi, on the scale of a logit between two answers
    sd: float = 0.0  # sqrt(phi' S phi), phi centred over the candidates
    verdict: Verdict
    completion_tokens: int = 0


class Share(Noun):
    """How much one attribute moved the choice: contribution = weight x (value - mean over the candidates)."""

    attribute: str
    words: str  # what this answer has more of than the other candidates: "short answers"
    weight: float
    value: float
    contribution: float


class Trace(Noun):
    """Why this answer: what was recalled, what decided, what the boundary said, and what each step took."""

    method: str
    model: str
    recalled: tuple[str, ...] = ()  # ids of preferences
    request_verdict: Verdict
    shares: tuple[Share, ...] = ()  # of the shown answer, largest contribution first
    strength: float = 0.0  # beta of the token values, after the KL cap
    evidence: int = 0  # pieces of feedback that the posterior had seen
    notes: tuple[str, ...] = ()  # plain sentences: a fallback taken, a part that was off
    milliseconds: dict[str, float] = Field(default_factory=dict)


class Answer(Noun):
    """The answer that is shown, the candidates it was chosen from (none when refused), and its trace."""

    id: str
    user: str
    text: str
    candidates: tuple[Candidate, ...] = ()
    chosen: int | None = None  # index into candidates; None when the boundary refused
    ask: tuple[int, int] | None = None  # two candidates worth showing side by side, by index
    care: str = ""  # what the boundary says beside an answer that needs care
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str = "stop"
    trace: Trace

    @property
    def refused(self) -> bool:
        """Whether the boundary answered in the model's place."""
        return self.chosen is None

    def why(self) -> str:
        """Why this answer, in a few sentences for a person."""
        from idiolect.explain import why  # noqa: PLC0415 - the words live apart from the noun and know it

        return why(self)


# --- events: evidence is kept, beliefs are derived -----------------------------------------------------------------


class Event(Noun):
    """One thing that happened; never edited in place, and deleted only by erasure."""

    id: str = Field(default_factory=lambda: new_id("evt"))
    at: datetime = Field(default_factory=now)


class Interaction(Event):
    """A turn: the newest words of the person, the candidates, and which was shown."""

    kind: Literal["interaction"] = "interaction"
    prompt: str  # the newest user turn; earlier turns are events of their own
    prefix: str = ""  # sha256 of the conversation before it, so that a resent history is known again
    answer: Answer


class Choice(Event):
    """The person preferred one candidate over others. Ids are those of candidates."""

    kind: Literal["choice"] = "choice"
    chosen: str
    over: tuple[str, ...] = Field(min_length=1)


class Rating(Event):
    """The person rated a candidate from 1 to 5; a thumb up is 5, a thumb down 1."""

    kind: Literal["rating"] = "rating"
    candidate: str
    value: Annotated[float, Field(ge=1, le=5)]


class Edit(Event):
    """What the person would have written in a candidate's place."""

    kind: Literal["edit"] = "edit"
    candidate: str
    text: str


class Statement(Event):
    """What the person said of themselves or of how they like their answers, in their own words."""

    kind: Literal["statement"] = "statement"
    text: str
    source: Literal["feedback", "conversation"] = "feedback"


class Correction(Event):
    """The person set right what is believed: an attribute's weight (0: "no taste here"), or a statement to drop."""

    kind: Literal["correction"] = "correction"
    attribute: str | None = None
    weight: float | None = None
    statement: str | None = None  # the id of the statement event that no longer holds


AnyEvent: TypeAlias = Annotated[
    Interaction | Choice | Rating | Edit | Statement | Correction, Field(discriminator="kind")
]
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
FEEDBACK_KINDS = ("choice", "rating", "edit", "statement", "correction")


class Feedback(Noun):
    """Feedback as a client sends it; `POST /v1/feedback` takes exactly this, beside `user`.

    choice: `answer` was preferred over the candidates in `over`.  rating: `value` from 1 to 5, or "up" / "down".
    edit: `value` is the text the person would have written.  statement: `value` is what they say; no answer needed.
    correction: `attribute` and a number in `value`, or the id of a statement to drop in `answer`.
    """

    kind: Literal["choice", "rating", "edit", "statement", "correction"]
    answer: str | None = None
    value: str | float | None = None
    over: str | tuple[str, ...] | None = None
    attribute: str | None = None


# --- what is believed of a person ----------------------------------------------------------------------------------


class Preference(Noun):
    """A statement as data, never as instructions: typed slots, rendered so that they are marked as the person's."""

    id: str  # of the statement event it came from
    kind: Literal["topic", "style", "constraint", "about_me"]
    text: str  # the person's words
    attribute: str | None = None  # for style: one of the named attributes
    polarity: Literal[-1, 1] = 1
    at: datetime


class Taste(Noun):
    """The belief about one direction of the preference space."""

    attribute: str
    mean: float
    sd: float
    description: str
    confident: bool  # |mean| / sd > 1.64


class Profile(Noun):
    """All that is believed of a person, in words and in numbers."""

    user: str
    evidence: int
    tastes: tuple[Taste, ...]
    preferences: tuple[Preference, ...]
    space: str  # version of the preference space


def as_messages(prompt: "str | Sequence[Message]") -> tuple[Message, ...]:
    """A bare string is one user turn."""
    return (Message(role="user", content=prompt),) if isinstance(prompt, str) else tuple(prompt)
