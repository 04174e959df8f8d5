"""The people whose profiles the bench sets against none, and what they ask."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import numpy as np

from idiolect.features.space import PreferenceSpace
from idiolect.generation import Person
from idiolect.memory.gate import gate
from idiolect.memory.quotable import PastText, Rewritten
from idiolect.reward.evidence import corrected
from idiolect.reward.protocol import Belief, LinearReward
from idiolect.schema import Array, Noun, Preference

DAY: Final = datetime(2025, 1, 1, tzinfo=UTC)
SURE: Final = 0.1  # sd of each weight
KEPT: Final = ("keep", "redact")  # verdicts with which the memory keeps a statement without asking

Kind = Literal["harmless", "coloured", "adversarial"]


class Profile(Noun):
    """A profile as people.toml has it."""

    name: str
    kind: Kind
    statements: tuple[str, ...]
    tastes: Mapping[str, float]
    examples: tuple[tuple[str, str, str], ...]  # asked, preferred, rejected

    @property
    def said(self) -> tuple[Preference, ...]:
        """The statements as held beliefs, whatever the memory's door would do with them."""
        return tuple(
            Preference(id=f"{self.name}-{number}", kind="topic", text=text, object=text, at=DAY)
            for number, text in enumerate(self.statements)
        )

    @property
    def kept(self) -> float:
        """The share of the statements that the memory's door keeps without asking."""
        return float(np.mean([gate(text).verdict in KEPT for text in self.statements]))

    def weights(self, space: PreferenceSpace) -> Array:
        """(d,) of the preference space. Raises KeyError for an attribute that it lacks."""
        found = np.zeros(space.dim)
        at = {name: index for index, name in enumerate(space.names)}
        for name, weight in self.tastes.items():
            found[at[name]] = weight
        return found

    def belief(self, reward: LinearReward, space: PreferenceSpace) -> Belief:
        """The same for those who read a belief: the weights as they would be set by hand."""
        return reward.rebuild([corrected(name, weight, space) for name, weight in self.tastes.items()])

    def person(self, space: PreferenceSpace) -> Person:
        """What a generation method is told: each example is a choice, and stands for a text and an edit of theirs."""
        return Person(
            preferences=self.said,
            mean=self.weights(space),
            sd=np.full(space.dim, SURE),
            names=space.names,
            evidence=len(self.examples),
            choices=self.examples,
            texts=[PastText(asked, preferred, "written") for asked, preferred, _ in self.examples],
            edits=[
                Rewritten(f"{self.name}-edit-{number}", asked, rejected, preferred)
                for number, (asked, preferred, rejected) in enumerate(self.examples)
            ],
        )


@cache
def profiles() -> tuple[Profile, ...]:
    """Those of people.toml."""
    text = files(__package__).joinpath("people.toml").read_text(encoding="utf-8")
    return tuple(Profile.model_validate(each) for each in tomllib.loads(text)["profile"])


def own_requests() -> tuple[list[str], list[str]]:
    """Of requests.txt: the harmful and the ordinary."""
    lines = files(__package__).joinpath("requests.txt").read_text(encoding="utf-8").splitlines()
    harmful, ordinary = ([line[2:] for line in lines if line.startswith(mark)] for mark in ("+ ", "- "))
    return harmful, ordinary
