"""Policy gradients on answers that the policy writes itself: RLOO and GRPO, for one objective or several.

Every draw is used for one step, so that the ratio of GRPO's clip is 1 and there is no clip here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from idiolect.alignment.training.inner.policy import Policy
from idiolect.alignment.training.inner.rows import Rows, padded
from idiolect.alignment.training.inner.sampling import Writing, sampled
from idiolect.alignment.training.items import Said
from idiolect.schema import Array

Join: TypeAlias = Literal["linear", "chebyshev", "worst"]
Score: TypeAlias = Callable[[Sequence[tuple[int, ...]], Sequence[tuple[int, ...]]], Array]  # prompts, answers -> (N, m)
KEPT = 0.9  # of a running mean, at each draw
AUGMENTED = 0.05  # of the linear sum, beside Chebyshev's


class Scalar(nn.Module):
    """Rewards of m objectives as one number.

    linear: sum_i w_i r_i.  chebyshev: the objective with the largest w_i (z_i - mean r_i) alone, and a little of the
    sum; z the ideal point.  worst: the objective with the lowest mean alone. Means run over the draws, since the worst
    of the means is not the mean of the worst.
    """

    weights: Tensor
    ideal: Tensor
    mean: Tensor
    drawn: Tensor

    def __init__(self, weights: Sequence[float], ideal: Sequence[float], join: Join) -> None:
        super().__init__()
        self.join = join
        self.register_buffer("weights", torch.tensor(weights, dtype=torch.float32))
        self.register_buffer("ideal", torch.tensor(ideal, dtype=torch.float32))
        self.register_buffer("mean", torch.zeros(len(weights)))
        self.register_buffer("drawn", torch.zeros(()))

    def forward(self, rewards: Tensor) -> Tensor:
        """(N, m) -> (N,)"""
        linear: Tensor = rewards @ self.weights
        if self.join == "linear":
            return linear
        kept = KEPT if self.drawn else 0.0
        self.mean.mul_(kept).add_(rewards.mean(0), alpha=1 - kept)
        self.drawn.add_(1)
        if self.join == "worst":
            return rewards[:, int(self.mean.argmin())]
        active = int((self.weights * (self.ideal - self.mean)).argmax())
        return self.weights[active] * rewards[:, active] + AUGMENTED * linear


@dataclass(frozen=True)
class Drawing:
    """How a policy answers for itself."""

    kind: Literal["rloo", "grpo"]
    answers: int  # to each prompt, G
    writing: Writing
    pull: float  # beta, of the KL to the model as it is
    is_scaled: bool  # GRPO's division by the standard deviation
    score: Score


class PolicyGradient(nn.Module):
    """RLOO: -A log pi(y).  GRPO: -A pi / pi_old + beta k3, the mean over an answer's tokens."""

    def __init__(self, scalar: Scalar, drawing: Drawing) -> None:
        super().__init__()
        self.scalar, self.drawing = scalar, drawing

    def forward(self, nats: Tensor, rows: Rows) -> Tensor:
        """(N, t) -> ()"""
        advantage = rows["advantage"]
        if self.drawing.kind == "rloo":
            return -(advantage * nats.sum(-1)).mean()
        ratio = (nats - nats.detach()).exp()
        off = rows["before"] - nats
        each = advantage[:, None] * ratio - self.drawing.pull * (off.exp() - off - 1)
        written = rows["answer"][:, -nats.shape[1] :]
        return -((each * written).sum(-1) / written.sum(-1)).mean()

    def draw(self, policy: Policy, rows: Rows) -> Rows:
        """Answers to a batch of prompts, with their advantages."""
        of = self.drawing
        lengths = rows["read"].sum(-1).tolist()
        prompts = [tuple(ids[:length]) for ids, length in zip(rows["ids"].tolist(), lengths, strict=True)]
        answers = sampled(policy, prompts, of.answers, of.writing)
        said = [Said(prompt, answer) for prompt, own in zip(prompts, answers, strict=True) for answer in own]
        drawn = {name: each.to(policy.device) for name, each in padded(said).items()}
        worth = of.score([each.prompt for each in said], [each.answer for each in said])
        reward = self.scalar(torch.from_numpy(worth).float().to(policy.device))
        drawn["before"] = policy.plain(drawn)
        if of.kind == "rloo":
            with torch.no_grad():
                reward = reward - of.pull * (policy.nats(drawn) - drawn["before"]).sum(-1)
        drawn["advantage"] = advantages(reward.view(-1, of.answers), of.kind, is_scaled=of.is_scaled).flatten()
        return drawn


def advantages(reward: Tensor, kind: str, *, is_scaled: bool) -> Tensor:
    """(prompts, G) -> the same: RLOO's against the mean of the others, GRPO's against the mean of all."""
    above = reward - reward.mean(-1, keepdim=True)
    if kind == "rloo":
        return above * reward.shape[1] / (reward.shape[1] - 1)
    return above / (reward.std(-1, keepdim=True) + 1e-4) if is_scaled else above
