"""Steering by a context: what the profile adds to the model's words, counted more than once (He et al., 2024,
arXiv 2405.01768; linear alignment: Gao et al., 2024, arXiv 2401.11458; Amulet: Zhang et al., 2025, arXiv 2502.19148).

    log p(v) = l(v | C, x) + s [l(v | C, x) - l(v | x)] + const,   l: log-probabilities, C: the profile

One family with three presets of s: context-steering, where s is the paper's lambda; linear-alignment, the self-contrast
of its one step; and amulet, whose sixty rounds of a two-player game are affine in the log-probabilities, so that they
are one number, `amulet_strength`. Tokens must be in the nucleus of l(. | C, x).
s = 0 is the answer with the profile, s = -1 the answer without it.
Shared: nothing.  Per user: the profile.  Cold start: the request unchanged.  Cost: a second context in the same batch.
"""

from typing import ClassVar

from idiolect.alignment.decoding.blend import Blend
from idiolect.alignment.decoding.by_profile import ByProfile
from idiolect.alignment.decoding.protocol import Context, mixing
from idiolect.generation.protocol import Person, Prepared
from idiolect.models.protocol import Request

ROUNDS, ETA, ALPHA, LAMBDA = 60, 10.0, 2.0, 2.0  # the defaults of Amulet's code


def amulet_strength(rounds: int = ROUNDS, eta: float = ETA, alpha: float = ALPHA, lam: float = LAMBDA) -> float:
    """s after so many rounds of Amulet's update.

    c_1 = 0,  c_(t+1) = [ (1/t) sum_(s<=t) alpha (1 + c_s) + c_t / (eta t) ] / [ lambda + 1 / (eta t) ]
    """
    c = total = 0.0
    for t in range(1, rounds + 1):
        total += alpha * (1.0 + c)
        c = (total / t + c / (eta * t)) / (lam + 1.0 / (eta * t))
    return c


class ContextSteering(ByProfile):
    """Puts the profile into the request, and the request as it was beside it."""

    called: ClassVar[str] = "Context steering"
    strength: ClassVar[float] = 1.5  # lambda; the paper tries -1 to 3
    nucleus: ClassVar[float] = 0.95  # of the answer with the profile: beyond it a contrast raises what nobody would say

    def _together(self, request: Request, told: Request, person: Person) -> Prepared:
        how = Blend((1.0 + self.strength, -self.strength), self.nucleus)
        note = f"{self.called} counted what the profile adds {1 + self.strength:.2f} times."
        return mixing(told, [Context(request.messages, request.inside.adapter)], how, note)


class LinearAlignment(ContextSteering):
    """The same by the preset of linear alignment: 2 in Amulet's comparison (3 in its own script)."""

    called = "Linear alignment"
    strength = 2.0


class Amulet(ContextSteering):
    """The same by the preset of Amulet: some 4.6."""

    called = "Amulet"
    strength = amulet_strength()
