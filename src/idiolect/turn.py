"""What one turn of the loop passes from step to step, and the steps' small arithmetic."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import chain

import numpy as np

from idiolect.errors import BadInput
from idiolect.features.attributes import ATTRIBUTES
from idiolect.features.space import PreferenceSpace
from idiolect.generation.agent import Workflow
from idiolect.memory.extraction.documents import marked_words
from idiolect.memory.inference.reactions import onward
from idiolect.memory.recipients import Shown
from idiolect.models.protocol import Request
from idiolect.reward.compliance.protocol import weight
from idiolect.reward.protocol import Asked, Belief, Scores
from idiolect.schema import (
    Answer,
    Array,
    Candidate,
    Completion,
    Cost,
    EarlierTurn,
    Interaction,
    Message,
    Otherwise,
    Preference,
    Proposal,
    Round,
    Share,
    Trace,
    Verdict,
    new_id,
)

OTHERWISE = 12  # attributes that are tried, largest contribution first
LONGEST_MESSAGE = 200_000  # characters of one conversation


@dataclass
class Stopwatch:
    """Milliseconds by step."""

    milliseconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1000
            self.milliseconds[name] = round(self.milliseconds.get(name, 0.0) + spent, 3)


@dataclass
class Turn:
    """One prompt of one person on its way through the loop."""

    user: str
    messages: tuple[Message, ...]
    request: Request
    candidates: int
    method: str
    model: str
    verdict: Verdict
    belief: Belief
    watch: Stopwatch
    inferred: int = 0  # pieces of the belief's evidence
    recalled: tuple[str, ...] = ()  # ids of preferences
    statements: tuple[Preference, ...] = ()  # these themselves
    earlier: tuple[EarlierTurn, ...] = ()
    is_told: bool = False  # something of the person stands in the request beside what the client sent
    strength: float = 0.0
    notes: tuple[str, ...] = ()
    care: str = ""
    is_temporary: bool = False
    is_compared: bool = False  # another method's answer stands beside this one, so that no pair of its own does
    country: str | None = None  # the person's, where the request says
    answer_id: str = field(default_factory=lambda: new_id("chatcmpl"))
    asked: Asked | None = None  # what the reward reads of the prompt
    phi: Array | None = None  # (n, d) of the candidates, once they are written
    otherwise: Otherwise | None = None  # what would have changed the choice, once it is made
    chooser: str = "best-of"  # who picks one of several candidates
    workflow: Workflow | None = None  # the agent that writes; None: the model alone
    verdicts: dict[str, Verdict] = field(default_factory=dict)  # of the answers that were judged so far
    cost: Cost = field(default_factory=Cost)
    rounds: tuple[Round, ...] = ()  # of the agent
    proposed: tuple[Proposal, ...] = ()  # by the model, for the person to decide

    @property
    def is_replaced(self) -> bool:
        """Whether the boundary answers in the model's place."""
        return self.verdict.action in ("refuse", "helpline")

    @property
    def is_shown_as_written(self) -> bool:
        """Whether its words may go out before all of them are there: nothing is to be chosen."""
        return self.candidates == 1 and self.workflow is None and not self.is_replaced

    def spend(self, completions: Sequence[Completion], seconds: float) -> None:
        """Count one call of the model; the answers of one call share its prompt."""
        prices = [each.cost for each in completions if each.cost is not None]
        dollars = (self.cost.dollars or 0.0) + sum(prices) if prices else self.cost.dollars
        self.cost = Cost(
            calls=self.cost.calls + 1,
            prompt_tokens=self.cost.prompt_tokens + max((each.prompt_tokens for each in completions), default=0),
            completion_tokens=self.cost.completion_tokens + sum(each.completion_tokens for each in completions),
            seconds=round(self.cost.seconds + seconds, 3),
            dollars=dollars,
        )

    @property
    def prompt(self) -> str:
        """The newest words of the person."""
        return newest(self.messages)

    @property
    def prefix(self) -> str:
        """A hash of the conversation before the newest words of the person, so that a resent history is known again."""
        newest_turn = max(index for index, message in enumerate(self.messages) if message.role == "user")
        return hashed(self.messages[:newest_turn])

    @property
    def shown(self) -> tuple[Shown, ...]:
        """The kinds of data that stand in what the model was asked."""
        if not self.is_told:
            return ("words",)
        kinds: tuple[tuple[Shown, bool], ...] = (
            ("statements", any(each.sensitive is None for each in self.statements)),
            ("special", any(each.sensitive is not None for each in self.statements)),
            ("turns", bool(self.earlier)),
        )
        beside = tuple(kind for kind, is_told in kinds if is_told)
        return ("words", *(beside or ("tastes",)))

    def event(self, answer: Answer, at: datetime, learns: bool, follows: bool) -> Interaction:
        """What is kept of it. `learns`: from its words; `follows`: it is to be known which turn goes on from it."""
        told = (*self.messages, Message(role="assistant", content=answer.text))
        return Interaction(
            at=at,
            prompt=self.prompt,
            prefix=self.prefix,
            answer=answer,
            own=marked_words(self.messages) if learns else "",
            onward=onward(hashed(told)) if follows else "",
        )


def hashed(conversation: Sequence[Message]) -> str:
    """sha256 of a conversation; of one that has not begun it is empty."""
    text = "\x1e".join(f"{message.role}\x1f{message.text}" for message in conversation)
    return sha256(text.encode()).hexdigest() if text else ""


def newest(messages: Sequence[Message]) -> str:
    """The text of the last user turn."""
    return next((message.text for message in reversed(messages) if message.role == "user"), "")


def _shows_something(messages: Sequence[Message]) -> bool:
    """Whether the last user turn holds a picture, a sound or a file."""
    last = next((message.content for message in reversed(messages) if message.role == "user"), None)
    return isinstance(last, list) and any(part.get("type") != "text" for part in last)


def checked(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Raises BadInput for a conversation without words or pictures of a person, or one too long to be one."""
    if not newest(messages).strip() and not _shows_something(messages):
        raise BadInput("there is no question: the last user message is empty")
    length = sum(len(message.text) for message in messages)
    if length > LONGEST_MESSAGE:
        raise BadInput(f"the conversation has {length:,} characters; at most {LONGEST_MESSAGE:,} are taken: shorten it")
    return messages


@dataclass
class Embedding:
    """Measures each answer as it ends, beside the model that still writes the others."""

    phi_of: Callable[[Sequence[str]], Array]
    pool: Executor
    rows: dict[int, Future[Array]] = field(default_factory=dict)

    def on_completion(self, index: int, completion: Completion) -> None:
        """Called by the model's thread; returns at once."""
        self.rows[index] = self.pool.submit(self.phi_of, [completion.text])

    def phi(self, n: int) -> Array:
        """(n, d), once all n have ended."""
        return np.vstack([self.rows[index].result() for index in range(n)])


def shares(space: PreferenceSpace, weights: Array, phi: Array, chosen: int) -> tuple[Share, ...]:
    """How each direction moved the choice: the contributions sum to the chosen answer's reward."""
    above = phi[chosen] - phi.mean(axis=0)
    contributions = weights * above
    order = np.argsort(-np.abs(contributions), kind="stable")
    return tuple(
        Share(
            attribute=space.names[j],
            words=_words(space.names[j], above[j] > 0),
            weight=round(float(weights[j]), 4),
            value=round(float(phi[chosen, j]), 4),
            contribution=round(float(contributions[j]), 4),
        )
        for j in order
        if contributions[j]
    )


def matched(scores: Scores, told: Array) -> Scores:
    """The reward with what each statement adds to each answer, (m, n), above its mean over the answers."""
    return Scores(scores.mean + _above(told).sum(axis=0), scores.sd)


def shares_of_statements(statements: Sequence[Preference], told: Array, chosen: int) -> tuple[Share, ...]:
    """How each statement moved the choice, by its id: a trace that is kept must not repeat what a person may forget."""
    return tuple(
        Share(
            attribute=said.id,
            words=_told(said),
            weight=round(weight(said), 4),
            value=round(float(row[chosen] / weight(said)), 4),
            contribution=round(float(above[chosen]), 4),
        )
        for said, row, above in zip(statements, told, _above(told), strict=True)
        if above[chosen]
    )


def ordered(*parts: tuple[Share, ...]) -> tuple[Share, ...]:
    """All of them, largest contribution first."""
    return tuple(sorted(chain.from_iterable(parts), key=lambda share: -abs(share.contribution)))


def _above(told: Array) -> Array:
    return np.asarray(told - told.mean(axis=1, keepdims=True)) if told.size else told


def _told(said: Preference) -> str:
    if said.kind == "constraint":
        return "a limit that you set"
    return f"something you said you {'like' if said.polarity > 0 else 'dislike'}"


def otherwise(
    space: PreferenceSpace, weights: Array, phi: Array, values: Array, admitted: Sequence[bool], chosen: int
) -> Otherwise | None:
    """The strongest of the attributes without whose weight another admitted answer would have had the most value (n,).

    That is the answer's reward as the choice counts it, the other weights staying as they are.
    """
    contributions = weights * (phi - phi.mean(axis=0))
    for j in np.argsort(-contributions[chosen], kind="stable")[:OTHERWISE]:
        without = np.where(admitted, values - contributions[:, j], -np.inf)
        if contributions[chosen, j] > 0 and without.max() > without[chosen]:
            words = _words(space.names[j], bool(phi[chosen, j] > phi[:, j].mean()))
            return Otherwise(attribute=space.names[j], words=words, candidate=int(np.argmax(without)))
    return None


def _words(name: str, more: bool) -> str:
    attribute = ATTRIBUTES.get(name)
    if attribute is None:
        return f"{'more' if more else 'less'} of {name}"
    return attribute.high if more else attribute.low


def answered(
    turn: Turn,
    completions: Sequence[Completion],
    verdicts: Sequence[Verdict],
    scores: Scores,
    chosen: int,
    rival: int | None,
    why: tuple[Share, ...],
) -> Answer:
    """The answer that is shown, with every candidate's id and scores."""
    candidates = tuple(
        Candidate(
            id=f"{turn.answer_id}-{index}",
            text=completion.text,
            reward=round(float(scores.mean[index]), 4),
            sd=round(float(scores.sd[index]), 4),
            verdict=verdict,
            completion_tokens=completion.completion_tokens,
            finish_reason=completion.finish_reason,
            beside=completion.extra,
            logprobs=completion.logprobs,
        )
        for index, (completion, verdict) in enumerate(zip(completions, verdicts, strict=True))
    )
    return Answer(
        id=turn.answer_id,
        user=turn.user,
        text=completions[chosen].text,
        candidates=candidates,
        chosen=chosen,
        ask=None if rival is None else (chosen, rival),
        care=turn.care,
        prompt_tokens=completions[chosen].prompt_tokens,
        completion_tokens=completions[chosen].completion_tokens,
        finish_reason=completions[chosen].finish_reason,
        trace=_trace(turn, why),
    )


def refused(turn: Turn, text: str, verdict: Verdict | None = None) -> Answer:
    """The boundary's own words in the model's place; `verdict` is of the answers, where these were the reason."""
    trace = _trace(turn, ()).model_copy(update={"answer_verdict": verdict})
    return Answer(id=turn.answer_id, user=turn.user, text=text, trace=trace)


def _trace(turn: Turn, why: tuple[Share, ...]) -> Trace:
    return Trace(
        method=turn.method,
        model=turn.model,
        recalled=turn.recalled,
        turns=turn.earlier,
        request_verdict=turn.verdict,
        shares=why,
        otherwise=turn.otherwise,
        strength=turn.strength,
        evidence=turn.belief.seen,
        inferred=turn.inferred,
        notes=turn.notes,
        rounds=turn.rounds,
        cost=turn.cost if turn.cost.calls else None,
        milliseconds=turn.watch.milliseconds,
    )
