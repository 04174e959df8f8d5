"""The methods that are held against each other, and the settings of each that are tried on the training users."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from idiolect.errors import UnknownMethod
from idiolect.evaluation.choice.answers import Material
from idiolect.evaluation.choice.baselines import BASELINES, Local
from idiolect.features.space import PreferenceSpace
from idiolect.reward import PERSONAL
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.population import Population
from idiolect.reward.protocol import FittedReward, PersonalReward
from idiolect.schema import Array

Override = Mapping[str, JsonValue]

ON_EMBEDDINGS = ("embedding-logistic",)  # these see the raw embedding; all others the preference space
OWN: Override = {}  # the settings that the method takes where none are given

GRIDS: dict[str, Sequence[Override]] = {
    "adapter": (OWN, {"mu": 0.3}, {"mu": 3.0}, {"rank": 8}),
    "dpa": (OWN, {"length": None}, {"concentration": 0.0}, {"scale": 1.0}),
    "embedding-logistic": (OWN, {"scale": 1.0}, {"scale": 2.0}, {"scale": 6.0}),
    "gaussian": (OWN, {"kinds": 5}, {"kinds": 20}, {"floor": 0.1}),
    "gpo": (
        OWN,
        {"steps": 1500},
        {"jitter": 0.6},
        {"rate": 5e-4},
    ),
    "lore": (OWN, {"rank": 10}, {"rank": 10, "pull": 2.0}, {"rank": 20, "pull": 2.0}),
    "nearest": (OWN, {"neighbours": 15}, {"neighbours": 15, "steepness": 3.0}, {"neighbours": 31, "steepness": 3.0}),
    "pal-a": (OWN, {"prototypes": 5}, {"prototypes": 10}, {"prototypes": 10, "loss": "logistic"}),
    "pal-b": (
        OWN,
        {"prototypes": 5, "batch": 32, "rate": 1e-3, "width": 64},
        {"prototypes": 10, "batch": 32, "rate": 1e-3, "width": 64},
        {"prototypes": 20, "batch": 32, "rate": 1e-3, "width": 64},
    ),
    "pref": (OWN, {"rank": 10}, {"rank": 20}, {"rank": 10, "strength": 0.1}),
    "prlhf": (
        OWN,
        {"width": 32},
        {"pull": 0.3},
        {"epochs": 10.0},
    ),
    "universal": (OWN, {"ridge": 0.01}, {"ridge": 0.1}, {"ridge": 1.0}),
    "vpl": (
        OWN,
        {"latent": 16},
        {"kl": 1e-3},
        {"jitter": 0.5},
    ),
}


@dataclass(frozen=True)
class Contender:
    """A method by name, and how it is made from what the training users chose."""

    name: str
    grid: Sequence[Override]
    make: Callable[[Population, Override], PersonalReward]
    module: str  # where its code is

    def view(self, material: Material) -> Array:
        """The features (prompts, models, d) that it sees."""
        return material.embedded if self.name in ON_EMBEDDINGS else material.phi


def contenders(names: Sequence[str], tried: int) -> list[Contender]:
    """The methods of these names, or all that are fitted on choices, with so many settings; 0 for brief fits."""
    everything = [
        *BASELINES,
        *(name for name, method in PERSONAL.items() if issubclass(method, FittedReward | Gaussian)),
    ]
    return [contender(name, tried) for name in names or sorted(everything)]


def contender(name: str, tried: int) -> Contender:
    """One of them. Raises UnknownMethod."""
    if name in BASELINES:
        return Contender(name, _grid(name, tried), _of_baseline(BASELINES[name]), Local.__module__)
    if name not in PERSONAL:
        there_are = ", ".join(sorted({*BASELINES, *PERSONAL}))
        raise UnknownMethod(f"no personal reward or baseline named {name!r}; there are: {there_are}")
    method = PERSONAL[name]
    if issubclass(method, FittedReward):
        return Contender(name, _grid(name, tried, method), _of_fitted(method), method.__module__)
    if issubclass(method, Gaussian):
        return Contender(name, (OWN,), _of_shipped(method), method.__module__)
    raise UnknownMethod(f"the reward {name!r} judges by a language model, not by features: bench choice cannot fit it")


def _grid(name: str, tried: int, method: type[FittedReward] | None = None) -> Sequence[Override]:
    if not tried:
        return (method.brief().model_dump() if method else OWN,)
    return GRIDS.get(name, (OWN,))[:tried]


def _of_baseline(method: type[Local]) -> Callable[[Population, Override], PersonalReward]:
    return lambda _, override: method.of(override)


def _of_fitted(method: type[FittedReward]) -> Callable[[Population, Override], PersonalReward]:
    return lambda population, override: method.fit(
        population, method.Settings.model_validate({**method.small().model_dump(), **override})
    )


def _of_shipped(method: type[Gaussian]) -> Callable[[Population, Override], PersonalReward]:
    return lambda _population, _override: method.shipped(PreferenceSpace.shipped())
