"""TPO: answers are optimised in words while they are written (Li et al., 2025, "Test-time preference optimization",
arXiv 2501.12895).

    y_best, y_worst = argmax, argmin of r_u over the pool;  loss: why the best is better;  gradient: what to change;
    pool += n answers that change it;   D rounds

The best of the pool is shown, so that the best so far never falls, and no rounds are best-of-n. r_u learns from the
person's choices alone, never from what is optimised against it; held-out choices tell how far to trust it
(`idiolect bench uplift`).
Shared: the texts.  Per user: r_u.  Cold start: nothing is asked besides the answer.  Cost: n + 2 answers a round.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from idiolect.errors import BadInput, ModelError, Stopped
from idiolect.generation.agent import Desk
from idiolect.models.protocol import OnCompletion, Request
from idiolect.reward.judged import Judged
from idiolect.schema import Completion, Message, Round

WORDS = 96  # tokens of a loss or a gradient
LOSS = (
    "Here are two answers to my last question.\n\nAnswer 1, which I prefer:\n{best}\n\nAnswer 2:\n{worst}\n\n"
    "In two sentences: what makes answer 1 better for me, in its manner?"
)
GRADIENT = "In one sentence: what should be changed in answer 1 so that I like it still more?"
UPDATE = "Answer my question again, changed in this way: {gradient}"


@dataclass(frozen=True)
class TPO:
    """Writes n answers, and n more in each round."""

    family: ClassVar[str] = "decoding"

    rounds: int

    @classmethod
    def open(cls, rounds: int) -> Self:
        """The paper's rounds are 2; 0: drafts alone."""
        return cls(rounds)

    def write(self, request: Request, desk: Desk, n: int, on_completion: OnCompletion) -> Sequence[Completion]:
        """The pool after the last round."""
        pool = list(desk.complete(request, n))
        for at, each in enumerate(pool):
            on_completion(at, each)
        for _ in range(self.rounds):
            judged = desk.judged([each.text for each in pool])
            pair = extremes(judged)
            if pair is None:
                break
            known = len(pool)
            try:
                fresh = self._round(request, desk, n, [pool[at].text for at in pair])
            except Stopped:
                raise
            except (BadInput, ModelError) as failed:  # the answers that there are stand
                desk.note(f"The answers could not be optimised further: {failed}")
                break
            for each in fresh:
                on_completion(len(pool), each)
                pool.append(each)
            desk.revised(_told(desk, pool, pair[0], known))
        return pool

    def _round(self, request: Request, desk: Desk, n: int, pair: Sequence[str]) -> Sequence[Completion]:
        """n answers, after a loss and a gradient in words."""
        desk.tell()
        best, worst = pair
        asking = _said(request, Message(role="user", content=LOSS.format(best=best, worst=worst)))
        loss = desk.complete(_brief(asking))[0].text
        asking = _said(asking, Message(role="assistant", content=loss), Message(role="user", content=GRADIENT))
        gradient = desk.complete(_brief(asking))[0].text
        answered = Message(role="assistant", content=best)
        wanted = Message(role="user", content=UPDATE.format(gradient=gradient))
        fresh = desk.complete(_said(request, answered, wanted), n)
        return [each for each in fresh if desk.is_about(each.text, best)]  # a small model repeats what it was asked for


def extremes(judged: Judged) -> tuple[int, int] | None:
    """The best and the worst of the pool; None where none is admitted, or all are worth the same."""
    scores = judged.scores.mean
    if judged.chosen is None or float(np.ptp(scores)) == 0.0:
        return None
    return judged.chosen, int(scores.argmin())


def _told(desk: Desk, pool: Sequence[Completion], before: int, known: int) -> Round:
    """What a round gained over the best before it; rewards are about the mean of what is judged together."""
    judged = desk.judged([each.text for each in pool])
    assert judged.chosen is not None  # the one before still is admitted
    gain = float(judged.scores.mean[judged.chosen] - judged.scores.mean[before])
    fresh = any(judged.admitted[known:])
    return Round(criticised=(), gain=round(gain, 4), admitted=fresh, accepted=judged.chosen >= known)


def _said(request: Request, *messages: Message) -> Request:
    return replace(request, messages=(*request.messages, *messages))


def _brief(request: Request) -> Request:
    return replace(request, sampling=request.sampling.model_copy(update={"max_tokens": WORDS}))
