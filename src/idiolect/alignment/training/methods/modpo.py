"""MODPO: DPO for several objectives at once, by a margin (Zhou et al., 2023, arXiv 2310.03708, eq. 8).

    -E log sigma( (beta (h(y+) - h(y-)) - w_-k . (r_-k(y+) - r_-k(y-))) / w_k )

The pairs were chosen by objective k, of weight w_k; r_-k are the rewards of the other objectives. Its optimum is that
of sum_i w_i r_i. With w_k = 1 it is DPO. Rewards are scaled to a standard deviation of 1, since 1 / w_k multiplies the
margin. Shared: a policy for these weights.  Per user: w, of whose grid a person takes the nearest, or a soup.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from idiolect.alignment.training.inner.course import Stage
from idiolect.alignment.training.inner.losses import Preference
from idiolect.alignment.training.inner.policy import Policy
from idiolect.alignment.training.items import Item
from idiolect.alignment.training.objectives import normalised, rewards
from idiolect.alignment.training.protocol import Job, Method
from idiolect.alignment.training.settings import PairSettings, TrainingSettings


class MODPOSettings(PairSettings):
    """Of MODPO."""

    weight: float = Field(0.5, gt=0, description="w_k, of the objective that the pairs were chosen by.")
    others: Mapping[str, float] = Field(
        default_factory=dict, description='w_-k by name, such as {"less:length": 0.5}; with w_k they sum to 1.'
    )

    @model_validator(mode="after")
    def _something_to_weigh(self) -> Self:
        if not self.others and self.weight != 1:
            raise ValueError('weights of the other objectives are missing: others={"less:length": 0.5}, or weight=1')
        return self


class MODPO(Method[MODPOSettings]):
    """See above."""

    Settings: ClassVar[type[TrainingSettings]] = MODPOSettings

    def stages(self, job: Job) -> Iterator[Stage]:
        """One."""
        own, *others = normalised(job, {"": self.settings.weight, **self.settings.others}).values()
        pairs, margins = job.data.own, np.zeros(len(job.data.own))
        if any(others):
            found = rewards(job, pairs, list(self.settings.others))  # (n, 2, m)
            margins = (found[:, 0] - found[:, 1]) @ np.array(others)
        items = [
            Item(job.pair(pair), weight=pair.weight, margin=float(margin))
            for pair, margin in zip(pairs, margins, strict=True)
        ]
        policy = Policy(job.network(), Preference(self.settings.beta, 1 / own), self.settings)
        yield Stage("policy", policy, items, self.settings)
