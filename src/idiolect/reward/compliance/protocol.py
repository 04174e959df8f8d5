"""Whether answers respect statements: P(respects | statement, question, answer), and what it is worth in a choice.

    score(y) = sum over statements s of  weight(s) (2 P(s, y) - 1)

so that an answer that neither respects nor breaks anything has 0, and so has every answer where nothing was said.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np

from idiolect.schema import Array, Preference, Slots

Claim: TypeAlias = Slots | Preference  # a statement, as it was read or as it is held

WEIGHTS: Final[Mapping[str, float]] = {  # in logits of a choice between two answers
    "constraint": 3.0,  # what must not be broken outweighs what is merely liked
    "topic": 1.0,
    "style": 0.0,  # the form of answers is the preference space's business
    "about_me": 0.0,  # a fact about the person is nothing that an answer has to respect
}


class Compliance(ABC):
    """One way to tell. Safe to call from many threads at once."""

    @abstractmethod
    def respects(self, statements: Sequence[Claim], prompt: str, answers: Sequence[str]) -> Array:
        """(m, n): the probability that each of n answers respects each of m statements."""

    def contributions(self, statements: Sequence[Claim], prompt: str, answers: Sequence[str]) -> Array:
        """(m, n): what each statement adds to each answer's score; those without a weight are not looked at."""
        found = np.zeros((len(statements), len(answers)))
        weights = np.array([weight(each) for each in statements])
        heavy = [index for index, each in enumerate(weights) if each]
        if heavy and answers:
            p = self.respects([statements[index] for index in heavy], prompt, answers)
            found[heavy] = weights[heavy, None] * (2 * p - 1)
        return found

    def score(self, statements: Sequence[Claim], prompt: str, answers: Sequence[str]) -> Array:
        """(n,): how well each answer matches all that was said; zeros where nothing was."""
        return np.asarray(self.contributions(statements, prompt, answers).sum(axis=0))


def weight(said: Claim) -> float:
    """How much a statement counts: by its kind, how strongly it was put, and how sure it is."""
    if not said.object.strip():
        return 0.0
    confidence = said.confidence if isinstance(said, Preference) else 1.0
    return WEIGHTS[said.kind] * said.strength * confidence
