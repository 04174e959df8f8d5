"""Group-robust DPO: as good as can be for the group that is served worst (Ramesh et al., 2024, arXiv 2405.20304).

    min over theta  max over q in the simplex  sum_g q_g L_g,    q_g <- q_g exp(rate L_g) / Z

L_g is DPO's loss on the pairs of group g, each group counted in full however rare it is. Groups stand in the data
(`group`); without them everybody is one. Shared: all.  Per user: nothing; their group decides how much they weigh.
"""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, NonNegativeFloat, PositiveInt

from idiolect.alignment.training.data import group_of
from idiolect.alignment.training.inner.course import Stage
from idiolect.alignment.training.inner.losses import GroupPreference
from idiolect.alignment.training.inner.policy import Policy
from idiolect.alignment.training.items import Item
from idiolect.alignment.training.protocol import Job, Method, enough
from idiolect.alignment.training.settings import PairSettings, TrainingSettings


class GroupDPOSettings(PairSettings):
    """Of group-robust DPO."""

    group_rate: NonNegativeFloat = Field(0.01, description="Of q (GR-DPO); 0 keeps all groups alike.")
    least_each: PositiveInt = Field(10, description="Pairs that each group needs.")


class GroupDPO(Method[GroupDPOSettings]):
    """See above."""

    Settings: ClassVar[type[TrainingSettings]] = GroupDPOSettings
    instead: ClassVar[str] = "`dpo` counts every pair alike"

    def check(self, job: Job) -> None:
        """Pairs of each group."""
        super().check(job)
        counts = Counter(map(group_of, job.data.own))
        rarest = min(counts, key=lambda name: counts[name])
        enough(self, f"pairs of each group (of {rarest} there are fewest)", counts[rarest], self.settings.least_each)

    def stages(self, job: Job) -> Iterator[Stage]:
        """One."""
        names, pairs = job.data.groups, job.data.own
        counts = Counter(map(group_of, pairs))
        loss = GroupPreference(self.settings.beta, [counts[name] for name in names], self.settings.group_rate)
        place = {name: at for at, name in enumerate(names)}
        items = [Item(job.pair(pair), weight=pair.weight, group=place[group_of(pair)]) for pair in pairs]
        yield Stage("policy", Policy(job.network(), loss, self.settings), items, self.settings)

    def figures(self, job: Job, policy: Policy) -> dict[str, float]:
        """The weight that each group ended with."""
        loss = policy.loss
        assert isinstance(loss, GroupPreference)
        return {f"weight of {name}": float(q) for name, q in zip(job.data.groups, loss.q, strict=True)}
