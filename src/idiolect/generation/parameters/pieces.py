"""Per-Pcs: an adapter put together from the pieces of people who share theirs (Tan et al., 2024, arXiv 2406.10471).

    of each matrix:  score_j = mean over the tokens of the person's answers of LN(x) . LN(g_j) / sqrt(d_in)
    the k best pieces,  a = softmax(score / temperature),  piece = sum_j a_j B_j A_j

Shared: the pieces and their gates g_j, of people who allow it. Per user: which pieces, and how much of each; there is
no gradient, so two choices are enough. The paper's code averages A and B apart (`factors`); `product` averages what
they change. Cold start: plain.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from idiolect.generation.parameters.lora_file import Combine, Lora, alike, joined
from idiolect.generation.parameters.own import inside
from idiolect.generation.parameters.settings import PieceSettings
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.models.protocol import Request

Selection = Mapping[int, float]  # sharer -> weight; the weights sum to 1


class Pieces:
    """Answers with the adapter that was put together for the person."""

    family: ClassVar[str] = "parameters"

    @classmethod
    def open(cls, host: Host) -> Self:
        """Needs nothing of the host: the engine loads the adapter."""
        return cls()

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Name the adapter; nothing changes for a person who has none."""
        return inside(request, person, "pieces", "idiolect adapters assemble")


def chosen(scores: NDArray[np.float64], settings: PieceSettings) -> dict[int, float]:
    """The k best by their scores (pieces,), with the softmax of these."""
    best = np.argsort(-scores, kind="stable")[: settings.k]
    logits = scores[best] / settings.temperature
    weights = np.exp(logits - logits.max())
    return {int(at): float(weight) for at, weight in zip(best, weights / weights.sum(), strict=True)}


def put_together(pool: Sequence[Lora], selection: Mapping[str, Selection], combine: Combine) -> Lora:
    """One LoRA, matrix by matrix: of rank k r by `product`, r by `factors`. Raises BadInput for unequal LoRAs."""
    factors = {
        module: joined([pool[at].factors[module] for at in picked], list(picked.values()), combine)
        for module, picked in selection.items()
    }
    return Lora(factors, alike(pool).scale)
