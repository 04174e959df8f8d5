"""Rewarded and personalized soups: one policy for each objective, all from one start, mixed when somebody asks.

    theta_i = argmin DPO on the pairs as objective i prefers them;   theta(w) = sum_i w_i theta_i

(Rame et al., 2023, arXiv 2306.04488, section 2.2; Jang et al., 2023, 2310.11564, section 3.3. Both train by PPO.)
Small moves from a common start keep the way between two policies as good as its ends. Shared: the experts. Per user: w.
Each expert is a LoRA in a folder of its objective's name; mixing them is what `--method soups` does when it serves.
"""

from collections.abc import Iterator
from typing import ClassVar

from idiolect.alignment.training.inner.course import Stage
from idiolect.alignment.training.inner.losses import Preference
from idiolect.alignment.training.inner.policy import Policy
from idiolect.alignment.training.items import Item
from idiolect.alignment.training.objectives import odds, rewards
from idiolect.alignment.training.protocol import Job, Method, enough
from idiolect.alignment.training.settings import ObjectivesSettings, TrainingSettings

EVEN = 0.5  # odds of what an objective does not tell apart


class Soups(Method[ObjectivesSettings]):
    """See above."""

    Settings: ClassVar[type[TrainingSettings]] = ObjectivesSettings

    def courses(self, job: Job) -> int:
        """One for each."""
        return len(self.settings.objectives)

    def stages(self, job: Job) -> Iterator[Stage]:
        """Every expert begins as the model is."""
        pairs = job.data.own
        found = rewards(job, pairs, self.settings.objectives)
        gains = found[:, 0] - found[:, 1]  # (n, m)
        for column, name in enumerate(self.settings.objectives):
            items = []
            for pair, first in zip(pairs, odds(gains, self.settings.noise)[:, column], strict=True):
                said = job.pair(pair)
                for share, answers in ((first, said), (1 - first, said[::-1])):
                    if share and first != EVEN:
                        items.append(Item(answers, weight=pair.weight * float(share)))
            enough(self, f"pairs that differ in {name}", len(items), self.settings.least)
            policy = Policy(job.network(), Preference(self.settings.beta), self.settings)
            yield Stage(name.replace(":", "-"), policy, items, self.settings)

    def held(self, job: Job) -> list[Item]:
        """Nothing: what people chose is no expert's objective."""
        return []
