"""StyleVector: a person's manner is one direction inside the model (Zhang et al., 2025, arXiv 2503.05213).

    s_u = mean over their choices of h_l(x, chosen) - h_l(x, rejected);   h_l += c s_u from the prompt's last token on

h_l is what the layer in the middle says, the mean over an answer's tokens. The paper sets what a person wrote against
the model's answer without style; here what they chose is set against what they left, which the model wrote too. c is
the largest at which KL(steered || plain), measured on what they chose, stays within the budget times n / (n + FEW): few
choices tell little of a manner.
Shared: nothing.  Per user: s_u, made of their choices and kept in memory alone.  No choices: the request unchanged.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from idiolect.generation.encoding.steering import KL_BUDGET, closed
from idiolect.generation.encoding.traces import Answers, divergence, traces
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.models.protocol import Request
from idiolect.schema import Array, as_messages

FEW = 4  # choices at which half the budget is spent
TOKENS = 64  # of an answer, from its beginning
REMEMBERED = 64  # people whose vector is kept between turns
ROUNDS = 6  # halvings of the strength, in search of the budget
STEP = 0.25  # of what the layer says: no vector is longer

Choices = tuple[tuple[str, str, str], ...]  # (prompt, chosen, rejected)


class StyleVector:
    """Adds the mean difference of what a person chose and what they left."""

    family: ClassVar[str] = "encoding"

    def __init__(self, host: Host, kl_budget: float = KL_BUDGET) -> None:
        self.host = host
        self.kl_budget = kl_budget
        self._remembered = lru_cache(maxsize=REMEMBERED)(self.vector)

    @classmethod
    def open(cls, host: Host) -> Self:
        """For any model that can be opened from inside; it is opened at its first use."""
        return cls(host, KL_BUDGET if host.kl_budget is None else host.kl_budget)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Add the person's vector to those that the request may have."""
        if not person.choices:
            return Prepared(request)
        if (reason := closed(self.host)) is not None:
            return Prepared(request, notes=(f"The style vector was off: {reason.reason}.",))
        layer, vector = self._remembered(tuple(person.choices))
        if not vector.any():
            return Prepared(request)
        steering = dict(request.inside.steering)
        steering[layer] = steering.get(layer, np.zeros_like(vector)) + vector
        inside = replace(request.inside, steering=steering)
        return Prepared(replace(request, inside=inside), strength=round(float(np.linalg.norm(vector)), 3))

    def forget(self) -> None:
        """Drop what is kept between turns."""
        self._remembered.cache_clear()

    def vector(self, choices: Choices) -> tuple[int, Array]:
        """The layer, and c s_u (width,)."""
        model = self.host.inside
        layer = model.layers // 2
        way, size, chosen = np.zeros(model.width), 0.0, list[Answers]()
        with model.alone() as network:
            for prompt, *both in choices:
                ids = [model.tokenize(text)[:TOKENS] for text in both]
                if not all(ids):
                    continue
                asked = model.prompt_ids(as_messages(prompt))
                liked, left = traces(network, Answers(asked, ids), [layer], with_push=False).hidden[:, 0]
                way, size = way + liked - left, size + float(np.linalg.norm(liked))
                chosen.append(Answers(asked, ids[:1]))
            length = float(np.linalg.norm(way))
            if length == 0.0:
                return layer, np.zeros(model.width)
            longest = way / length * STEP * size / len(chosen)
            budget = self.kl_budget * len(chosen) / (len(chosen) + FEW)
            low, high = 0.0, 1.0
            for _ in range(ROUNDS):
                middle = (low + high) / 2
                costs = [divergence(network, each, {layer: middle * longest}) for each in _latest(chosen)]
                low, high = (middle, high) if float(np.mean(costs)) <= budget else (low, middle)
        return layer, low * longest


def _latest(chosen: Sequence[Answers]) -> Sequence[Answers]:
    """Two stand for all: each measurement reads them twice."""
    return chosen[-2:]
