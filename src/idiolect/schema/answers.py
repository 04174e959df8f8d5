"""Answers, the candidates they were chosen from, what the boundary said of them, and why they were chosen."""

from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import Field, JsonValue

from idiolect.schema.base import Noun

Action: TypeAlias = Literal["allow", "care", "helpline", "refuse"]


class Verdict(Noun):
    """What the boundary says of a request or an answer: r_0 in [0, 1], where 1 is harmless, and why."""

    score: float
    action: Action = "allow"
    category: str | None = None
    rule: str | None = None
    policy_version: str = ""


class Candidate(Noun):
    """One candidate answer y with its scores; it has an id whether or not it was shown."""

    id: str
    text: str
    reward: float = 0.0  # m . phi, on the scale of a logit between two answers
    sd: float = 0.0  # sqrt(phi' S phi), phi centred over the candidates
    verdict: Verdict
    completion_tokens: int = 0
    finish_reason: str = "stop"  # of turns from before it was kept beside each candidate: nobody knows
    beside: dict[str, JsonValue] = Field(default_factory=dict, exclude=True)  # tool calls: not kept
    logprobs: tuple[JsonValue, ...] = Field((), exclude=True)  # likewise


class Share(Noun):
    """How much one attribute moved the choice: contribution = weight x (value - mean over the candidates)."""

    attribute: str
    words: str  # what this answer has more of than the other candidates: "short answers"
    weight: float
    value: float
    contribution: float


class Otherwise(Noun):
    """What would have changed the choice: without this attribute's weight, another candidate (by its place)."""

    attribute: str
    words: str
    candidate: int


class EarlierTurn(Noun):
    """A turn that was recalled: the id of its answer, and when it was."""

    answer: str
    at: datetime


class Cost(Noun):
    """What all calls of the model for one answer took, those whose words are not shown too."""

    calls: int = 0
    prompt_tokens: int = 0  # candidates that are written together read the prompt once
    completion_tokens: int = 0
    seconds: float = 0.0
    dollars: float | None = None  # None where nobody said a price


class Round(Noun):
    """One revision by an agent: what the answer was criticised for, and whether the new one was taken."""

    criticised: tuple[str, ...]  # attributes, and ids of statements
    gain: float | None = None  # r_u of the best revision less that of the answer before; None: there was none
    admitted: bool = False  # by the boundary
    accepted: bool = False


class Trace(Noun):
    """Why this answer: what was recalled, what decided, what the boundary said, and what each step took."""

    method: str
    model: str
    recalled: tuple[str, ...] = ()  # ids of preferences
    turns: tuple[EarlierTurn, ...] = ()  # of earlier conversations, best first
    request_verdict: Verdict
    answer_verdict: Verdict | None = None  # what kept every answer back, or cut it, where the request was admitted
    shares: tuple[Share, ...] = ()  # of the shown answer, largest contribution first
    otherwise: Otherwise | None = None
    strength: float = 0.0  # beta of the token values, after the KL cap
    evidence: int = 0  # pieces of feedback that the posterior had seen
    inferred: int = 0  # of them, how many were inferred with the person's consent
    notes: tuple[str, ...] = ()  # plain sentences: a fallback taken, a part that was off
    rounds: tuple[Round, ...] = ()  # of an agent, in their order
    cost: Cost | None = None  # of turns from before it was counted, none
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

    @property
    def is_cut(self) -> bool:
        """Whether it ended for want of room."""
        return self.finish_reason == "length"

    def why(self) -> str:
        """Why this answer, in a few sentences for a person."""
        from idiolect.explain import why  # noqa: PLC0415 - the words live apart from the noun and know it

        return why(self)
