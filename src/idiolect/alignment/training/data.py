"""What a training learns from: pairs of answers, of which somebody preferred one, as JSON lines or from the store.

A line is one choice, as `idiolect reward fit` reads it (see reward/choice_file.py): `user`, `prompt`, and `chosen` with
`rejected`, or `answers` with `choice`; a choice among k answers is k - 1 pairs, a tie one pair in both orders at half
weight each. Three more fields may stand in it:

    {"user": "ada", "prompt": "How ...?", "chosen": "Like so.", "rejected": "Well, ...", "group": "nurses",
     "profile": "Likes it short.", "rewards": {"warm": [0.2, 1.4], "concise": [1.1, -0.3]}}

`group` is for methods that are fair to groups; without it everybody is a group of their own. `profile` is told to the
model before the prompt (personalized SFT). `rewards` has, by objective, one number for each answer of the line, in the
order in which the line has them; objectives that are named attributes of answers need none: they are measured.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import model_validator

from idiolect.errors import DataError
from idiolect.reward.choice_file import Line, Text, numbered, parsed


@dataclass(frozen=True)
class Pair:
    """One preference of one person. `rewards` are those of the chosen answer and of the other, by objective."""

    user: str
    prompt: str
    chosen: str
    rejected: str
    group: str = ""
    profile: str = ""
    weight: float = 1.0
    rewards: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def turned(self) -> Self:
        """With the other answer preferred."""
        other = {name: (second, first) for name, (first, second) in self.rewards.items()}
        return replace(self, chosen=self.rejected, rejected=self.chosen, rewards=other)


@dataclass(frozen=True)
class Split:
    """What is trained on, and what tells afterwards what was learnt: the pairs of other prompts."""

    own: tuple[Pair, ...]
    held: tuple[Pair, ...] = ()

    @property
    def users(self) -> tuple[str, ...]:
        """Those that are trained on, in the order of their names."""
        return tuple(sorted({pair.user for pair in self.own}))

    @property
    def groups(self) -> tuple[str, ...]:
        """The same of groups."""
        return tuple(sorted({group_of(pair) for pair in self.own}))


class TrainingLine(Line):
    """A line as documented above."""

    group: Text | None = None
    profile: Text | None = None
    rewards: dict[str, list[float]] | None = None

    @model_validator(mode="after")
    def _a_number_for_each_answer(self) -> Self:
        count = 2 if self.answers is None else len(self.answers)
        for name, values in (self.rewards or {}).items():
            if len(values) != count or not all(map(math.isfinite, values)):
                raise ValueError(
                    f"`rewards` of {name!r} are {values}: give a finite number for each of {count} answers"
                )
        return self

    def pairs(self) -> Iterator[Pair]:
        """The chosen answer with each other one."""
        texts = self.answers or [self.chosen or "", self.rejected or ""]
        first = self.choice or 0
        others = [at for at in range(len(texts)) if at != first]
        tied = self.answers is not None and self.choice is None
        for other in others:
            pair = Pair(
                user=self.user,
                prompt=self.prompt,
                chosen=texts[first],
                rejected=texts[other],
                group=self.group or "",
                profile=self.profile or "",
                weight=self.weight / 2 if tied else self.weight,
                rewards={name: (values[first], values[other]) for name, values in (self.rewards or {}).items()},
            )
            yield pair
            if tied:
                yield pair.turned()


def read_pairs(path: Path) -> tuple[Pair, ...]:
    """All pairs of a file. Raises DataError with the number of the first line that is of another form."""
    return tuple(pair for number, text in numbered(path) for pair in parsed(TrainingLine, path, number, text).pairs())


def split(pairs: Sequence[Pair], share: float, seed: int) -> Split:
    """Hold out a share of the prompts, with all pairs of these. Raises DataError for no pairs at all."""
    if not pairs:
        raise DataError("there is nothing to train on: no pair of answers of which one was preferred")
    prompts = sorted({pair.prompt for pair in pairs})
    chance = np.random.default_rng((seed, 2))
    held = {prompts[at] for at in chance.permutation(len(prompts))[: round(share * len(prompts))]}
    return Split(
        tuple(pair for pair in pairs if pair.prompt not in held), tuple(pair for pair in pairs if pair.prompt in held)
    )


def group_of(pair: Pair) -> str:
    """The group that a pair counts for."""
    return pair.group or pair.user


def digest(pairs: Sequence[Pair]) -> str:
    """A sha256 of all that pairs say: a training goes on with the same ones only."""
    found = sha256()
    for pair in pairs:
        found.update(repr((pair, sorted(pair.rewards.items()))).encode())
    return found.hexdigest()
