"""Scripted models that can judge: they read the two answers of the judge's question and go by a plain rule."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import exp, log
from typing import TypeAlias

from idiolect.models.protocol import Request
from idiolect.models.scripted import Scripted
from idiolect.schema import Completion

Rule: TypeAlias = Callable[[str, str, str], float]  # what is known of the person, answer 1, answer 2 -> chance of 1

ASKED = re.compile(r"(.*)Answer 1:\n(.*?)\n\nAnswer 2:\n(.*?)\n\n([^\n]*)\Z", re.DOTALL)


@dataclass
class Reader(Scripted):
    """Judges by its rule. `tells` says whether it gives log-probabilities, `writes` what it says beside a verdict."""

    rule: Rule
    tells: bool = True
    writes: str = "They like what is short."
    confidence: int = 90
    name: str = "reader"
    seen: list[str] = field(default_factory=list)  # every request's text, to look for what must not be in it

    def _completion(self, request: Request, index: int) -> Completion:
        text = request.messages[-1].text
        self.seen.append(text)
        parts = ASKED.search(text)
        if parts is None:
            return Completion(text=self.writes, finish_reason="stop", prompt_tokens=1, completion_tokens=1)
        known, first, second, ask = parts.groups()
        chance = self.rule(known, first, second)
        answer = "1" if chance > 0.5 else "2"
        said = f"{self.writes}\nVerdict: {answer}" if "Verdict" in ask else answer
        if "response_format" in request.extra:
            said = f'{{"answer": {answer}, "confidence": {self.confidence}}}'
        nats = {"1": log(chance) - 1, "2": log(1 - chance) - 1, " the": log(1 - exp(-1))} if self.tells else {}
        told = nats if request.extra.get("top_logprobs") else {}
        return Completion(text=said, finish_reason="stop", prompt_tokens=1, completion_tokens=1, first_token=told)


def shorter(known: str, first: str, second: str) -> float:
    """Whoever it is, the shorter answer, at odds of 4 to 1."""
    return 0.8 if len(first) < len(second) else 0.2 if len(first) > len(second) else 0.5


def the_first(known: str, first: str, second: str) -> float:
    """A judge that looks at the place alone."""
    return 0.9


def told_of_short(known: str, first: str, second: str) -> float:
    """Only who is known to like what is short gets what is short; else the first."""
    return shorter(known, first, second) if "short" in known else 0.9
