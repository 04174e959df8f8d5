"""Sequential best-of-N: no more candidates once another is not worth its cost (Weitzman, 1979, "Optimal search for the
best alternative", with the spread of the scores not known but learnt).

    go on while  P(admitted) E[(r_(n+1) - max_i r_i)+]  >  c,      r_(n+1) | r_1..r_n  ~  Student t

r_i are the scores of the admitted candidates. Their mean is not known before; of their variance is known what the
person's tastes make of answers that differ as answers do (phi has unit variance): |m_u|^2, counted as two candidates.
c is what a candidate must gain, in logits of the person's choice: a tenth is about one win in forty.
Shared: c.  Per user: the posterior.  With nothing believed, or with as many candidates as were asked for, best-of-N.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lgamma, log, pi, sqrt
from typing import ClassVar, Self

import numpy as np

from idiolect.generation.agent import Desk
from idiolect.models.protocol import OnCompletion, Request
from idiolect.schema import Array, Completion

COST = 0.1
FIRST, MORE = 2, 2  # candidates that are written at once: side by side two cost little more than one
KNOWN = 2.0  # candidates that the spread known before counts as
PLACES = np.expm1(np.linspace(0.0, 4.5, 301))  # of the integral, in scales of the predictive: close where it is dense


def expected_gain(scores: Array, spread: float) -> float:
    """E[(next - max)+] for scores (n,) of candidates from one model, whose sd is taken for `spread` before."""
    n = len(scores)
    freedom = KNOWN + n - 1
    variance = (KNOWN * spread**2 + float(((scores - scores.mean()) ** 2).sum())) / freedom
    scale = sqrt(variance * (1 + 1 / n))
    if scale == 0.0:
        return 0.0
    behind = (float(scores.max()) - float(scores.mean())) / scale
    return scale * float(np.trapezoid(PLACES * _density(PLACES + behind, freedom), PLACES))


def is_worth_one_more(scores: Array, admitted: Sequence[bool], spread: float, cost: float = COST) -> bool:
    """Whether one more candidate is expected to gain more than it costs. While none is admitted it always is."""
    allowed = scores[np.asarray(admitted, dtype=bool)]
    if not len(allowed):
        return True
    chance = (1 + len(allowed)) / (2 + len(scores))
    return chance * expected_gain(allowed, spread) > cost


@dataclass(frozen=True)
class Sequential:
    """Writes candidates two by two, and stops when that is best."""

    family: ClassVar[str] = "decoding"

    cost: float = COST

    @classmethod
    def open(cls, rounds: int) -> Self:
        """The same for every number of rounds."""
        return cls()

    def write(self, request: Request, desk: Desk, n: int, on_completion: OnCompletion) -> Sequence[Completion]:
        """At most n candidates."""
        pool: list[Completion] = []
        spread = float(np.linalg.norm(desk.tastes.mean))
        while len(pool) < n and (len(pool) < FIRST or self._goes_on(desk, pool, spread)):
            wanted = min(MORE if pool else FIRST, n - len(pool))
            for each in desk.complete(_seeded(request, len(pool)), wanted):
                on_completion(len(pool), each)
                pool.append(each)
        if len(pool) < n:
            desk.note(f"{len(pool)} candidates were written of at most {n}: another was not expected to be better.")
        return pool

    def _goes_on(self, desk: Desk, pool: Sequence[Completion], spread: float) -> bool:
        judged = desk.judged([each.text for each in pool])
        return is_worth_one_more(judged.scores.mean, judged.admitted, spread, self.cost)


def _seeded(request: Request, done: int) -> Request:
    """The candidates that follow are drawn with other chances than those before."""
    seed = request.sampling.seed
    if seed is None or not done:
        return request
    return replace(request, sampling=request.sampling.model_copy(update={"seed": seed + done}))


def _density(x: Array, freedom: float) -> Array:
    """Of Student's t."""
    constant = lgamma((freedom + 1) / 2) - lgamma(freedom / 2) - 0.5 * log(freedom * pi)
    return np.asarray(np.exp(constant - (freedom + 1) / 2 * np.log1p(x**2 / freedom)))
