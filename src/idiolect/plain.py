"""Answering without the memory and the reward: what is left when they fail, or when nobody may be known.

The boundary stands: it judges the request and every answer as it always does. Nothing is recalled, weighed or kept.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from idiolect.errors import StoreError
from idiolect.models.pieces import Beside
from idiolect.models.protocol import Request
from idiolect.parts import Parts
from idiolect.schema import Answer, Candidate, Completion, Cost, Message, Trace, Verdict, new_id

METHOD = "plain"
NOTE = "Memory or reward failed, so this answer is plain, and nothing of it is kept."


class NotKept(StoreError):
    """An answer was written and could not be kept. It stands here, so that whoever asked need not go without it."""

    def __init__(self, answer: Answer, why: StoreError) -> None:
        super().__init__(f"the answer was written, but could not be kept: {why}")
        self.answer = answer


@dataclass(frozen=True)
class Asked:
    """A request of somebody of whom nothing is known."""

    user: str
    messages: tuple[Message, ...]
    request: Request
    n: int = 1
    country: str | None = None
    answer_id: str = field(default_factory=lambda: new_id("chatcmpl"))


@dataclass(frozen=True)
class Plain:
    """The model behind the boundary, and nothing else. `told` hears of each answer."""

    parts: Parts
    told: Callable[[Answer], None] | None = None

    def answer(self, asked: Asked) -> Answer:
        """The first of n answers that the boundary admits. Raises ModelError."""
        verdict = self.parts.boundary.judge_request(asked.messages)
        if verdict.action in ("refuse", "helpline"):
            return self._refused(asked, verdict)
        start = time.perf_counter()
        written = self.parts.model.complete(asked.request, asked.n, stop=next(iter(asked.request.stops), None))
        return self._ended(asked, verdict, written, time.perf_counter() - start)

    def stream(self, asked: Asked) -> Generator[str | Answer, None, None]:
        """Pieces as the boundary lets them go, then the answer. Raises ModelError."""
        verdict = self.parts.boundary.judge_request(asked.messages)
        if asked.n > 1 or verdict.action in ("refuse", "helpline"):
            answer = self.answer(asked)
            yield answer.text
            yield answer
            return
        screen, start = self.parts.boundary.stream_screen(asked.messages, asked.country), time.perf_counter()
        with closing(self.parts.model.stream(asked.request)) as stream:
            for piece in stream:
                yield piece if isinstance(piece, Beside) else screen.feed(piece)
                if screen.cut:
                    break
            yield screen.finish()
        if screen.cut:
            yield self._refused(asked, verdict, screen.verdict)
        else:
            yield self._ended(asked, verdict, [stream.completion], time.perf_counter() - start)

    def _ended(self, asked: Asked, verdict: Verdict, written: Sequence[Completion], seconds: float) -> Answer:
        cost = Cost(
            calls=1,
            prompt_tokens=max(each.prompt_tokens for each in written),
            completion_tokens=sum(each.completion_tokens for each in written),
            seconds=round(seconds, 3),
        )
        verdicts = self.parts.boundary.admit(asked.messages, [each.text for each in written])
        chosen = next((at for at, each in enumerate(verdicts) if self.parts.boundary.admits(each)), None)
        if chosen is None:
            worst = min(verdicts, key=lambda each: each.score)
            return self._refused(asked, verdict, worst, cost)
        shown = written[chosen]
        candidates = tuple(
            Candidate(
                id=f"{asked.answer_id}-{at}",
                text=each.text,
                verdict=said,
                completion_tokens=each.completion_tokens,
                finish_reason=each.finish_reason,
                beside=each.extra,
                logprobs=each.logprobs,
            )
            for at, (each, said) in enumerate(zip(written, verdicts, strict=True))
        )
        return self._heard(
            Answer(
                id=asked.answer_id,
                user=asked.user,
                text=shown.text,
                candidates=candidates,
                chosen=chosen,
                care=self.parts.boundary.note(verdict),
                prompt_tokens=shown.prompt_tokens,
                completion_tokens=shown.completion_tokens,
                finish_reason=shown.finish_reason,
                trace=self._trace(verdict, cost=cost),
            )
        )

    def _refused(
        self, asked: Asked, request: Verdict, answer: Verdict | None = None, cost: Cost | None = None
    ) -> Answer:
        text = self.parts.boundary.refusal(answer or request, asked.country)
        trace = self._trace(request, answer, cost)
        return self._heard(Answer(id=asked.answer_id, user=asked.user, text=text, trace=trace))

    def _heard(self, answer: Answer) -> Answer:
        if self.told is not None:
            self.told(answer)
        return answer

    def _trace(self, request: Verdict, answer: Verdict | None = None, cost: Cost | None = None) -> Trace:
        return Trace(
            method=METHOD,
            model=self.parts.model.name,
            request_verdict=request,
            answer_verdict=answer,
            notes=(NOTE,),
            cost=cost,
        )
