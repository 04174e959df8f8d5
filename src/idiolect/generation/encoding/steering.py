"""Activation steering: what a person likes is added inside the model (CAA: Panickssery et al., 2023, arXiv 2312.06681).

    h_l += sum_j c_j v_j,   c = t way,   t: the largest with KL(steered || plain) ~ c' F c / 2 <= share budget

from the prompt's last token on. way: the posterior's mean, shrunk where it is unsure (as token values do), each times
what its vector is worth; share: how sure a step that way is one for the better.
Shared: v_j of each named attribute, fitted once per model, each at its own layer; F (`fit_steering`).
Per user: the posterior's mean and sd.  Cold start: the request unchanged.  Cost per token: nil.
"""

from dataclasses import replace
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from idiolect.generation.encoding.vectors import MEND, SteeringVectors
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.token_values import Unfit, reliable, sureness
from idiolect.models import WhiteBox
from idiolect.models.protocol import Request
from idiolect.schema import Array

SHIPPED = "starter.steering.safetensors"
KL_BUDGET = 0.1  # nats a token: what one attribute costs at the end of the range that it was measured on
FARTHEST = 2.0  # coefficient of any one attribute: nothing is known beyond


class Steering:
    """Adds the vectors of what this person likes, as far as their belief is sure."""

    family: ClassVar[str] = "encoding"

    def __init__(self, vectors: SteeringVectors | Unfit, kl_budget: float = KL_BUDGET) -> None:
        self.vectors = vectors
        self.kl_budget = kl_budget

    @classmethod
    def open(cls, host: Host) -> Self:
        """The host's vectors where it names a file, else those that come with the package for the starter."""
        return cls(_vectors(host.steering, host), KL_BUDGET if host.kl_budget is None else host.kl_budget)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Add the personal vectors to those that the request may have."""
        if not person.evidence or not person.mean.any():
            return Prepared(request)
        coefficients = self.coefficients(person)
        if isinstance(coefficients, Unfit):
            return Prepared(request, notes=(f"Steering was off: {coefficients.reason}.",))
        if not coefficients.any():
            return Prepared(request)
        assert isinstance(self.vectors, SteeringVectors)  # there are coefficients
        steering = dict(request.inside.steering)
        for layer, vector in self.vectors.at(coefficients).items():
            steering[layer] = steering.get(layer, np.zeros_like(vector)) + vector
        strength = round(float(np.abs(coefficients).max()), 3)
        return Prepared(replace(request, inside=replace(request.inside, steering=steering)), strength=strength)

    def coefficients(self, person: Person) -> Array | Unfit:
        """c (a,), in units of the vectors."""
        if isinstance(self.vectors, Unfit):
            return self.vectors
        about = self.vectors.about
        at = {name: index for index, name in enumerate(person.names)}
        missing = [name for name in about.names if name not in at]
        if missing:
            return Unfit(f"its vectors are of the attribute {missing[0]!r}, which beliefs no longer have; {MEND}")
        columns = [at[name] for name in about.names]
        mean, sd = person.mean[columns], person.sd[columns]
        worth = np.array([each.correlation for each in about.attributes.values()]).clip(0)
        way: Array = reliable(mean, sd) * worth
        largest = float(np.abs(way).max(initial=0.0))
        if largest == 0.0:
            return way
        budget = self.kl_budget * sureness(mean, sd, way * worth)
        cost = self.vectors.kl(way)
        return np.asarray(way * min(np.sqrt(budget / cost) if cost > 0 else np.inf, FARTHEST / largest))


def closed(host: Host) -> Unfit | None:
    """Why nothing can be changed inside the host's model, if so."""
    if isinstance(host.model, WhiteBox) or host.opened is not None:
        return None
    return Unfit(f"{host.model.name} is not open here; it needs a model named transformers:NAME")


def _vectors(named: Path | None, host: Host) -> SteeringVectors | Unfit:
    vectors = _shipped() if named is None else SteeringVectors.load(named)
    if vectors.about.fingerprint != host.model.fingerprint:
        return Unfit(f"there are no vectors for the model {host.model.name}; {MEND}")
    if vectors.about.space != host.space:
        return Unfit(f"its vectors are of another version of the preference space ({vectors.about.space}); {MEND}")
    return closed(host) or vectors


@lru_cache(maxsize=1)
def _shipped() -> SteeringVectors:
    with as_file(files("idiolect.resources") / SHIPPED) as path:
        return SteeringVectors.load(path)
