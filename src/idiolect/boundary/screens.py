"""What a screen is: it reads a conversation once and says what it finds in the request and in any number of answers.

Rules over normalised text (`rules.py`) need nothing; with an embedder, trained heads judge beside them (`trained.py`);
guard models and judges may be asked besides (`guards/`). Every screen tells a risk on one scale, where one half is the
line at which it would act alone; the boundary keeps the gravest finding of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from idiolect.schema import Message

LINE = 0.5  # r_0 of a text whose risk is exactly its category's threshold
UNCHECKED = "unchecked"  # in a category's place, where a screen could not be asked


@dataclass(frozen=True)
class Finding:
    """What a screen found in one category: a risk in [0, 1] and the rule that weighed most."""

    category: str
    risk: float
    rule: str

    def times(self, factor: float) -> "Finding":
        """The same, with another weight."""
        return replace(self, risk=min(1.0, self.risk * factor))


class Reading(Protocol):
    """One conversation as one screen understood it."""

    def request(self) -> list[Finding]:
        """What the person asks for."""

    def answer(self, answer: str) -> list[Finding]:
        """What an answer gives, in the light of the request."""

    def draft(self, answer: str) -> list[Finding]:
        """The same at once, as far as it can be seen in an answer that is still being written."""


class Screen(Protocol):
    """Judges conversations. It gets the client's own messages, and nothing that Idiolect added. Thread-safe."""

    name: str

    def read(self, messages: Sequence[Message]) -> Reading:
        """Understand the request once, for as many answers as come."""


def r_0(risk: float, threshold: float) -> float:
    """Risk 0 is 1, risk 1 is 0, and the category's threshold is LINE; straight lines between."""
    if risk <= threshold:
        return 1 - (1 - LINE) * risk / threshold
    return LINE * (1 - risk) / (1 - threshold)
