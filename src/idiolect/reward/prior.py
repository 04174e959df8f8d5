"""The population prior over the weights of the preference space: sparse tastes, and tastes that come together.

    w = l_own + V' l_facet,   each l_j ~ Student-t(nu) with scale s_j

Most people care about a few things much and about the rest hardly, hence the heavy tails. And tastes come in facets:
who wants plain words wants short ones, common ones and no jargon. A facet's weight moves all its attributes together,
so that four choices can tell what forty weights could not; each attribute's own weight then departs from it.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from idiolect.features.space import PreferenceSpace
from idiolect.schema import Array

Sign: TypeAlias = Literal[-1, 1]

# Which attributes rise (1) and fall (-1) together. What a word means, not what a data set shows.
FACETS: dict[str, dict[str, Sign]] = {
    "learned words": {
        "word_length": 1,
        "long_words": 1,
        "grade": 1,
        "rare_words": 1,
        "jargon": 1,
        "formality": 1,
        "sentence_length": 1,
    },
    "much of it": {"length": 1, "paragraphs": 1, "list_items": 1},
    "laid out": {"list_items": 1, "headings": 1, "emphasis": 1, "steps": 1, "paragraphs": 1},
    "warm company": {
        "warmth": 1,
        "empathy": 1,
        "positivity": 1,
        "enthusiasm": 1,
        "exclamations": 1,
        "you": 1,
        "politeness": 1,
        "humour": 1,
        "emoji": 1,
        "contractions": 1,
        "formality": -1,
    },
    "things one can picture": {"examples": 1, "analogies": 1, "vividness": 1, "storytelling": 1, "numbers": 1},
    "caution": {"hedging": 1, "caveats": 1, "contrast": 1, "certainty": -1},
    "conversation": {"first_person": 1, "we": 1, "you": 1, "questions": 1, "closing_offer": 1},
}
ATTRIBUTE_SCALE = 0.3
FACET_SCALE = 0.25
EMBEDDING_SCALE = 0.3
TAIL = 1.0  # nu: the degrees of freedom of the Student-t


@dataclass(frozen=True)
class Prior:
    """Scales (k,) of the latent weights l, and the lift (k, d) by which w = centre + lift' l.

    `tail` is nu; infinity makes l Gaussian. The centre is one of `centres` (c, d), with chances `shares` (c,): kinds of
    people where they were learnt, else 0 alone.
    """

    scales: Array
    lift: Array
    tail: float = TAIL
    centres: Array = field(default_factory=lambda: np.zeros((0, 0)))
    shares: Array = field(default_factory=lambda: np.ones(1))

    def __post_init__(self) -> None:
        if not len(self.centres):
            object.__setattr__(self, "centres", np.zeros((1, self.lift.shape[1])))

    @classmethod
    def independent(cls, scales: Array, tail: float = TAIL) -> "Prior":
        """No facets: each of the d weights for itself."""
        return cls(scales, np.eye(len(scales)), tail)

    def beside(self, scale: float) -> "Prior":
        """With one more weight, last, that hangs together with none of these."""
        k, d = self.lift.shape
        lift = np.zeros((k + 1, d + 1))
        lift[:k, :d], lift[k, d] = self.lift, 1.0
        return Prior(
            np.append(self.scales, scale), lift, self.tail, np.pad(self.centres, ((0, 0), (0, 1))), self.shares
        )

    @property
    def covariance(self) -> Array:
        """(d, d) of w around its centre, the scales taken for standard deviations."""
        return np.asarray((self.lift.T * self.scales**2) @ self.lift)


def shipped_prior(space: PreferenceSpace) -> Prior:
    """The prior that comes with the package, for the space's own directions."""
    own = np.where(np.arange(space.dim) < space.attributes, ATTRIBUTE_SCALE, EMBEDDING_SCALE)
    facets = np.array([[facet.get(name, 0) for name in space.names] for facet in FACETS.values()], dtype=np.float64)
    return Prior(np.append(own, np.full(len(FACETS), FACET_SCALE)), np.vstack([np.eye(space.dim), facets]))
