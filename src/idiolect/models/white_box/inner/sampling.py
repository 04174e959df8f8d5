"""Drawing a token: the same filters, with the same defaults, as llama.cpp applies."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from idiolect.errors import BadInput
from idiolect.models.protocol import Request

TOP_K, MIN_P = 40, 0.05  # llama.cpp's defaults


@dataclass(frozen=True)
class Draw:
    """How a request's tokens are drawn."""

    temperature: float
    top_p: float
    top_k: int = TOP_K
    min_p: float = MIN_P

    @classmethod
    def of(cls, request: Request) -> "Draw":
        """`extra` may set `top_k` (0: all) and `min_p`."""
        top_k, min_p = request.extra.get("top_k", TOP_K), request.extra.get("min_p", MIN_P)
        if not isinstance(top_k, int) or top_k < 0 or not isinstance(min_p, int | float) or not 0 <= min_p < 1:
            raise BadInput(f"top_k {top_k!r} must be a whole number from 0, and min_p {min_p!r} from 0 to below 1")
        return cls(request.sampling.temperature, request.sampling.top_p, top_k, float(min_p))

    def tokens(self, logits: Tensor, chance: list[Generator]) -> Tensor:
        """(n, V) -> (n,): one token each, drawn with its own generator; temperature 0 takes the likeliest."""
        if self.temperature == 0:
            return logits.argmax(-1)
        probabilities = self.probabilities(logits).cpu()
        drawn = [torch.multinomial(row, 1, generator=of) for row, of in zip(probabilities, chance, strict=True)]
        return torch.cat(drawn).to(logits.device)

    def probabilities(self, logits: Tensor) -> Tensor:
        """(n, V) -> (n, V) float32. top_k, top_p and min_p look at temperature 1, in this order."""
        kept, at = logits.float().topk(min(self.top_k or logits.shape[-1], logits.shape[-1]))
        p = kept.softmax(-1)  # sorted: the likeliest first
        p = p.masked_fill(p.cumsum(-1) - p >= self.top_p, 0)
        p = p.masked_fill(p < self.min_p * p[:, :1], 0)
        drawn_from = (kept / self.temperature).masked_fill(p == 0, -torch.inf).softmax(-1)
        return torch.zeros_like(logits, dtype=torch.float32).scatter(-1, at, drawn_from)
