"""ARGS: a reward on what has been written so far guides each token (Khanov et al., 2024, arXiv 2402.01694).

    score(v) = l(v | x, y_<t) + w r_u(x, [y_<t, v])  over the k likeliest v

The reward must mean something on prefixes: r_u = m_u . phi over the named attributes does, which are read from a text
of any length; directions of the embedding are left out.
Shared: nothing.  Per user: the posterior's mean m_u, shrunk where it is unsure.  Cold start: the request unchanged.
Cost: k texts are read for each token of each answer, all at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from idiolect.alignment.decoding.protocol import adding
from idiolect.alignment.decoding.top_k import TopK
from idiolect.features.space import PreferenceSpace
from idiolect.generation.encoding.steering import closed
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.token_values import Unfit, reliable
from idiolect.models.inside import Step
from idiolect.models.protocol import Request
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class OfText:
    """A scorer: reads each continuation as text."""

    texts: Callable[[Sequence[Sequence[int]]], Sequence[str]]
    reward: Callable[[Sequence[str]], Array]  # texts -> (n,)

    def scores(self, step: Step, tokens: "Tensor") -> "Tensor":
        """(n, k) -> (n, k): all continuations in one call."""
        ids = [[*written, token] for written, row in zip(step.written, tokens.tolist(), strict=True) for token in row]
        rewards = self.reward(self.texts(ids)).reshape(tokens.shape)
        return step.said.new_tensor(rewards - rewards.mean(axis=1, keepdims=True))


class ARGS:
    """Scores the next tokens by what the answer would then be worth to this person."""

    family: ClassVar[str] = "decoding"
    weight: ClassVar[float] = 1.0  # the paper's example, of 0.5 to 2

    def __init__(self, host: Host, unfit: Unfit | None) -> None:
        self._host = host
        self.unfit = unfit

    @classmethod
    def open(cls, host: Host) -> Self:
        """For a model that can be opened."""
        return cls(host, closed(host))

    def prepare(self, request: Request, person: Person) -> Prepared:
        """With nothing believed the request is returned unchanged."""
        if not person.evidence or not person.mean.any():
            return Prepared(request)
        if self.unfit is not None:
            return Prepared(request, notes=(f"ARGS was off: {self.unfit.reason}.",))
        space = PreferenceSpace.shipped()
        at = {name: index for index, name in enumerate(person.names)}
        columns = [at.get(name, -1) for name in space.names[: space.attributes]]
        if -1 in columns:
            return Prepared(request, notes=("ARGS was off: it reads attributes that beliefs do not have.",))
        weights = reliable(person.mean[columns], person.sd[columns])
        if not weights.any():
            return Prepared(request)

        def reward(texts: Sequence[str]) -> Array:
            return np.asarray(space.phi(texts, None)[:, : len(weights)] @ weights)

        addition = TopK(OfText(self._host.inside.texts, reward), self.weight)
        return Prepared(adding(request, addition), strength=self.weight)
