"""P-RLHF's user model: a soft prompt for each person before the text (Li et al., 2024, arXiv 2402.05133).

    min  alpha mean_i l(x_i, u_i) + (1 - alpha) mean_i l(x_i, nobody),   l = -log sigma(r_u(x, y+) - r_u(x, y-))

The soft prompt is T tokens: `individual` e_u = e_0 + o_u, or `cluster` e_u = sum_k softmax(a_u)_k c_k, nobody having
logits a_0 of its own. Every example is there twice: with its person, and with nobody, who else would never be trained.
Shared: e_0, or c_k and a_0, and the model that reads them. Per user: o_u, or a_u. Cold start: nobody's, e_0 or a_0.

In the paper a language model reads tokens and text, and the reward is that of DPO. Here the text is its features phi,
and a perceptron reads [phi; e_u]: r_u(x, y) = MLP([phi(x, y); e_u]), so that the loss is of rewards, and a new person's
o_u or a_u is fitted with all else still. o_u and a_u start at nobody's rather than at random, so that no choice means
nobody; `pull` holds them there in proportion to how little was chosen (0 in the paper).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from idiolect.reward import networks
from idiolect.reward.network_reward import Material
from idiolect.reward.networks import Parameters, Training
from idiolect.reward.pairs import Batch
from idiolect.reward.personal import FewShotReward, Loss, PairCourse, fitted, nats
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor

HEAD, GENERIC, CLUSTERS, PEOPLE = "head", "generic", "clusters", "people"


class PRLHFSettings(Training):
    """The paper's where it has them; `small` is for features of some sixty directions."""

    model: Literal["individual", "cluster"] = Field("individual", description="Of a person (section 4.2).")
    tokens: PositiveInt = Field(10, description="T (the released settings).")
    width: PositiveInt = Field(64, description="Of a token; in the paper the language model's.")
    clusters: PositiveInt = Field(5, description="K (the released settings; 10 for PRISM).")
    alpha: float = Field(0.5, ge=0, le=1, description="Of the loss with the person (the released settings).")
    hidden: PositiveInt = Field(64, description="Of the perceptron, which stands in for the language model.")
    rate: PositiveFloat = Field(5e-5, description="Cosine (the released settings).")
    batch: PositiveInt = Field(32, description="Pairs in a step (the released settings).")
    epochs: PositiveFloat = Field(1, description="Passes over the pairs: 1 for PRISM, 2 for TL;DR.")
    pull: NonNegativeFloat = Field(0.0, description="Of a new person's numbers to nobody's; none in the paper.")


@dataclass(frozen=True)
class PRLHF(FewShotReward):
    """Arrays of a belief: the pairs, and `person`: o_u (T * width,) or a_u (K,)."""

    Settings: ClassVar[type[Training]] = PRLHFSettings
    name: ClassVar[str] = "prlhf"
    NUMBERS: ClassVar[str] = "person"

    settings: PRLHFSettings

    @classmethod
    def small(cls) -> PRLHFSettings:
        """One token of width 16, trained from nothing: the paper's rate and pass tune a model that can read already."""
        return PRLHFSettings(
            tokens=1, width=16, rate=3e-3, batch=256, epochs=20, pull=1.0, weight_decay=0.1, centred=True, jitter=0.5
        )

    @classmethod
    def brief(cls) -> PRLHFSettings:
        """The small ones, for a second or two."""
        return cls.small().model_copy(update={"epochs": 3, "batch": 64})

    def start(self, dim: int) -> Parameters:
        """What is shared, before training: tokens uniform in (-1/2, 1/2), for want of a vocabulary."""
        import torch

        settings, chance = self.settings, networks.generator(self.settings.seed)
        size, hidden = settings.tokens * settings.width, settings.hidden
        found = networks.layers(HEAD, (dim + size, hidden, hidden, 1), chance)
        if settings.model == "individual":
            return found | {GENERIC: torch.rand(size, generator=chance) - 0.5}
        tokens = torch.rand(settings.clusters, size, generator=chance) - 0.5
        return found | {CLUSTERS: tokens, GENERIC: torch.zeros(settings.clusters)}

    def course(self, material: Material) -> "_Course":
        """Everybody's pairs, each with its person and with nobody."""
        return _Course(self.settings, material)

    def unknown(self) -> Array:
        """Nobody's."""
        return np.asarray(nobody(self.settings, 1)[0].double().numpy())

    def personal_loss(self, phi: "Tensor", weight: "Tensor") -> Loss:
        """Of o_u or a_u."""
        return few_shot(self._parameters, self.settings, phi, weight)

    def rewards(self, numbers: "Tensor", phi: "Tensor") -> "Tensor":
        """MLP([phi; e_u])"""
        return rewards(self._parameters, self.settings, numbers, phi)


def nobody(settings: PRLHFSettings, people: int) -> "Tensor":
    """(people, k): the person's numbers, as departures from nobody's, at their start."""
    import torch

    size = settings.tokens * settings.width if settings.model == "individual" else settings.clusters
    return torch.zeros(people, size)


def prompt(parameters: Parameters, settings: PRLHFSettings, person: "Tensor") -> "Tensor":
    """(..., k) -> e_u (..., T * width)"""
    if settings.model == "individual":
        return parameters[GENERIC] + person
    found: Tensor = (parameters[GENERIC] + person).softmax(dim=-1) @ parameters[CLUSTERS]
    return found


def rewards(parameters: Parameters, settings: PRLHFSettings, person: "Tensor", phi: "Tensor") -> "Tensor":
    """(..., k) for phi (..., d), or one (k,) for all of them -> (...)"""
    from torch import cat

    tokens = prompt(parameters, settings, person)
    both = cat([phi, tokens.expand(*phi.shape[:-1], -1)], dim=-1)
    return networks.mlp(parameters, HEAD, both).squeeze(-1)


def few_shot(parameters: Parameters, settings: PRLHFSettings, phi: "Tensor", weight: "Tensor") -> Loss:
    """The loss of the numbers (b * k,) of b people, each with pairs phi (..., g, 2, d), weighing (..., g)."""

    def loss(flat: "Tensor") -> "Tensor":
        person = flat.reshape(*weight.shape[:-1], 1, 1, -1)
        found = rewards(parameters, settings, person, phi)
        return nats(found[..., 0] - found[..., 1], weight) + settings.pull * (flat**2).sum()

    return loss


@dataclass(frozen=True)
class _Course(PairCourse):
    settings: PRLHFSettings

    @property
    def steps(self) -> int:
        return self.passes(self.settings.epochs, len(self.rows.rows))

    def begin(self, start: Parameters) -> Parameters:
        return start | {PEOPLE: nobody(self.settings, len(self.material.population.users))}

    def kept(self, found: Parameters) -> dict[str, Array]:
        return super().kept({name: tensor for name, tensor in found.items() if name != PEOPLE})

    @cached_property
    def _watched(self) -> tuple[Batch, "Tensor", "Tensor"]:
        import torch

        batch = self.watched(50)
        return batch, torch.from_numpy(self.scale(batch.phi)), torch.from_numpy(batch.weight.astype(np.float64))

    def loss(self, parameters: Parameters, step: int) -> "Tensor":
        pairs, weights, owner = self.drawn()
        known = parameters[PEOPLE][owner][:, None]
        both = [rewards(parameters, self.settings, person, pairs) for person in (known, 0 * known)]
        with_person, generic = (nats(each[:, 0] - each[:, 1], weights) / weights.sum() for each in both)
        return self.settings.alpha * with_person + (1 - self.settings.alpha) * generic

    def held(self, parameters: Parameters) -> float:
        """Nats a pair of people who were met after the training."""
        import torch

        batch, phi, weight = self._watched
        still = networks.still(parameters)
        begin = nobody(self.settings, len(batch.people)).double().numpy().ravel()
        loss = few_shot(still, self.settings, phi[:, : batch.known], weight[:, : batch.known])
        person = torch.from_numpy(fitted(loss, begin, tolerance=1e-2)).reshape(len(batch.people), 1, 1, -1)
        found = rewards(still, self.settings, person, phi[:, batch.known :])
        asked = weight[:, batch.known :]
        return float(nats(found[..., 0] - found[..., 1], asked) / asked.sum())
