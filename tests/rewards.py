"""A small population with six kinds of taste, and every registered reward fitted on it, for tests of the contract."""

from functools import cache
from typing import Protocol, cast

import numpy as np

from idiolect.features.space import PreferenceSpace
from idiolect.models.scripted import Scripted
from idiolect.reward import PERSONAL
from idiolect.reward.judge import Judge
from idiolect.reward.population import Population
from idiolect.reward.protocol import Asked, Chosen, Evidence, FittedReward, PersonalReward, Rated, Said, Tied
from idiolect.reward.synthesizeme import SynthesizeMe
from idiolect.schema import Array

SPACE = PreferenceSpace.shipped()
PROMPT = 8  # numbers of a prompt's embedding
KINDS = 6


class Shipped(Protocol):
    """A reward that comes with the package."""

    @classmethod
    def shipped(cls, space: PreferenceSpace) -> PersonalReward: ...


def tastes() -> Array:
    """(KINDS, d): each of a few attributes."""
    rng = np.random.default_rng(99)
    drawn: Array = rng.normal(size=(KINDS, SPACE.dim)) * (rng.random((KINDS, SPACE.dim)) < 0.2)
    return drawn


@cache
def population(people: int = 30, each: int = 8, seed: int = 0) -> Population:
    """People who follow one kind of taste, with some noise."""
    rng = np.random.default_rng(seed)
    weights = np.repeat(tastes()[rng.integers(KINDS, size=people)], each, axis=0)
    phi = rng.normal(size=(people * each, 2, SPACE.dim))
    margin = np.einsum("md,md->m", phi[:, 0] - phi[:, 1], weights) + rng.logistic(size=people * each)
    phi = np.where((margin > 0)[:, None, None], phi, phi[:, ::-1])
    return Population(
        tuple(f"person-{u}" for u in range(people)),
        phi.astype(np.float32),
        np.repeat(np.arange(people), each).astype(np.int32),
        np.ones(people * each, np.float32),
        rng.normal(size=(people * each, PROMPT)).astype(np.float32),
    )


@cache
def made(name: str) -> PersonalReward:
    """The reward of that name: fitted briefly, on the scripted model, or as it comes with the package."""
    method = PERSONAL[name]
    if issubclass(method, FittedReward):
        return method.fit(population(), method.brief())
    if issubclass(method, Judge | SynthesizeMe):
        return method(Scripted(), SPACE)
    return cast("type[Shipped]", method).shipped(SPACE)


def asked(rng: np.random.Generator, answers: int) -> Asked:
    """A question with made-up words, for rewards that read more than phi."""
    words = tuple(f"answer {rng.integers(1000)}" for _ in range(answers))
    return Asked(prompt=f"question {rng.integers(1000)}", embedding=rng.normal(size=PROMPT), answers=words)


def choice(rng: np.random.Generator, answers: int = 2) -> Chosen:
    """One of some answers."""
    return Chosen(rng.normal(size=(answers, SPACE.dim)), asked=asked(rng, answers))


def evidence_of(seed: int, pieces: int = 12) -> list[Evidence]:
    """Pieces of every kind."""
    rng = np.random.default_rng(seed)
    found: list[Evidence] = []
    for number in range(pieces):
        tied = choice(rng)
        found.append(
            (
                choice(rng),
                choice(rng, 4),
                Tied(tied.phi, asked=tied.asked),
                Rated(rng.normal(size=SPACE.dim), float(rng.integers(1, 6)), asked(rng, 1)),
                Said(np.eye(SPACE.dim)[rng.integers(SPACE.dim)], 1.0, 0.25),
            )[number % 5]
        )
    return found
