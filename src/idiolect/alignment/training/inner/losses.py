"""Losses of pairs: each a module, so that what it learns itself is kept with the policy."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
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


class PersonalPreference(nn.Module):
    """share L(a person's pairs, with their vectors) + (1 - share) L(the same pairs, with anybody's): P-DPO.

    Each item has four answers: the preferred and the other, as the person, and again as anybody.
    """

    def __init__(self, beta: float, share: float) -> None:
        super().__init__()
        self.beta, self.share = beta, share

    def forward(self, nats: Tensor, rows: Rows) -> Tensor:
        """(N, t) -> ()"""
        h = raised(nats, rows, 4)
        own = -logsigmoid(self.beta * (h[:, 0] - h[:, 1]))
        anybody = -logsigmoid(self.beta * (h[:, 2] - h[:, 3]))
        each: Tensor = rows["weight"] * (self.share * own + (1 - self.share) * anybody)
        return each.mean()


class GroupPreference(nn.Module):
    """sum_g q_g L_g, q_g <- q_g exp(rate L_g) / Z before each: group-robust DPO.

    L_g = n / (n_g b) times the sum of the losses of g among the b items of a batch, so that a rare group counts fully.
    """

    q: Tensor
    share: Tensor

    def __init__(self, beta: float, counts: Sequence[int], rate: float) -> None:
        """`counts` (G,): the items of each group."""
        super().__init__()
        self.preference, self.rate = Preference(beta), rate
        found = torch.tensor(counts, dtype=torch.float32)
        self.register_buffer("share", found / found.sum())
        self.register_buffer("q", torch.full((len(counts),), 1 / len(counts)))

    def forward(self, nats: Tensor, rows: Rows) -> Tensor:
        """(N, t) -> ()"""
        each = self.preference.each(nats, rows)
        by_group = torch.zeros_like(self.q).index_add(0, rows["group"], each) / (self.share * len(each))
        if self.training:
            with torch.no_grad():
                self.q.copy_((self.q.log() + self.rate * by_group).softmax(-1))
        return self.q.clone() @ by_group


class Simplex(nn.Module):
    """The losses of several objectives, joined by the weights l that the policy was set to: Panacea.

    linear: sum_i l_i L_i; chebyshev: max_i l_i L_i, over the batch. L_i is DPO's, of both orders of the answers, each
    as likely as objective i prefers it.
    """

    def __init__(self, beta: float, join: Literal["linear", "chebyshev"]) -> None:
        super().__init__()
        self.beta, self.join = beta, join

    def forward(self, nats: Tensor, rows: Rows) -> Tensor:
        """(N, t) -> ()"""
        h = raised(nats, rows, 2)
        odds, margin = rows["odds"], self.beta * (h[:, :1] - h[:, 1:])
        each = -odds * logsigmoid(margin) - (1 - odds) * logsigmoid(-margin)
        weighted = rows["mix"] * (rows["weight"] @ each) / len(each)
        return weighted.sum() if self.join == "linear" else weighted.max()
