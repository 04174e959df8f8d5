"""Soft best-of-N: one of the N admitted answers is drawn, the more reward the likelier (Verdun et al., 2505.03156).

    p(y_i) ~ exp(b_i / beta) over {y_i : r_0(x, y_i) >= tau},   b_i = m . phi_i - kappa sqrt(phi_i' S phi_i)

beta -> 0 is best-of-N, beta -> infinity the model itself. It keeps answers diverse where best-of-N would always say the
same. The draw follows from the scores, so that a turn that is replayed shows the same answer.
Shared: nothing.  Per user: m, S.  With one candidate, or no evidence, the first admitted draw.
"""

from collections.abc import Sequence

import numpy as np

from idiolect.reward.protocol import Scores
from idiolect.schema import Array

BETA = 0.5  # logits: an answer that would be preferred by 2 to 1 is four times as likely
EXTREME = 1e6  # rewards beyond it, and such that are no numbers, are taken for it


def soft(scores: Scores, admitted: Sequence[bool], kappa: float) -> int | None:
    """The index of the drawn answer among n, or None when the boundary admits none of them."""
    allowed = np.flatnonzero(np.asarray(admitted, dtype=bool))
    if not len(allowed):
        return None
    if not np.any(scores.mean):
        return int(allowed[0])  # nothing is believed yet, and the answers come in random order
    rng = np.random.default_rng(np.frombuffer(np.ascontiguousarray(scores.mean).tobytes(), np.uint8))
    return int(rng.choice(len(scores.mean), p=probabilities(scores, admitted, kappa)))


def probabilities(scores: Scores, admitted: Sequence[bool], kappa: float, beta: float = BETA) -> Array:
    """(n,) with which each answer is drawn; 0 for those that are not admitted, of which at least one must be."""
    bound = np.nan_to_num(scores.mean - kappa * scores.sd, nan=-EXTREME).clip(-EXTREME, EXTREME)
    tilted = np.where(np.asarray(admitted, dtype=bool), bound / beta, -np.inf)
    weights = np.exp(tilted - tilted.max())
    return np.asarray(weights / weights.sum())
