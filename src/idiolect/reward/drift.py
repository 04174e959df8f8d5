"""Tastes that change: old evidence fades, and a change that the choices show makes what came before count less.

Fading is a power prior (Ibrahim and Chen, 2000): the likelihood of a piece that is `age` old has the power
2 ** (-age / half-life), so that a belief returns to the prior by itself. Statements never fade.

A change is told by a CUSUM test (Page, 1954) on each choice's log-likelihood ratio,

    S_t = max(0, S_{t-1} + log p(c_t | since S was last 0) - log p(c_t | all before)),   alarm at S_t > h

On an alarm what came before the change has the power `CHANGED` once. Nothing is erased. The test runs over the pieces
in the order of their times, so a rebuild needs no state, and the order in which they are given does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from idiolect.reward.protocol import Chosen, Evidence, PersonalReward, Rated, Said, Tied

HALF_LIFE_DAYS = 90.0  # of what was done; what was said does not fade
CHANGED = 0.1  # power of what came before a change
THRESHOLD = 4.0  # h: steady simulated people alarm about .6 times in 150 choices, flipped ones after some 8
LEAST_POWER = 0.01  # a piece of less is left out


@dataclass(frozen=True)
class Drift:
    """Which pieces count how much, in the order of time, and how many of them came since the newest change."""

    evidence: tuple[Evidence, ...]
    changes: int
    since: int | None  # judgements since the newest alarm; None where there was none


def followed(reward: PersonalReward, evidence: Sequence[Evidence], now: datetime) -> Drift:
    """The evidence with the powers that time and change have left it; pieces without a time are as of today."""
    words = [piece for piece in evidence if isinstance(piece, Said)]
    judged = sorted(
        (_faded(piece, now) for piece in evidence if not isinstance(piece, Said)), key=lambda piece: piece.at or now
    )
    alarms = changes(reward, judged)
    for alarm in alarms:
        judged = [
            replace(piece, weight=piece.weight * CHANGED) if at < alarm.began else piece
            for at, piece in enumerate(judged)
        ]
    kept = [piece for piece in judged if piece.weight >= LEAST_POWER]
    since = len(judged) - 1 - alarms[-1].told if alarms else None
    return Drift((*kept, *words), len(alarms), since)


@dataclass(frozen=True)
class Alarm:
    """A change: the piece with which it began, and the one with which it was told."""

    began: int
    told: int


def changes(reward: PersonalReward, judged: Sequence[Evidence]) -> list[Alarm]:
    """The changes that these pieces, in the order of time, show."""
    found = list[Alarm]()
    long, since, began, total = reward.prior(), reward.prior(), 0, 0.0
    for at, piece in enumerate(judged):
        if isinstance(piece, Chosen) and len(piece.phi) == 2:
            ratio = reward.probability(since, piece.phi, piece.asked) / reward.probability(long, piece.phi, piece.asked)
            total += float(np.log(ratio))
        if total <= 0:
            total, since, began = 0.0, reward.prior(), at + 1
        else:
            since = reward.update(since, piece)
        long = reward.update(long, piece)
        if total > THRESHOLD:
            found.append(Alarm(began, at))
            before = [
                replace(each, weight=each.weight * CHANGED) for each in judged[:began] if not isinstance(each, Said)
            ]
            long, since, total = reward.rebuild([*before, *judged[began : at + 1]]), reward.prior(), 0.0
            began = at + 1
    return found


def _faded(piece: Chosen | Tied | Rated, now: datetime) -> Chosen | Tied | Rated:
    """Of whole days, so that what is believed does not change from minute to minute."""
    days = max((now - piece.at).days, 0) if piece.at else 0
    return replace(piece, weight=piece.weight * 2.0 ** (-days / HALF_LIFE_DAYS)) if days else piece
