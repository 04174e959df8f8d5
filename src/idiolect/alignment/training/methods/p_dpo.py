"""P-DPO: DPO with a few vectors of each person before the prompt (Li et al., 2024, arXiv 2402.05133, section 4.4).

    -E[ a log sigma(beta (h_u(y+) - h_u(y-))) + (1 - a) log sigma(beta (h_0(y+) - h_0(y-))) ]

h_u(y) = log pi(y | e_u, x) / pi_0(y | x): the model as it is reads no vectors. Every pair is read as its person's and
as anybody's, each half normalised by its own count. Shared: the LoRA, e_0 or the clusters c_k.  Per user: o_u
(T, width), or a_u (K,) where there are clusters.  Cold start: anybody's vectors, which these pairs train too.
"""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from idiolect.alignment.training.inner.course import Stage
from idiolect.alignment.training.inner.losses import PersonalPreference
from idiolect.alignment.training.inner.policy import People, Policy
from idiolect.alignment.training.items import Item
from idiolect.alignment.training.protocol import Job, Method, enough
from idiolect.alignment.training.settings import PairSettings, TrainingSettings


class PDPOSettings(PairSettings):
    """Of P-DPO. What is said in brackets is from the paper's repository."""

    beta: PositiveFloat = Field(0.5, description="Pull to the model as it is (P-RLHF).")
    user_tokens: NonNegativeInt = Field(10, description="T, vectors before the prompt (P-RLHF).")
    clusters: NonNegativeInt = Field(0, description="K, shared vectors that people mix (P-RLHF: 5); 0: each their own.")
    share: float = Field(0.5, ge=0, le=1, description="a, of the person's half of the loss (P-RLHF).")
    least_people: PositiveInt = Field(2, description="People that are needed.")
    least_each: PositiveInt = Field(10, description="Pairs that each of them needs.")


class PDPO(Method[PDPOSettings]):
    """See above."""

    Settings: ClassVar[type[TrainingSettings]] = PDPOSettings
    instead: ClassVar[str] = "`dpo` learns one taste for all"

    def check(self, job: Job) -> None:
        """People, and pairs of each."""
        super().check(job)
        counts = Counter(pair.user for pair in job.data.own)
        known = sum(count >= self.settings.least_each for count in counts.values())
        enough(self, f"people with {self.settings.least_each} pairs each", known, self.settings.least_people)

    def stages(self, job: Job) -> Iterator[Stage]:
        """One."""
        settings = self.settings
        people = People(job.data.users, settings.user_tokens, settings.clusters)
        policy = Policy(job.network(), PersonalPreference(settings.beta, settings.share), settings, people)
        items = [
            Item((*job.pair(pair, job.number(pair.user)), *job.pair(pair)), weight=pair.weight) for pair in job.data.own
        ]
        yield Stage("policy", policy, items, settings)

    def held(self, job: Job) -> list[Item]:
        """Each pair as its person's; of others as anybody's."""
        return [Item(job.pair(pair, job.number(pair.user)), weight=pair.weight) for pair in job.data.held]
