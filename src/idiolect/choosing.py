"""Bound, then choose: what the boundary says of each answer, what the person's reward says, and which is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from idiolect.alignment.decoding import CHOOSERS
from idiolect.boundary import Boundary
from idiolect.reward.judged import Judged
from idiolect.reward.protocol import PersonalReward
from idiolect.schema import Array, Preference, Verdict
from idiolect.turn import Stopwatch, Turn, matched


@dataclass(frozen=True)
class Choosing:
    """How answers to one prompt are judged, by whoever asks: the loop at the end, an agent while it writes."""

    boundary: Boundary
    reward: PersonalReward
    told: Callable[[Sequence[Preference], str, Sequence[str]], Array]  # what statements add to answers, (m, n)
    kappa: float

    def judged(self, turn: Turn, texts: Sequence[str], phi: Array, watch: Stopwatch) -> Judged:
        """The boundary sees the client's own messages and the texts; only what it admits can be chosen."""
        with watch.step("bound"):
            verdicts = self._verdicts(turn, texts)
            admitted = [
                verdict.score >= self.boundary.tau for verdict in verdicts
            ]  # before the choice: no r_u outbids r_0
        with watch.step("choose"):
            told = self._told(turn, texts)
            scores = matched(self.reward.score(turn.belief, phi), told)
            chosen = CHOOSERS[turn.chooser](scores, admitted, self.kappa)
            return Judged(phi, tuple(verdicts), tuple(admitted), told, scores, chosen)

    def _verdicts(self, turn: Turn, texts: Sequence[str]) -> list[Verdict]:
        """Each text of a turn is judged once: a guard may be far away."""
        fresh = [text for text in dict.fromkeys(texts) if text not in turn.verdicts]
        turn.verdicts |= zip(fresh, self.boundary.admit(turn.messages, fresh), strict=True)
        return [turn.verdicts[text] for text in texts]

    def _told(self, turn: Turn, texts: Sequence[str]) -> Array:
        """Nothing is chosen of one answer, but an agent is told what is wrong with it."""
        if len(texts) < 2 and turn.workflow is None:
            return np.zeros((len(turn.statements), len(texts)))
        return self.told(turn.statements, turn.prompt, texts)
