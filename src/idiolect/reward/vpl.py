"""VPL: a latent variable for each person, inferred from their choices (Poddar et al., 2024, arXiv 2408.10075).

    max  E_{q(z | C_u)} mean_i log sigma(r(phi_i+, z) - r(phi_i-, z)) - lambda KL(q(z | C_u) || N(0, I))

C_u is a set of a person's pairs. Shared: an encoder of pairs, attention over the set without positions, a linear map to
the mean and the log-variance of q, both clamped to [-1, 1], and the decoder r. Per user: q(z | C_u), by one forward
pass and no gradient. Cold start: of no choices q is N(0, I) and z = 0.

Here training shows a part of a person's pairs, now and then none, and the likelihood is of all of them, so that z must
predict choices that it has not seen and z = 0 stands for everybody. z is the mean when answers are scored, as in the
paper; the sd of a score is over a few fixed draws of q. `figures` tells whether z is used: its KL in nats, and the
accuracy on people held out with their own choices, with somebody else's, and with none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from idiolect.reward import networks
from idiolect.reward.network_reward import Course, Material, NetworkReward
from idiolect.reward.networks import Parameters, Training
from idiolect.reward.pairs import Batch, Pairs, check, few_or_many
from idiolect.reward.protocol import Asked, Belief, Scores
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor

SLOPE = 0.2  # of the leaky ReLU
DRAWS = 16  # of z, for the sd of a score
FIGURES = ("kl", "accuracy", "accuracy_shuffled", "accuracy_without")


class VPLSettings(Training):
    """The paper's, for embeddings of a language model; `small` is for features of some sixty directions."""

    latent: PositiveInt = Field(512, description="Numbers in z (the released settings).")
    hidden: PositiveInt = Field(512, description="Width of encoder and decoder (the released settings).")
    rate: PositiveFloat = Field(1e-4, description="AdamW, cosine, 3 % warm-up (the released settings).")
    weight_decay: NonNegativeFloat = Field(0.001, description="Of AdamW (the released settings).")
    epochs: PositiveFloat = Field(2, description="Passes over the pairs (the released settings).")
    kl: NonNegativeFloat = Field(3e-6, description="lambda (UltraFeedback P-4).")
    kl_period: PositiveInt = Field(
        10_000, description="Steps of a cycle of the KL's annealing (the released settings)."
    )
    kl_baseline: float = Field(0.1, ge=0, le=1, description="Where a cycle begins, of lambda (the released settings).")
    normalised: bool = Field(True, description="In training z is scaled to norm sqrt(latent) (the released code).")
    context: PositiveInt = Field(50, description="Pairs shown at most.")


@dataclass(frozen=True)
class VPL(NetworkReward):
    """Arrays of a belief: the pairs, and `mean` and `sd` (latent,) of z."""

    Settings: ClassVar[type[Training]] = VPLSettings
    name: ClassVar[str] = "vpl"

    settings: VPLSettings

    @classmethod
    def small(cls) -> VPLSettings:
        """32 latent numbers: 512 would outnumber a person's choices tenfold, and ten thousand pairs cannot fill them.

        z is left as it is drawn, so that z = 0, of somebody unknown, lies among what the decoder was trained on; and
        the rate and the passes fit a network of 30 thousand numbers rather than of a million. phi is centred over the
        options, since what they have in common says nothing of the person, and jittered, since the network would else
        know the training people by their pairs. It is patient: z comes into use late, and annealing shakes the looks.
        """
        return VPLSettings(
            latent=32,
            hidden=64,
            rate=1e-3,
            epochs=6,
            kl=1e-4,
            kl_period=200,
            normalised=False,
            centred=True,
            jitter=1.0,
            patience=12,
        )

    @classmethod
    def brief(cls) -> VPLSettings:
        """The small ones, for a second or two."""
        return cls.small().model_copy(update={"epochs": 1, "batch": 8, "patience": 20})

    def start(self, dim: int) -> Parameters:
        """The network before training."""
        chance, hidden, latent = networks.generator(self.settings.seed), self.settings.hidden, self.settings.latent
        sizes = {
            "pair": (2 * dim, hidden, hidden, hidden),
            "query": (hidden, hidden),
            "key": (hidden, hidden),
            "value": (hidden, hidden),
            "mean": (hidden, latent),
            "log_variance": (hidden, latent),
            "decoder": (dim + latent, hidden, hidden, 1),
        }
        return {
            key: value for name, size in sizes.items() for key, value in networks.layers(name, size, chance).items()
        }

    def shapes(self, dim: int) -> dict[str, tuple[int, ...]]:
        """Of the network, the scale and the figures."""
        return {**super().shapes(dim), "figures": (len(FIGURES),)}

    def course(self, material: Material) -> "_Course":
        """People's pairs, some shown to the encoder."""
        return _Course(self.settings, material)

    @property
    def figures(self) -> dict[str, float]:
        """Whether z is used, on people held out: KL above .1 nats, and less accuracy with somebody else's choices."""
        return {name: float(value) for name, value in zip(FIGURES, self.shared["figures"], strict=True)}

    def derived(self, pairs: Pairs) -> dict[str, Array]:
        """q(z | pairs)."""
        import torch

        phi, weight = torch.from_numpy(self._scale(pairs[0])), torch.from_numpy(pairs[1])
        mean, log_variance = encoded(self._parameters, phi, weight)
        return {"mean": networks.kept(mean.numpy()), "sd": networks.kept((log_variance / 2).exp().numpy())}

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> mean (n,) at the mean of z, and sd (n,) over draws of z, above the mean of the n answers."""
        import torch

        check(phi, self.dim)
        mean, sd = (belief.arrays[name].astype(np.float64) for name in ("mean", "sd"))
        z = torch.from_numpy(np.vstack([mean, mean + sd * self._draws]))
        rewards = decoded(self._parameters, torch.from_numpy(self._scale(phi)), z[:, None]).numpy()  # (1 + draws, n)
        rewards = rewards - rewards.mean(axis=1, keepdims=True)
        return Scores(rewards[0], np.sqrt(((rewards[1:] - rewards[0]) ** 2).mean(axis=0)))

    @cached_property
    def _draws(self) -> Array:
        half = np.random.default_rng(0).normal(size=(DRAWS // 2, self.settings.latent))
        return np.vstack([half, -half])


def encoded(parameters: Parameters, phi: "Tensor", weight: "Tensor") -> tuple["Tensor", "Tensor"]:
    """phi (..., g, 2, d), weight (..., g) -> mean and log-variance (..., latent) of q; of no pairs, N(0, I)."""
    pair = networks.mlp(parameters, "pair", phi.flatten(-2), SLOPE)
    query, key, value = (networks.mlp(parameters, name, pair) for name in ("query", "key", "value"))
    read = networks.attend(query, key, value, weight)
    count = weight.sum(dim=-1, keepdim=True)
    pooled = (read * weight.unsqueeze(-1)).sum(dim=-2) / count.clamp_min(1e-30)
    known = (count > 0).to(pooled.dtype)
    mean, log_variance = (networks.mlp(parameters, name, pooled).clamp(-1, 1) * known for name in HEADS)
    return mean, log_variance


HEADS = ("mean", "log_variance")


def decoded(parameters: Parameters, phi: "Tensor", z: "Tensor") -> "Tensor":
    """phi (..., d) and z (..., latent), spread over each other -> r (...)."""
    from torch import cat

    shape = np.broadcast_shapes(phi.shape[:-1], z.shape[:-1])
    both = cat([phi.expand(*shape, -1), z.expand(*shape, -1)], dim=-1)
    return networks.mlp(parameters, "decoder", both, SLOPE).squeeze(-1)


def annealed(step: int, settings: VPLSettings) -> float:
    """lambda's share at a step: from the baseline up to 1 in each period, along a cosine."""
    rising = 0.5 * (1 - np.cos(np.pi * (step % settings.kl_period) / settings.kl_period))
    return float(settings.kl_baseline + (1 - settings.kl_baseline) * rising)


def divergence(mean: "Tensor", log_variance: "Tensor") -> "Tensor":
    """KL(N(mean, exp(log_variance)) || N(0, I)) in nats, (..., latent) -> (...)."""
    found: Tensor = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=-1)
    return found


@dataclass(frozen=True)
class _Course(Course):
    settings: VPLSettings

    @property
    def steps(self) -> int:
        return self.passes(self.settings.epochs, len(self.material.population.phi))

    def kept(self, found: Parameters) -> dict[str, Array]:
        return {**super().kept(found), "figures": networks.kept(np.array(self.report(found)))}

    def _noise(self, shape: tuple[int, ...]) -> "Tensor":
        from torch import from_numpy

        return from_numpy(self.chance.standard_normal(shape, dtype=np.float32))

    @cached_property
    def _watched(self) -> tuple[Batch, "Tensor"]:
        batch = self.watched(self.settings.context)
        return batch, self._tensor(batch)

    def _tensor(self, batch: Batch) -> "Tensor":
        from torch import from_numpy

        return from_numpy(self.scale(batch.phi).astype(np.float32))

    def loss(self, parameters: Parameters, step: int) -> "Tensor":
        import torch
        from torch.nn.functional import logsigmoid

        settings = self.settings
        known = few_or_many(self.chance, 0, settings.context)
        batch = self.people.draw(self.chance, settings.batch, known, settings.context)
        phi, weight = self._tensor(batch), torch.from_numpy(batch.weight)
        phi = phi + settings.jitter * self._noise(phi.shape) if settings.jitter else phi
        mean, log_variance = encoded(parameters, phi[:, :known], weight[:, :known])
        z = mean + (log_variance / 2).exp() * self._noise(mean.shape)
        if settings.normalised:
            z = z * settings.latent**0.5 / z.norm(dim=-1, keepdim=True)
        rewards = decoded(parameters, phi, z[:, None, None])
        likelihood = (logsigmoid(rewards[..., 0] - rewards[..., 1]) * weight).sum() / weight.sum()
        pull = settings.kl * annealed(step, settings) * divergence(mean, log_variance).mean()
        found: Tensor = pull - likelihood
        return found

    def held(self, parameters: Parameters) -> float:
        from torch.nn.functional import logsigmoid

        return -self._measured(parameters, self._latent(parameters)[0], logsigmoid)

    def report(self, parameters: Parameters) -> list[float]:
        """The figures, in their order."""
        mean, log_variance = self._latent(parameters)
        kl = float(divergence(mean, log_variance).mean())
        return [kl, *(self._measured(parameters, z, _right) for z in (mean, mean.roll(1, dims=0), 0 * mean))]

    def _latent(self, parameters: Parameters) -> tuple["Tensor", "Tensor"]:
        import torch

        batch, phi = self._watched
        with torch.no_grad():
            return encoded(parameters, phi[:, : batch.known], torch.from_numpy(batch.weight[:, : batch.known]))

    def _measured(self, parameters: Parameters, z: "Tensor", what: Callable[["Tensor"], "Tensor"]) -> float:
        """The mean over the pairs that were not shown."""
        import torch

        batch, phi = self._watched
        with torch.no_grad():
            rewards = decoded(parameters, phi[:, batch.known :], z[:, None, None])
            weight = torch.from_numpy(batch.weight[:, batch.known :])
            return float((what(rewards[..., 0] - rewards[..., 1]) * weight).sum() / weight.sum())


def _right(margin: "Tensor") -> "Tensor":
    from torch import sign

    return (sign(margin) + 1) / 2
