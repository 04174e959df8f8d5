"""Which two answers to ask about, and whether it is worth it.

    narrowing = |S delta|^2 (v - E v') / v^2,   s = w . delta ~ N(a, v),   delta = phi_1 - phi_2,   w ~ N(m, S)

Of pairs, that one is asked about by whose answer the weights' variances are expected to shrink most, all together
(A-optimality; Chaloner and Verdinelli, 1995, section 2.2); v' is the variance of s after the answer. The entropy of w,
which D-optimality and information gain take, counts directions in which answers hardly differ like any other, and a
person of few choices is known in none of them. Whether a pair is worth a person's time at all is a matter of the
expected information gain (Houlsby et al., 2011, arXiv 1112.5745), which has a scale of its own:

    EIG = H(E sigma(s)) - E H(sigma(s)),   in nats, from 0 to ln 2

The person's weights w are uncertain; a pair whose outcome is certain, or pure noise, tells nothing.

A person's patience is spent by being asked, and most by being asked in vain: the gain that is demanded rises,

    demanded = least (1 + SHOWN s + IGNORED i^2),   s = sum over pairs shown of 2 ** (-turns since / HALF_LIFE_TURNS)

with i the same sum over those alone that no choice and no tie followed, since the last that was answered. So one pair
in vain matters little, several in a row do, and patience comes back by itself, turn by turn.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from idiolect.reward.gaussian import NODES, WEIGHTS
from idiolect.reward.protocol import Belief, PersonalReward, sigmoid
from idiolect.schema import Array

HALF_LIFE_TURNS = 8.0  # in which a pair that was shown is half forgiven
SHOWN = 0.05  # whoever answers at every turn is asked at every turn that tells half as much again as the least
IGNORED = 2.0  # after one in vain nearly three times the least is demanded, after two seven times
AFTER_A_CHANGE = 0.25  # share of the least that is demanded of the pair that is to confirm a change of taste
CONFIRM = "Your last choices differ from earlier ones: which do you like better now?"


def entropy(p: Array) -> Array:
    """Of a coin with these chances, in nats."""
    inside = np.clip(p, 1e-12, 1 - 1e-12)
    return -inside * np.log(inside) - (1 - inside) * np.log(1 - inside)


def expected_information_gain(a: Array, v: Array) -> Array:
    """Mean a (n,) and variance v (n,) of each difference in reward -> nats (n,) that its answer is expected to tell."""
    p = sigmoid(a[:, None] + np.sqrt(v.clip(0))[:, None] * NODES)
    return (entropy(p @ WEIGHTS) - entropy(p) @ WEIGHTS).clip(0)


def expected_narrowing(a: Array, v: Array, reach: Array) -> Array:
    """Mean a, variance v and reach of each difference in reward, (n,) -> what its answer takes off all variances."""
    s = a[:, None] + np.sqrt(v.clip(0))[:, None] * NODES
    left = np.zeros(len(a))
    for side in (s, -s):
        mass = WEIGHTS * sigmoid(side)
        chance = mass.sum(axis=1)
        mean = (mass * s).sum(axis=1) / chance
        left += (mass * s**2).sum(axis=1) - chance * mean**2
    return np.asarray(reach * (v - left).clip(0) / v.clip(1e-12) ** 2)


def narrowing(reward: PersonalReward, belief: Belief, pairs: Iterable[Array]) -> Array:
    """(n,): what asking about each of these pairs, phi (2, d), is expected to take off all variances."""
    found = np.array([(*reward.difference(belief, pair), reward.reach(belief, pair)) for pair in pairs])
    return expected_narrowing(found[:, 0], found[:, 1], found[:, 2])


def most_telling(reward: PersonalReward, belief: Belief, pairs: Sequence[Array], least: float) -> int | None:
    """Of pairs, phi (2, d) each, that tell at least `least` nats, the one that narrows most; None if none does."""
    if not pairs:
        return None
    moments = np.array([reward.difference(belief, pair) for pair in pairs])  # (n, 2)
    tells = expected_information_gain(moments[:, 0], moments[:, 1]) >= least
    best = int(np.argmax(np.where(tells, narrowing(reward, belief, pairs), -1.0)))
    return best if tells[best] else None


def worth_asking(
    reward: PersonalReward, belief: Belief, phi: Array, shown: int, admitted: Sequence[bool], least: float
) -> int | None:
    """Which admitted answer of phi (n, d) to show beside the shown one: as `most_telling`."""
    rivals = [at for at, allowed in enumerate(admitted) if allowed and at != shown]
    found = most_telling(reward, belief, [phi[[shown, at]] for at in rivals], least)
    return None if found is None else rivals[found]


def recent(ages: Iterable[int]) -> float:
    """Pairs shown so many turns ago (1: the last turn), as a number that fades."""
    return float(sum(2.0 ** (-age / HALF_LIFE_TURNS) for age in ages))


def patience(shown: float, ignored: float) -> float:
    """What the least gain is multiplied by after pairs that were shown, and those in vain, as `recent` counts them."""
    return 1.0 + SHOWN * shown + IGNORED * ignored**2
