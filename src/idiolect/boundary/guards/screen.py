"""A guard as a screen of the boundary: asked last, once for a request and once for each answer."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from idiolect.boundary.guards.protocol import Guard, spoken
from idiolect.boundary.policy import Policy
from idiolect.boundary.screens import UNCHECKED, Finding
from idiolect.errors import IdiolectError, PolicyError
from idiolect.schema import Message

Fails: TypeAlias = Literal["closed", "open"]


class GuardScreen:
    """What a guard says. One that can't be asked lets nothing through (`closed`) or all (`open`); a verdict says so."""

    def __init__(self, guard: Guard, policy: Policy, fails: Fails) -> None:
        unknown = sorted(guard.categories - {each.name for each in policy.category})
        if unknown:
            raise PolicyError(f"the policy lacks the category {unknown[0]!r}, which {guard.name} names: add it")
        self.name = guard.name
        self._guard, self._fails = guard, fails

    def read(self, messages: Sequence[Message]) -> "GuardReading":
        """Nothing is asked yet."""
        return GuardReading(self, messages)

    def asked(self, messages: Sequence[Message], answer: str | None) -> list[Finding]:
        """One finding for each category of which the guard sees a risk."""
        try:
            risks = self._guard.risks(messages, answer)
        except IdiolectError:
            return [Finding(UNCHECKED, float(self._fails == "closed"), f"{self.name} could not be asked")]
        return [Finding(category, risk, self.name) for category, risk in risks.items() if risk > 0]


class GuardReading:
    """A conversation that a guard may be asked about."""

    def __init__(self, screen: GuardScreen, messages: Sequence[Message]) -> None:
        self._screen, self._messages = screen, messages

    def request(self) -> list[Finding]:
        """What the person asks for."""
        return self._screen.asked(self._messages, None) if spoken(self._messages) else []

    def answer(self, answer: str) -> list[Finding]:
        """What an answer gives, in the light of the request."""
        return self._screen.asked(self._messages, answer) if answer.strip() else []

    def draft(self, answer: str) -> list[Finding]:
        """Nothing: an endpoint is not quick."""
        return []
