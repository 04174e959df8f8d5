"""DPO: a policy straight from pairs, without a reward of its own (Rafailov et al., 2023, arXiv 2305.18290, eq. 7).

    min over theta  E -log sigma(beta (h(y+) - h(y-))),   h(y) = log pi(y | x) / pi_0(y | x)

Its optimum is pi_0(y | x) exp(r(x, y) / beta) / Z(x) for the reward r by which pairs were chosen. Shared: all of it,
so that everybody gets the same policy, that of the average taste.  Per user: nothing.
"""

from collections.abc import Iterator
from typing import ClassVar

from idiolect.alignment.training.inner.course import Stage
from idiolect.alignment.training.inner.losses import Preference
from idiolect.alignment.training.inner.policy import Policy
from idiolect.alignment.training.items import Item
from idiolect.alignment.training.protocol import Job, Method
from idiolect.alignment.training.settings import PairSettings, TrainingSettings


class DPO(Method[PairSettings]):
    """See above."""

    Settings: ClassVar[type[TrainingSettings]] = PairSettings

    def stages(self, job: Job) -> Iterator[Stage]:
        """One."""
        policy = Policy(job.network(), Preference(self.settings.beta), self.settings)
        items = [Item(job.pair(pair), weight=pair.weight) for pair in job.data.own]
        yield Stage("policy", policy, items, self.settings)
