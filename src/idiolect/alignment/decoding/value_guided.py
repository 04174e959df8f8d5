"""Value-guided decoding on the model's own hidden state (Controlled Decoding: Mudgal et al., 2023, arXiv 2310.17022;
VAS: Han et al., 2024, arXiv 2405.06639).

    p(v) ~ pi(v | s) exp(b A_u(s, v)),   A_u = sum_j m_j A_j,   b: such that KL(p || pi) ~ share budget

A_j(s, v): what the attribute j of the whole answer is expected to gain by the token v in the state s (`fit_values`). It
is linear in the person's weights, so that one fit serves everybody, and reads the state that the model has computed
anyway: no second model, and no look ahead.
Shared: A_j.  Per user: the posterior's mean, shrunk where it is unsure.  Cold start: the request unchanged.
Cost: a product of the vocabulary with some eighty numbers for each token.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from idiolect.alignment.decoding.protocol import adding
from idiolect.alignment.decoding.value_table import MEND, Values
from idiolect.generation.encoding.steering import closed
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.token_values import CLAMP, Unfit, reliable, sureness
from idiolect.models.inside import Step
from idiolect.models.protocol import Request
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor

KL_BUDGET = 0.05  # nats a token
STRONGEST = 30.0  # b


@dataclass(frozen=True)
class Guide:
    """An addition: b A_u on the logits."""

    values: Values
    matrix: Array  # (1 + p, q): b times the person's

    def added(self, logits: "Tensor", step: Step) -> "Tensor":
        """(n, V) -> (n, V)."""
        tokens, centre, projection = self.values.tensors(logits)
        matrix = logits.new_tensor(self.matrix)
        state = (step.hidden[0].to(logits.dtype) - centre) @ projection
        coefficients = matrix[0] + state @ matrix[1:]  # (n, q)
        worth = coefficients @ tokens  # (n, V)
        return logits + worth.clamp(-CLAMP, CLAMP)


class ValueGuided:
    """Raises the tokens that promise more of what this person likes."""

    family: ClassVar[str] = "decoding"

    def __init__(self, values: Values | Unfit, kl_budget: float = KL_BUDGET) -> None:
        self.values = values
        self.kl_budget = kl_budget

    @classmethod
    def open(cls, host: Host) -> Self:
        """The values that the host names."""
        return cls(_values(host), KL_BUDGET if host.kl_budget is None else host.kl_budget)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """With nothing believed the request is returned unchanged."""
        if not person.evidence or not person.mean.any():
            return Prepared(request)
        found = self.weights(person)
        if isinstance(found, Unfit):
            return Prepared(request, notes=(f"Values were off: {found.reason}.",))
        if not found.any():
            return Prepared(request)
        assert isinstance(self.values, Values)  # there are weights
        guide = Guide(self.values, self.values.of(found))
        return Prepared(adding(request, guide), strength=round(float(np.abs(found).max()), 3))

    def weights(self, person: Person) -> Array | Unfit:
        """b m (a,), of the table's attributes."""
        if isinstance(self.values, Unfit):
            return self.values
        names = self.values.about.names
        at = {name: index for index, name in enumerate(person.names)}
        missing = [name for name in names if name not in at]
        if missing:
            return Unfit(f"they are of the attribute {missing[0]!r}, which beliefs no longer have; {MEND}")
        columns = [at[name] for name in names]
        mean, sd = person.mean[columns], person.sd[columns]
        known = np.array([self.values.about.correlation[name] for name in names]).clip(0)
        way: Array = reliable(mean, sd) * known
        cost = self.values.kl(way)
        if cost <= 0:
            return np.zeros_like(way)
        budget = self.kl_budget * sureness(mean, sd, self.values.fisher @ way)
        return np.asarray(way * min(np.sqrt(budget / cost), STRONGEST))


def _values(host: Host) -> Values | Unfit:
    if host.values is None:
        return Unfit("none were fitted; `idiolect models fit-values` does, and the setting `values` names them")
    values = _loaded(host.values, host.values.stat().st_mtime_ns if host.values.exists() else 0)
    if values.about.fingerprint != host.model.fingerprint:
        return Unfit(f"they are of another model than {host.model.name}; {MEND}")
    if values.about.space != host.space:
        return Unfit(f"they are of another version of the preference space ({values.about.space}); {MEND}")
    return closed(host) or values


@lru_cache(maxsize=2)
def _loaded(path: Path, _: int) -> Values:
    return Values.load(path)
