"""Rewards-in-Context: the wanted rewards stand in the prompt (Yang et al., 2024, arXiv 2402.10207, section 3).

    offline:  SFT on all answers, of prompts "x <warm> 0.7 <concise> -0.2", the rewards that each answer has
    online:   ask for rewards on the front, keep the answers whose least reward is high, and SFT on these and some old
    serving:  R_i(w) = r_i^min + min(1, m w_i) (r_i^max - r_i^min), the largest w_i getting r_i^max

Rewards are standardised and told with one decimal. Shared: one model.  Per user: w, which only changes the prompt.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from idiolect.alignment.training.inner.course import Stage
from idiolect.alignment.training.inner.losses import Likelihood
from idiolect.alignment.training.inner.policy import Policy
from idiolect.alignment.training.inner.sampling import Writing, sampled
from idiolect.alignment.training.items import Item, Said
from idiolect.alignment.training.objectives import scorer, worth
from idiolect.alignment.training.protocol import Job, Method
from idiolect.alignment.training.settings import TrainingSettings
from idiolect.schema import Array


class RiCSettings(TrainingSettings):
    """Of Rewards-in-Context."""

    objectives: tuple[str, ...] = Field(min_length=1, description='By name, such as ["warmth", "less:length"].')
    rounds: NonNegativeInt = Field(2, description="Online ones (the paper).")
    answers: PositiveInt = Field(200, description="Drawn in each round; the paper has 20,000.")
    quantile: float = Field(0.7, ge=0, lt=1, description="Of the least reward, above which an answer is kept (RiC).")
    old: float = Field(0.5, ge=0, description="Old answers beside each that is kept (RiC: 10,000 beside 20,000).")
    online_rate: PositiveFloat = Field(3e-5, description="Of the rounds; a fraction of `rate`, as in the paper.")


@dataclass(frozen=True)
class Scale:
    """How rewards are told: standardised, with their ends."""

    names: tuple[str, ...]
    mean: Array  # (m,)
    sd: Array
    low: Array  # standardised
    high: Array

    @classmethod
    def of(cls, names: Sequence[str], values: Array) -> "Scale":
        """`values` (n, m)"""
        mean, sd = values.mean(axis=0), values.std(axis=0)
        told = (values - mean) / sd
        return cls(tuple(names), mean, sd, told.min(axis=0), told.max(axis=0))

    def told(self, values: Array) -> Array:
        """(n, m), standardised."""
        return np.asarray((values - self.mean) / self.sd)

    def wanted(self, weights: Mapping[str, float]) -> Array:
        """(m,): the rewards to ask for, for a person's weights."""
        w = np.array([weights.get(name, 0.0) for name in self.names])
        share = np.minimum(1.0, len(w) * w / w.sum())
        share[w == w.max()] = 1.0
        return np.asarray(self.low + share * (self.high - self.low))


def rendered(prompt: str, names: Sequence[str], told: Array) -> str:
    """A prompt with the rewards that its answer has, or shall have."""
    return " ".join([prompt, *(f"<{name}> {value:.1f}" for name, value in zip(names, told, strict=True))])


def parsed(text: str) -> tuple[str, dict[str, float]]:
    """The way back."""
    found = re.findall(r" <([^<>]+)> (-?\d+\.\d)", text)
    return text.partition(f" <{found[0][0]}>")[0] if found else text, {name: float(value) for name, value in found}


class RiC(Method[RiCSettings]):
    """See above."""

    Settings: ClassVar[type[TrainingSettings]] = RiCSettings

    def check(self, job: Job) -> None:
        """What is drawn online must be scored: rewards that only a file knows do for rounds=0."""
        super().check(job)
        for name in self.settings.objectives if self.settings.rounds else ():
            scorer(job, name)

    def courses(self, job: Job) -> int:
        """Offline, and the rounds."""
        return 1 + self.settings.rounds

    def stages(self, job: Job) -> Iterator[Stage]:
        """One policy, trained on."""
        names, pairs = self.settings.objectives, job.data.own
        values = worth(job, pairs, names).reshape(-1, len(names))
        scale = Scale.of(names, values)
        texts = [(pair.prompt, text) for pair in pairs for text in (pair.chosen, pair.rejected)]
        offline = [
            self._item(job, prompt, text, told) for (prompt, text), told in zip(texts, scale.told(values), strict=True)
        ]
        policy = Policy(job.network(), Likelihood(), self.settings)
        yield Stage("offline", policy, offline, self.settings, is_relative=False)
        rated = self.settings.model_copy(update={"rate": self.settings.online_rate})
        for number in range(self.settings.rounds):
            items = self._round(job, policy, scale, number)
            if not items:
                job.notes.append(f"round {number + 1} drew no answer worth keeping, and was the last")
                return
            chance = np.random.default_rng((self.settings.seed, 5, number))
            kept = chance.choice(len(offline), min(len(offline), round(self.settings.old * len(items))), replace=False)
            yield Stage(
                f"online-{number + 1}", policy, [*items, *(offline[at] for at in kept)], rated, is_relative=False
            )

    def figures(self, job: Job, policy: Policy) -> dict[str, float]:
        """What it takes to ask for rewards: the scale of each objective."""
        names = self.settings.objectives
        scale = Scale.of(names, worth(job, job.data.own, names).reshape(-1, len(names)))
        columns = {"mean": scale.mean, "sd": scale.sd, "lowest": scale.low, "highest": scale.high}
        return {f"{told} of {name}": float(own[at]) for at, name in enumerate(names) for told, own in columns.items()}

    def held(self, job: Job) -> list[Item]:
        """Nothing: the prompts of those pairs ask for no rewards."""
        return []

    def _item(self, job: Job, prompt: str, text: str, told: Array) -> Item:
        return Item(
            (Said(job.tokens.prompt(rendered(prompt, self.settings.objectives, told)), job.tokens.answer(text)),)
        )

    def _round(self, job: Job, policy: Policy, scale: Scale, number: int) -> list[Item]:
        """Answers to prompts that ask for points of the front, with the rewards that they got."""
        settings, chance = self.settings, np.random.default_rng((self.settings.seed, 4, number))
        prompts = sorted({pair.prompt for pair in job.data.own})
        asked = [prompts[at] for at in chance.integers(len(prompts), size=settings.answers)]
        weights = chance.dirichlet(np.ones(len(scale.names)), size=settings.answers)
        scorers = [scorer(job, name) for name in scale.names]
        texts, writing = [], Writing(job.tokens.end, settings.answer_tokens)
        with torch.random.fork_rng():
            torch.manual_seed((settings.seed << 8) + number)
            for first in range(0, settings.answers, 2 * settings.at_once):
                some = range(first, min(settings.answers, first + 2 * settings.at_once))
                wanted = [scale.wanted(dict(zip(scale.names, weights[at], strict=True))) for at in some]
                ids = [
                    job.tokens.prompt(rendered(asked[at], scale.names, told))
                    for at, told in zip(some, wanted, strict=True)
                ]
                texts += [job.tokens.text(each[0]) for each in sampled(policy, ids, 1, writing)]
        got = np.array(
            [[score(prompt, [text])[0] for score in scorers] for prompt, text in zip(asked, texts, strict=True)]
        )
        told = scale.told(got)
        least = told.min(axis=1)
        good = [at for at in np.flatnonzero(least >= np.quantile(least, settings.quantile)) if texts[at].strip()]
        return [self._item(job, asked[at], texts[at], told[at]) for at in good]
