"""What was inferred with a person's consent, as evidence: the same kinds as what they do on purpose, but weak.

Each piece's weight, a likelihood power, has faded with its age (memory/inference/counting.py).
"""

from typing import Final

import numpy as np

from idiolect.features.space import PreferenceSpace
from idiolect.reward.evidence import unit
from idiolect.reward.protocol import Chosen, Said
from idiolect.schema import Array, SignalKind

# What is seen done with an answer: how far its reward is taken to lie from the middle, and the precision of that. A
# rating of 4 says that it lies between 1 and 3.
SEEN: Final[dict[SignalKind, tuple[float, float]]] = {
    "copied": (0.5, 0.1),
    "regenerated": (-0.5, 0.1),
    "abandoned": (-0.5, 0.05),
}


def kept(chosen: Array, over: Array, weight: float) -> Chosen:
    """An answer phi (d,) was kept where another to the same prompt was not."""
    return Chosen(np.stack([chosen, over]), weight=weight)


def seen(phi: Array, what: SignalKind, share: float) -> Said:
    """An answer phi (d,) was copied, asked for again, or left."""
    target, precision = SEEN[what]
    return Said(phi, target, 1 / (precision * share))


def leaning(attribute: str, target: float, precision: float, space: PreferenceSpace) -> Said:
    """An attribute's weight as the person's own writing shows it."""
    return Said(unit(space, attribute), target, 1 / precision)
