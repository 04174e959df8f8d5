"""Rewards that share a network, trained on the pairs of a population: how each is fitted, saved and restored.

A method says where its network starts (`start`), what it minimises (its `Course`), what it believes of a person after
some pairs (`derived`), and how it scores.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from pydantic import BaseModel

from idiolect.reward import networks
from idiolect.reward.checkpoint import Checkpoint
from idiolect.reward.factored import array_of
from idiolect.reward.networks import Parameters, Training
from idiolect.reward.pairs import Batch, PairReward, Rows, Sampler, Scale, split
from idiolect.reward.population import Population, Progress
from idiolect.schema import Array

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Material:
    """What a fit has: a population, the scale of its phi, who is trained on, and who only says when to stop."""

    population: Population
    scale: Scale
    people: Sequence[int]
    spared: Sequence[int]

    @classmethod
    def of(cls, population: Population, settings: Training) -> "Material":
        """Raises DataError for a population without pairs, or of numbers that are not finite."""
        scale = Scale.of(population, centred=settings.centred)
        return cls(population, scale, *split(population, settings.held_out, settings.seed))


@dataclass(frozen=True)
class Course(ABC):
    """The training of one network: its steps, the loss of each, and the measure by which it is stopped."""

    settings: Training
    material: Material

    @property
    @abstractmethod
    def steps(self) -> int:
        """How many there are, unless it is stopped."""

    def begin(self, start: Parameters) -> Parameters:
        """What is trained. A tensor that no loss reads stays as it is."""
        return start

    @abstractmethod
    def loss(self, parameters: Parameters, step: int) -> "Tensor":
        """Of a batch that is drawn anew."""

    @abstractmethod
    def held(self, parameters: Parameters) -> float:
        """The loss of the people held out."""

    def kept(self, found: Parameters) -> dict[str, Array]:
        """What is shared, of what was trained."""
        return networks.arrays_of(found)

    @property
    def scale(self) -> Scale:
        """Of phi."""
        return self.material.scale

    @cached_property
    def chance(self) -> np.random.Generator:
        """Of the batches and the noise."""
        return np.random.default_rng((self.settings.seed, 2))

    @cached_property
    def people(self) -> Sampler:
        """Those trained on, with their pairs."""
        return Sampler(self.material.population, self.material.people)

    @cached_property
    def rows(self) -> Rows:
        """The pairs of those trained on."""
        return Rows(self.material.population, self.material.people)

    def watched(self, most: int) -> Batch:
        """The people held out, or where nobody could be, those trained on; of each at most so many pairs are known."""
        spared = Sampler(self.material.population, self.material.spared or self.material.people)
        return spared.everybody(most, self.settings.seed)

    def passes(self, epochs: float, pairs: int) -> int:
        """The steps that so many passes over the pairs take."""
        return max(1, round(epochs * pairs / self.settings.batch))


@dataclass(frozen=True)
class NetworkReward(PairReward):
    """`shared` is the network, by the names of its layers, and the scale of phi."""

    Settings: ClassVar[type[Training]]

    shared: Mapping[str, Array]
    settings: Training

    @abstractmethod
    def start(self, dim: int) -> Parameters:
        """The network before training, for features of so many directions."""

    @abstractmethod
    def course(self, material: Material) -> Course:
        """How it is trained."""

    def shapes(self, dim: int) -> dict[str, tuple[int, ...]]:
        """Of the arrays that are shared."""
        found = {name: tuple(tensor.shape) for name, tensor in self.start(dim).items()}
        return {**found, Scale.MEAN: (dim,), Scale.SD: (dim,)}

    @classmethod
    def fit(
        cls,
        population: Population,
        settings: BaseModel | None = None,
        progress: Progress | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self:
        """Train the network; without settings, under the small ones. Raises MissingExtra, SettingsError, DataError."""
        empty = cls({}, cls.Settings.model_validate(settings or cls.small()))
        networks.load()
        with networks.one_thread():
            material = Material.of(population, empty.settings)
            course = empty.course(material)
            held = course.held if material.spared else None
            task = networks.Task(course.begin(empty.start(population.dim)), course.loss, held, course.chance)
            shared = course.kept(networks.trained(task, course.steps, empty.settings, progress, checkpoint))
        return cls({**shared, **material.scale.arrays}, empty.settings)

    @classmethod
    def restored(cls, arrays: Mapping[str, Array], settings: BaseModel) -> Self:
        """From what was saved. Raises DataError for arrays of another form."""
        empty = cls({}, cls.Settings.model_validate(settings))
        dim = len(array_of(arrays, Scale.MEAN, None))
        networks.load()
        return cls(networks.restored(arrays, empty.shapes(dim)), empty.settings)

    @cached_property
    def _parameters(self) -> Parameters:
        return networks.tensors(self.shared)

    @cached_property
    def _scale(self) -> Scale:
        return Scale.among(self.shared, centred=self.settings.centred)
