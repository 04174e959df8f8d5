"""Losses of pairs: each a module, so that what it learns itself is kept with the policy."""

from typing import TypeAlias

from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from idiolect.alignment.training.inner.rows import Rows

Width: TypeAlias = int


class Likelihood(nn.Module):
    """The mean over items of -w log pi(y | x) / |y|."""

    def forward(self, nats: Tensor, rows: Rows) -> Tensor:
        """(N, t) -> ()"""
        length = rows["answer"].sum(-1)
        each: Tensor = rows["weight"] * -nats.sum(-1) / length
        return each.mean()


class Preference(nn.Module):
    """The mean over items of -w log sigma(scale (beta (h(y+) - h(y-)) - margin))."""

    def __init__(self, beta: float, scale: float = 1.0) -> None:
        super().__init__()
        self.beta, self.scale = beta, scale

    def forward(self, nats: Tensor, rows: Rows) -> Tensor:
        """(N, t) -> ()"""
        return self.each(nats, rows).mean()

    def each(self, nats: Tensor, rows: Rows) -> Tensor:
        """(n,)"""
        h = raised(nats, rows, 2)
        margin = self.beta * (h[:, 0] - h[:, 1]) - rows["margin"]
        return rows["weight"] * -logsigmoid(self.scale * margin)


def raised(nats: Tensor, rows: Rows, width: Width) -> Tensor:
    """h (n, width) = log pi(y | x) / pi_0(y | x), the answers of an item side by side."""
    found: Tensor = (nats.sum(-1) - rows["plain"]).view(-1, width)
    return found
