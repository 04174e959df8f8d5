"""MOD: several experts decode together, each by its weight (Shi et al., 2024, arXiv 2406.18853).

    pi_w = argmax sum_i w_i E R_i - beta D_f(pi || pi_ref)  where  pi_i = argmax E R_i - beta D_f(pi || pi_ref)
    reverse KL:  log p = sum_i w_i log p_i     alpha-divergence:  log p = -(1/a) log sum_i w_i p_i^-a   (forward KL: 1)

up to a constant, and token by token, by which the best policy over whole answers is only approached.
Shared: the experts of personalized soups (`generation/parameters/soups.py`): their distributions are mixed here, not
their weights.  Per user: w.  Cold start: the request unchanged.  Cost: a context for each expert, in one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING, ClassVar

from idiolect.alignment.decoding.blend import Blend
from idiolect.alignment.decoding.protocol import Context, Mixing, mixing
from idiolect.generation.parameters.soups import ByExperts, Share
from idiolect.generation.protocol import Prepared
from idiolect.models.protocol import Request

if TYPE_CHECKING:
    from torch import Tensor

FORWARD_KL = 1.0  # alpha


@dataclass(frozen=True)
class Power:
    """A mixing: the power mean of distributions, of exponent -alpha."""

    weights: tuple[float, ...]  # not negative; those of the alpha-divergence need no sum
    alpha: float

    def mixed(self, said: "Tensor") -> "Tensor":
        """(contexts, n, V) -> (n, V); a context of weight 0 is left out."""
        used = [(w, logits.log_softmax(-1)) for w, logits in zip(self.weights, said, strict=True) if w]
        total = log(used[0][0]) - self.alpha * used[0][1]
        for w, likelihood in used[1:]:
            total = total.logaddexp(log(w) - self.alpha * likelihood)
        mean: Tensor = -total / self.alpha
        return mean


class MOD(ByExperts):
    """Decodes with the experts of what is surely believed."""

    family: ClassVar[str] = "decoding"
    called: ClassVar[str] = "MOD"

    def _together(self, request: Request, used: Sequence[Share], words: str) -> Prepared:
        if request.inside.adapter is not None:
            return Prepared(request, notes=(f"{self.called} was off: an adapter is in the request already.",))
        return self._mixed(request, used, f"{self.called} decoded with {words}.")

    def _mixed(self, request: Request, used: Sequence[Share], note: str) -> Prepared:
        """The first expert in the request's own context, the others beside it."""
        (first, _), *others = used
        own = replace(request, inside=replace(request.inside, adapter=first.path))
        if not others:
            return Prepared(own, notes=(note,))
        beside = [Context(request.messages, each.path) for each, _ in others]
        return mixing(own, beside, self._how(tuple(share for _, share in used)), note)

    def _how(self, shares: tuple[float, ...]) -> Mixing:
        return Blend(shares)


class ForwardMOD(MOD):
    """The same under the forward KL: a token must be likely to all of the experts."""

    called = "MOD by forward KL"

    def _how(self, shares: tuple[float, ...]) -> Mixing:
        return Power(shares, FORWARD_KL)
