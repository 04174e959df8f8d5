"""PAD: a model that knows the person's preferences guides one that does not (Chen et al., 2024, arXiv 2410.04070).

    score(v) = l(v | x) + w [log pi(v | x, p) - log pi(v | x)]  over the k likeliest v of the base, renormalised on them

p is the person's preferences in words. Without a model that was trained on p, the same model reads the profile; where
the person has an adapter of their own (method `lora`), that is pi.
Shared: nothing.  Per user: the profile.  Cold start: the request unchanged.  Cost: a second context in the same batch.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from idiolect.alignment.decoding.by_profile import ByProfile
from idiolect.alignment.decoding.protocol import Context, mixing
from idiolect.alignment.decoding.top_k import K
from idiolect.generation.protocol import Person, Prepared
from idiolect.models.protocol import Request

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Guided:
    """A mixing: the last context guides the first one's k likeliest."""

    weight: float
    k: int = K

    def mixed(self, said: "Tensor") -> "Tensor":
        """(2, n, V) -> (n, V), -inf outside the k likeliest of the first."""
        base, guide = said
        own, tokens = base.topk(min(self.k, base.shape[-1]))
        own, preferred = own.log_softmax(-1), guide.gather(-1, tokens).log_softmax(-1)
        score = own + self.weight * (preferred - own)
        guided: Tensor = base.new_full(base.shape, -float("inf")).scatter(-1, tokens, score)
        return guided


class PAD(ByProfile):
    """The request as it is, guided by the model that is told of the person."""

    called = "PAD"
    weight: ClassVar[float] = 0.8  # typical in the paper's code, of 0 to 1.5

    def _together(self, request: Request, told: Request, person: Person) -> Prepared:
        guide = Context(told.messages, person.adapters.get("lora", request.inside.adapter))
        return mixing(request, [guide], Guided(self.weight), f"PAD guided with weight {self.weight:g}.")
