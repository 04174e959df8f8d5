"""GPO: a transformer reads a person's choices and scores what it has not seen (Zhao et al., 2023, arXiv 2310.11523).

    max  E_group E_split  sum_{j > m} log N(s_j; mean_j, sd_j)

A point is an answer with its score: [phi_i; s_i] in the context, i <= m, and [phi_j; 0] where the score is asked for.
The chosen answer of a pair has s = 1, the other 0; both answers of a tie have 1/2. Nothing has a position; every point
attends to the context only, so that no answer's score depends on which others are asked about. Shared: the transformer.
Per user: the context, no gradient. Cold start: of no context, what the transformer expects of anybody.

The scores of one question's options are renormalised to sum to 1, so r = log(score), and two answers' chances are their
scores' shares. A score that falls under 0 is bent to a small positive number (softplus).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from idiolect.errors import SettingsError
from idiolect.reward import networks
from idiolect.reward.network_reward import Course, Material, NetworkReward
from idiolect.reward.networks import Parameters, Training
from idiolect.reward.pairs import Batch, Pairs, check, few_or_many, remembered
from idiolect.reward.protocol import Asked, Belief, Scores
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor

BEND = 0.05  # scores below about this are bent so that their logarithm exists
LEAST_SD = 1e-3


class GPOSettings(Training):
    """The paper's, for pooled embeddings of a language model; `small` is for features of some sixty directions."""

    layers: PositiveInt = Field(6, description="Of the transformer (the released settings).")
    width: PositiveInt = Field(128, description="Of a point (the released settings).")
    heads: PositiveInt = Field(4, description="Of attention (the released settings).")
    feed_forward: PositiveInt = Field(128, description="Hidden width of each layer (the released settings).")
    depth: PositiveInt = Field(4, description="Layers of the embedder (the released settings).")
    rate: PositiveFloat = Field(3e-4, description="Cosine (the released settings).")
    warm_up: float = Field(0.0, ge=0, lt=1, description="None in the paper.")
    steps: PositiveInt = Field(200_000, description="Of 32 groups each (the released settings).")
    least_context: int = Field(10, ge=0, description="Questions shown at least (the released settings).")
    most_context: PositiveInt = Field(100, description="Questions shown at most (the released settings).")
    targets: PositiveInt = Field(100, description="Questions asked at most (the released settings).")


@dataclass(frozen=True)
class GPO(NetworkReward):
    """Arrays of a belief: the pairs."""

    Settings: ClassVar[type[Training]] = GPOSettings
    name: ClassVar[str] = "gpo"

    settings: GPOSettings

    @classmethod
    def small(cls) -> GPOSettings:
        """Two layers of width 64, for hundreds of people who give between no choice and fifty.

        phi is centred over the options, which the paper's poll questions do not need: they repeat from group to group,
        but here each prompt is new, and what its answers have in common says nothing of the person.
        """
        return GPOSettings(
            layers=2,
            width=64,
            feed_forward=64,
            depth=1,
            weight_decay=0.1,
            rate=1e-3,
            steps=1800,
            least_context=0,
            most_context=50,
            targets=20,
            centred=True,
            jitter=0.3,
        )

    @classmethod
    def brief(cls) -> GPOSettings:
        """The small ones, for a second or two."""
        return cls.small().model_copy(update={"steps": 60, "batch": 8, "layers": 1, "width": 16, "feed_forward": 16})

    def start(self, dim: int) -> Parameters:
        """The network before training."""
        import torch

        settings = self.settings
        if settings.width % settings.heads:
            raise SettingsError(
                f"a width of {settings.width} cannot be shared by {settings.heads} heads; choose a multiple"
            )
        chance, width = networks.generator(settings.seed), settings.width
        found = networks.layers("embed", (dim + 1, *[width] * settings.depth), chance)
        for layer in range(settings.layers):
            for name, sizes in {
                "query": (width, width),
                "key": (width, width),
                "value": (width, width),
                "out": (width, width),
                "forward": (width, settings.feed_forward, width),
            }.items():
                found |= networks.layers(f"layer.{layer}.{name}", sizes, chance)
            for norm in ("after_attention", "after_forward"):
                found |= {
                    f"layer.{layer}.{norm}.weight": torch.ones(width),
                    f"layer.{layer}.{norm}.bias": torch.zeros(width),
                }
        return found | networks.layers("head", (width, width, 2), chance)

    def course(self, material: Material) -> "_Course":
        """Groups of choices, some shown and the others asked about."""
        return _Course(self.settings, material)

    def derived(self, pairs: Pairs) -> dict[str, Array]:
        """Nothing: the pairs are the context."""
        return {}

    def score(self, belief: Belief, phi: Array, asked: Asked | None = None) -> Scores:
        """phi (n, d) -> the logarithm of each answer's score, and its sd (n,)."""
        import torch

        check(phi, self.dim)
        pairs, weight = remembered(belief)
        context = torch.from_numpy(self._scale(pairs).reshape(-1, self.dim))
        options = torch.from_numpy(self._scale(phi))
        with torch.no_grad():
            mean, sd = read(self._parameters, self.settings, context, torch.from_numpy(weight.repeat(2)), options)
        bent = BEND * np.logaddexp(0.0, mean.numpy() / BEND)
        return Scores(np.log(bent), sd.numpy() / bent)


def read(
    parameters: Parameters, settings: GPOSettings, context: "Tensor", weight: "Tensor", options: "Tensor"
) -> tuple["Tensor", "Tensor"]:
    """Context (..., 2m, d) of m pairs, chosen and rejected in turn, each counted `weight` (..., 2m) times; options
    (..., n, d) -> mean and sd (..., n) of their scores.
    """
    import torch

    known = context.shape[-2]
    scores = torch.zeros((*context.shape[:-2], known + options.shape[-2], 1), dtype=options.dtype)
    scores[..., 0:known:2, :] = 1.0
    x = networks.mlp(parameters, "embed", torch.cat([torch.cat([context, options], dim=-2), scores], dim=-1))
    for layer in range(settings.layers):
        name = f"layer.{layer}"
        x = _norm(parameters, f"{name}.after_attention", x + _attention(parameters, name, settings.heads, x, weight))
        x = _norm(parameters, f"{name}.after_forward", x + networks.mlp(parameters, f"{name}.forward", x))
    found = networks.mlp(parameters, "head", x[..., known:, :])
    return found[..., 0], LEAST_SD + found[..., 1].clamp(max=5).exp()


def _attention(parameters: Parameters, name: str, heads: int, x: "Tensor", weight: "Tensor") -> "Tensor":
    known = weight.shape[-1]

    def parted(part: str, of: "Tensor") -> "Tensor":
        found = networks.mlp(parameters, f"{name}.{part}", of)
        return found.reshape(*found.shape[:-1], heads, found.shape[-1] // heads).transpose(-2, -3)

    query, key, value = parted("query", x), parted("key", x[..., :known, :]), parted("value", x[..., :known, :])
    found = networks.attend(query, key, value, weight.unsqueeze(-2)).transpose(-2, -3).flatten(-2)
    return networks.mlp(parameters, f"{name}.out", found)


def _norm(parameters: Parameters, name: str, x: "Tensor") -> "Tensor":
    from torch.nn.functional import layer_norm

    return layer_norm(x, x.shape[-1:], parameters[f"{name}.weight"], parameters[f"{name}.bias"])


@dataclass(frozen=True)
class _Course(Course):
    settings: GPOSettings

    @property
    def steps(self) -> int:
        return self.settings.steps

    @cached_property
    def _watched(self) -> Batch:
        return self.watched(self.settings.most_context)

    def loss(self, parameters: Parameters, step: int) -> "Tensor":
        settings = self.settings
        known = few_or_many(self.chance, settings.least_context, settings.most_context)
        return self._loss(
            parameters, self.people.draw(self.chance, settings.batch, known, settings.targets), settings.jitter
        )

    def held(self, parameters: Parameters) -> float:
        import torch

        with torch.no_grad():
            return float(self._loss(parameters, self._watched, jitter=0.0))

    def _loss(self, parameters: Parameters, batch: Batch, jitter: float) -> "Tensor":
        """Minus the log-likelihood of the scores that were not shown, a target's mean."""
        import torch

        phi = self.scale(batch.phi)
        phi = phi + jitter * self.chance.normal(size=phi.shape) if jitter else phi
        pairs, weight = (
            torch.from_numpy(phi.astype(np.float32)).flatten(1, 2),
            torch.from_numpy(batch.weight.repeat(2, 1)),
        )
        known = 2 * batch.known
        mean, sd = read(parameters, self.settings, pairs[:, :known], weight[:, :known], pairs[:, known:])
        target = torch.zeros_like(mean)
        target[:, ::2] = 1.0
        nats = ((target - mean) / sd) ** 2 / 2 + sd.log()
        found: Tensor = (nats * weight[:, known:]).sum() / weight[:, known:].sum()
        return found
