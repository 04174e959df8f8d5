"""A person as some vectors before the text (P-RLHF: Li et al., 2024, arXiv 2402.05133, section 4).

    individual:  e_u = e_0 + o_u           cluster:  e_u = sum_k softmax(a_u)_k c_k

of T vectors of the model's width each. An unknown person is e_0, or the cluster mixture with logits a_0 of its own.
"""

import torch
from torch import Tensor, nn


class UserTokens(nn.Module):
    """Person 0 is nobody, or anybody; all begin alike."""

    def __init__(self, people: int, tokens: int, clusters: int, start: Tensor) -> None:
        """`start` (max(clusters, 1), tokens, width) is what the shared vectors begin as, such as rows of words."""
        super().__init__()
        self.shared = nn.Parameter(start.float().clone())
        own = (people + 1, clusters) if clusters else (people + 1, tokens, start.shape[-1])
        self.own = nn.Parameter(torch.zeros(own))
        self.clusters = clusters

    def forward(self, user: Tensor) -> Tensor:
        """(N,) -> (N, T, width)."""
        own = self.own[user]
        if self.clusters:
            return torch.einsum("nk,ktd->ntd", own.softmax(-1), self.shared)
        known = (user > 0)[:, None, None]
        return self.shared + own * known
