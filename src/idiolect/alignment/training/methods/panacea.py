"""Panacea: one policy for every preference over m objectives (Zhong et al., 2024, arXiv 2402.02030, section 4).

    W = W_0 + U diag(sigma_1 .. sigma_k, s l_1 .. s l_m) V',   l the preference, from the simplex
    each step draws l and minimises  sum_i l_i L_i  or  max_i l_i L_i,   L_i DPO's loss as objective i prefers

A penalty holds the rows of V' near orthonormal. Shared: U, V, sigma, s.  Per user: l, which makes an ordinary LoRA of
it (`preference.py`). Cold start: l = 1 / m.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from idiolect.alignment.training.inner.course import Stage
from idiolect.alignment.training.inner.losses import Simplex
from idiolect.alignment.training.inner.policy import Policy
from idiolect.alignment.training.items import Item
from idiolect.alignment.training.objectives import odds, rewards
from idiolect.alignment.training.protocol import Job, Method
from idiolect.alignment.training.settings import ObjectivesSettings, TrainingSettings


class PanaceaSettings(ObjectivesSettings):
    """Of Panacea."""

    join: Literal["linear", "chebyshev"] = Field("linear", description="How the objectives' losses become one.")
    epochs: PositiveInt = Field(4, description="Passes over the pairs: each sees a preference once.")
    rate: float = Field(5e-3, gt=0, description="Of AdamW: sigma and s begin at 0 and have some way to go.")
    orthonormal: NonNegativeFloat = Field(0.0, description="Weight of the penalty on V'; they begin orthonormal.")

    @model_validator(mode="after")
    def _room_for_all(self) -> Self:
        if self.rank <= len(self.objectives):
            raise ValueError(f"rank={self.rank} leaves no room beside {len(self.objectives)} objectives")
        return self


class Panacea(Method[PanaceaSettings]):
    """See above."""

    Settings: ClassVar[type[TrainingSettings]] = PanaceaSettings

    def stages(self, job: Job) -> Iterator[Stage]:
        """One."""
        settings, pairs = self.settings, job.data.own
        found = rewards(job, pairs, settings.objectives)
        likely = odds(found[:, 0] - found[:, 1], settings.noise)
        items = [
            Item(job.pair(pair), weight=pair.weight, odds=tuple(map(float, own)))
            for pair, own in zip(pairs, likely, strict=True)
        ]
        loss = Simplex(settings.beta, settings.join)
        policy = Policy(job.network(), loss, settings, objectives=settings.objectives, orthonormal=settings.orthonormal)
        yield Stage("policy", policy, items, settings)

    def held(self, job: Job) -> list[Item]:
        """Nothing: what people chose is none of the objectives."""
        return []
