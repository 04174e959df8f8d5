"""Best-of-N under a lower confidence bound, inside the boundary (Beirami et al., 2024, arXiv 2401.01879).

    y* = argmax over {y_i : r_0(x, y_i) >= tau} of  m . phi_i - kappa sqrt(phi_i' S phi_i),   phi centred

Shared: nothing.  Per user: m, S.  With one candidate, or no evidence, the first admitted draw.
"""

from collections.abc import Sequence

import numpy as np

from idiolect.reward.protocol import Scores


def best(scores: Scores, admitted: Sequence[bool], kappa: float) -> int | None:
    """The index of the chosen answer among n, or None when the boundary admits none of them.

    A reward can only order what was admitted: no weight, however large, makes an answer below tau win.
    """
    allowed = np.flatnonzero(np.asarray(admitted, dtype=bool))
    if not len(allowed):
        return None
    bound = scores.mean - kappa * scores.sd
    if not np.any(scores.mean):
        return int(allowed[0])  # nothing is believed yet: uncertainty alone must not choose
    return int(allowed[np.argmax(bound[allowed])])
