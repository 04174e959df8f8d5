"""Personalized supervised fine-tuning: the policy learns to say what people preferred.

    min over theta  -sum_u n_u^(a - 1) sum_i log pi(y_i | x_i, z_u) / |y_i|,   a in [0, 1]

a = 1 counts every answer alike, a = 0 every person. z_u is a text on the person (`profile` in the data), or vectors of
their own before the prompt (`user_tokens`, P-RLHF's, 2402.05133). A share of each person's answers is learnt without
z, so that the model still answers anybody. Shared: the LoRA.  Per user: z_u.  Cold start: no z.
"""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from pydantic import Field, NonNegativeInt

from idiolect.alignment.training.inner.course import Stage
from idiolect.alignment.training.inner.losses import Likelihood
from idiolect.alignment.training.inner.policy import People, Policy
from idiolect.alignment.training.items import Item
from idiolect.alignment.training.protocol import Job, Method
from idiolect.alignment.training.settings import TrainingSettings


class SFTSettings(TrainingSettings):
    """Of supervised fine-tuning."""

    balance: float = Field(1.0, ge=0, le=1, description="a: 1 counts every answer alike, 0 every person.")
    user_tokens: NonNegativeInt = Field(0, description="Vectors of each person before the prompt; 0: none.")
    without: float = Field(0.1, ge=0, le=1, description="Share of the answers that are learnt without z.")


class SFT(Method[SFTSettings]):
    """See above."""

    Settings: ClassVar[type[TrainingSettings]] = SFTSettings

    def stages(self, job: Job) -> Iterator[Stage]:
        """One."""
        settings, tokens = self.settings, self.settings.user_tokens
        people = People(job.data.users, tokens) if tokens else None
        policy = Policy(job.network(), Likelihood(), settings, people)
        yield Stage("policy", policy, self.items(job), settings, is_relative=False)

    def items(self, job: Job) -> list[Item]:
        """The preferred answers; their weights have mean 1."""
        pairs = job.data.own
        counts = Counter(pair.user for pair in pairs)
        weights = np.array([pair.weight * counts[pair.user] ** (self.settings.balance - 1) for pair in pairs])
        weights /= weights.mean()
        chance = np.random.default_rng((self.settings.seed, 3))
        bare = chance.random(len(pairs)) < self.settings.without
        found = []
        for pair, weight, is_bare in zip(pairs, weights, bare, strict=True):
            said = job.pair(pair) if is_bare else job.pair(pair, job.number(pair.user), pair.profile)
            found.append(Item(said[:1], weight=float(weight)))
        return found
