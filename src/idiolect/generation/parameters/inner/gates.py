"""Per-Pcs: the gates of a sharer's pieces, and how well pieces suit another person's texts (Tan et al., 2406.10471).

Gate: g in R^d_in of each matrix, from 0, trained with the LoRA frozen: out = W x + s B A (sigma(g . x) x).
Score of piece j for a person, without a gradient: the mean over the tokens of their answers of
LN(x) . LN(g_j) / sqrt(d_in), LN without affine.
"""

from collections.abc import Mapping, Sequence
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import backward

from idiolect.errors import Stopped
from idiolect.generation.parameters.inner.patched import Text, added, logprobs, matrices_of, normed, watched
from idiolect.generation.parameters.lora_file import Lora
from idiolect.generation.parameters.settings import GateSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Gates = Mapping[str, NDArray[Any]]  # module -> (d_in,)


def gates_of(
    network: "PreTrainedModel", lora: Lora, texts: Sequence[Text], settings: GateSettings, stop: Event | None = None
) -> dict[str, NDArray[Any]]:
    """min over g of -log pi(y | x) / |y|, y the first answer of each text. Raises Stopped."""
    matrices = matrices_of(lora, network)
    gates = {name: torch.zeros(a.shape[1], device=a.device, requires_grad=True) for name, (a, _) in matrices.items()}
    optimizer = torch.optim.Adam(list(gates.values()), lr=settings.rate)
    with added(network, matrices, lora.scale, gates):
        for _ in range(settings.epochs):
            for text in texts:
                if stop is not None and stop.is_set():
                    raise Stopped("the gates were stopped before their end, so nothing of them is kept")
                own = Text(text.prompt, text.answers[:1])
                backward(-logprobs(network, own)[0] / len(own.answers[0]))
                torch.nn.utils.clip_grad_norm_(list(gates.values()), settings.clip)
                optimizer.step()
                optimizer.zero_grad()
    return {name: gate.detach().cpu().numpy() for name, gate in gates.items()}


@torch.no_grad()
def scores(network: "PreTrainedModel", pool: Sequence[Gates], texts: Sequence[Text]) -> dict[str, NDArray[np.float64]]:
    """module -> (pieces,): how well each sharer's piece suits the first answers of these texts."""
    names = list(pool[0])
    gates = {
        name: normed(torch.stack([torch.from_numpy(each[name]).float() for each in pool])).to(network.device)
        for name in names
    }
    sums = {name: torch.zeros(len(pool), device=network.device) for name in names}
    first = 0

    def look(name: str, x: Tensor) -> None:
        answer = normed(x[0, first:])  # (t, d_in)
        sums[name] += (answer @ gates[name].T).sum(0) / x.shape[-1] ** 0.5

    with watched(network, names, look):
        for text in texts:
            first = len(text.prompt)
            logprobs(network, Text(text.prompt, text.answers[:1]))
    tokens = sum(len(text.answers[0]) for text in texts)
    return {name: each.double().cpu().numpy() / tokens for name, each in sums.items()}
