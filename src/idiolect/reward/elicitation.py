"""Which two answers are worth asking about: expected information gain (Houlsby et al., 2011, arXiv 1112.5745).

    EIG = H(E sigma(s)) - E H(sigma(s)),   s = w . (phi_1 - phi_2) ~ N(a, v),   in nats, from 0 to ln 2

The person's weights w are uncertain; a pair whose outcome is certain, or pure noise, tells nothing.
"""

from collections.abc import Sequence

import numpy as np

from idiolect.reward.gaussian import NODES, WEIGHTS, sigmoid
from idiolect.reward.protocol import Belief, PersonalReward
from idiolect.schema import Array


def entropy(p: Array) -> Array:
    """Of a coin with these chances, in nats."""
    inside = np.clip(p, 1e-12, 1 - 1e-12)
    return -inside * np.log(inside) - (1 - inside) * np.log(1 - inside)


def expected_information_gain(a: Array, v: Array) -> Array:
    """Mean a (n,) and variance v (n,) of each difference in reward -> nats (n,) that its answer is expected to tell."""
    p = sigmoid(a[:, None] + np.sqrt(v.clip(0))[:, None] * NODES)
    return (entropy(p @ WEIGHTS) - entropy(p) @ WEIGHTS).clip(0)


def most_telling(reward: PersonalReward, belief: Belief, pairs: Sequence[Array], least: float) -> int | None:
    """Which of these pairs, phi (2, d) each, is expected to tell most; None if none tells at least `least` nats."""
    if not pairs:
        return None
    moments = np.array([reward.difference(belief, pair) for pair in pairs])  # (n, 2)
    gains = expected_information_gain(moments[:, 0], moments[:, 1])
    best = int(np.argmax(gains))
    return best if gains[best] >= least else None


def worth_asking(
    reward: PersonalReward, belief: Belief, phi: Array, shown: int, admitted: Sequence[bool], least: float
) -> int | None:
    """Which admitted answer of phi (n, d) to show beside the shown one: of most gain, if at least `least` nats."""
    moments = np.array([reward.difference(belief, np.stack([phi[shown], other])) for other in phi])  # (n, 2)
    gains = np.where(admitted, expected_information_gain(moments[:, 0], moments[:, 1]), 0.0)
    rival = int(np.argmax(gains))
    return rival if rival != shown and gains[rival] >= least else None
