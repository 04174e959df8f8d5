"""Drift: a person's taste as a mixture of attributes, read off a few choices (Kim et al., 2025, arXiv 2502.14289).

    w_i ~ mean_n [q_i(x_n, y_n+) - q_i(x_n, y_n-)],  q_i(x, y) = log p(y | s_i, x) - log p(y | x),  |w| = 1
    log p(v) = h(v) + (1/beta) sum_i w_i [h_i(v) - h(v)] + const

s_i: a system text that asks for one attribute; h_i: what the model then says. Nothing is trained, and the paper's small
model is the model itself, so that all contexts are one batch. Of all attributes the surest few of the belief are tried;
how much of each the person follows, and which way, the choices say.
Shared: the texts.  Per user: w, kept while the model stays open.  Cold start, or no choice that is kept: the request
unchanged.  Cost: a context for each attribute; once for new choices, reading both answers of each in every context.
"""

from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from idiolect.alignment.decoding.autoregressive import guided
from idiolect.alignment.decoding.protocol import Context, mixing
from idiolect.features.attributes import ATTRIBUTES
from idiolect.generation.encoding.steering import closed
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.token_values import Unfit
from idiolect.models.protocol import Request
from idiolect.schema import Array, as_messages

MOST = 3  # attributes: each is a context of every answer
PAIRS = 6  # the newest
SMALLEST = 0.1  # of w: less is not worth a context
REMEMBERED = 64  # people
Pairs = tuple[tuple[str, str, str], ...]  # prompt, chosen, rejected


class Drift:
    """Decodes with a few attributes, as the person's choices weigh them."""

    family: ClassVar[str] = "decoding"
    beta: ClassVar[float] = 0.5

    def __init__(self, host: Host, unfit: Unfit | None) -> None:
        self._host = host
        self.unfit = unfit
        self._weights = lru_cache(maxsize=REMEMBERED)(self._measured)

    @classmethod
    def open(cls, host: Host) -> Self:
        """For a model that can be opened."""
        return cls(host, closed(host))

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Without choices whose texts are kept, nothing changes."""
        pairs = tuple(each for each in person.choices if each[1] != each[2])[-PAIRS:]
        names = surest(person)
        if person.evidence and names and self.unfit is not None:
            return Prepared(request, notes=(f"Drift was off: {self.unfit.reason}.",))
        if not person.evidence or not pairs or not names:
            return Prepared(request)
        found = dict(zip(names, self._weights(pairs, names), strict=True))
        used = {name: weight for name, weight in found.items() if abs(weight) >= SMALLEST}
        if not used:
            return Prepared(request)
        beside = [Context(self._asking(request, name).messages, request.inside.adapter) for name in used]
        how = guided([weight / self.beta for weight in used.values()])
        words = ", ".join(f"{name} {weight:+.2f}" for name, weight in used.items())
        return mixing(request, beside, how, f"Drift decoded with {words}.")

    def _asking(self, request: Request, name: str) -> Request:
        """s_i, in the place of the system text."""
        return self._host.system_text.add(request, f"Give {ATTRIBUTES[name].high}.")

    def _measured(self, pairs: Pairs, names: tuple[str, ...]) -> tuple[float, ...]:
        """w, of unit length; noughts where no choice tells one attribute from another."""
        model = self._host.inside
        rows = np.zeros((len(pairs), len(names)))
        for at, (prompt, *answers) in enumerate(pairs):
            base = Request(as_messages(prompt))
            lengths = np.array([model.count_tokens(answer) + 1 for answer in answers])
            plain = lengths * model.likelihood(base.messages, answers)
            for column, name in enumerate(names):
                told = lengths * model.likelihood(self._asking(base, name).messages, answers)
                rows[at, column] = np.subtract(*(told - plain))
        return tuple(of_choices(rows).tolist())


def of_choices(differences: Array) -> Array:
    """q of the chosen less q of the rejected, (n, attributes) -> w of unit length."""
    mean = differences.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 0 else mean)


def surest(person: Person) -> tuple[str, ...]:
    """The named attributes that most is believed of, for their sd."""
    sure = {
        name: abs(mean) / sd
        for name, mean, sd in zip(person.names, person.mean, person.sd, strict=True)
        if name in ATTRIBUTES and sd > 0 and mean
    }
    return tuple(sorted(sure, key=lambda name: (-sure[name], name))[:MOST])
