"""Which kinds of inference a person allows, and since when.

Allowed again after it was taken back, inference begins anew: what rests on an earlier consent stays without effect.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from idiolect.schema import Consent, Inference, Inferred


class Allowed(NamedTuple):
    """A consent in force."""

    consent: str  # id of its event
    seq: int
    since: datetime


@dataclass
class Consents:
    """Those in force, by kind."""

    allowed: dict[Inference, Allowed] = field(default_factory=dict)

    def take(self, event: Consent, seq: int) -> None:
        """Given while it is in force, it changes nothing."""
        if not event.given:
            self.allowed.pop(event.inference, None)
        elif event.inference not in self.allowed:
            self.allowed[event.inference] = Allowed(event.id, seq, event.at)

    def covers(self, inferred: Inferred | None) -> bool:
        """Whether what this rests on is in force."""
        held = self.allowed.get(inferred.by) if inferred is not None else None
        return held is not None and inferred is not None and held.consent == inferred.consent

    def copy(self) -> "Consents":
        """One that can change while this one stays."""
        return Consents(dict(self.allowed))
