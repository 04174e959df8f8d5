"""MaxMin-RLHF: a few rewards for a few kinds of people, and a policy for the kind that fares worst.

    EM over people:  r_k fitted on those whom it explains best, k = 1..K;   max over pi  min_k E r_k - beta KL

(Chakraborty et al., 2024, arXiv 2402.08925, sections 4 and 5.) The rewards are linear in named objectives of an answer;
who belongs to which is decided by all of a person's choices together. The policy is trained by RLOO on the reward whose
mean is lowest so far. Shared: the rewards and the policy.  Per user: which reward is theirs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt

from idiolect.alignment.training.inner.course import Stage
from idiolect.alignment.training.inner.gradient import Drawing, PolicyGradient, Scalar
from idiolect.alignment.training.items import Item
from idiolect.alignment.training.methods.policy_gradient import DrawnSettings, scoring, stage, writing
from idiolect.alignment.training.objectives import LESS, scorer, worth
from idiolect.alignment.training.protocol import Job, Method, enough
from idiolect.alignment.training.settings import TrainingSettings
from idiolect.reward.minimise import newton
from idiolect.reward.protocol import sigmoid
from idiolect.schema import Array

ROUNDS = 100  # of EM, at most


class MaxMinSettings(DrawnSettings):
    """Of MaxMin."""

    kinds: PositiveInt = Field(2, description="K, rewards; it must be given.")
    objectives: tuple[str, ...] = Field((), description="That rewards are linear in; empty: all named attributes.")
    ridge: PositiveFloat = Field(1.0, description="Pull of a reward's weights to 0.")
    starts: PositiveInt = Field(10, description="Of EM, from chance; the likeliest end counts.")


@dataclass(frozen=True)
class Mixture:
    """Rewards (K, d), and each person's place among them (U,)."""

    heads: Array
    kind: NDArray[np.intp]
    likelihood: float


class MaxMin(Method[MaxMinSettings]):
    """See above."""

    Settings: ClassVar[type[TrainingSettings]] = MaxMinSettings
    instead: ClassVar[str] = "`rloo` needs no kinds of people"

    def check(self, job: Job) -> None:
        """People, to be of some kinds."""
        super().check(job)
        enough(self, "people, two of each kind", len(job.data.users), 2 * self.settings.kinds)

    def stages(self, job: Job) -> Iterator[Stage]:
        """EM, then one course."""
        settings = self.settings
        names = settings.objectives or tuple(name for name in job.scorers if not name.startswith(LESS))
        scorers = [scorer(job, name) for name in names]
        found = worth(job, job.data.own, names)
        spread = found.reshape(-1, len(names)).std(axis=0)
        deltas = (found[:, 0] - found[:, 1]) / spread
        user = np.array([job.number(pair.user) - 1 for pair in job.data.own])
        mixture = expected(deltas, user, settings)
        shares = np.bincount(mixture.kind, minlength=settings.kinds) / len(mixture.kind)
        job.notes.append(f"kinds of people, as shares: {', '.join(f'{share:.2f}' for share in shares)}")

        def of(prompt: str, text: str) -> Array:
            phi = np.array([each(prompt, [text])[0] for each in scorers]) / spread
            return np.asarray(mixture.heads @ phi)

        base = (found / spread).reshape(-1, len(names)) @ mixture.heads.T  # from here a gain of each kind is counted
        nought = base.mean(axis=0)
        scalar = Scalar([1.0] * settings.kinds, [0.0] * settings.kinds, "worst")
        drawing = Drawing(
            "rloo",
            settings.answers,
            writing(job, settings),
            settings.pull,
            False,
            scoring(job, lambda prompt, text: of(prompt, text) - nought),
        )
        yield stage(job, settings, PolicyGradient(scalar, drawing))

    def held(self, job: Job) -> list[Item]:
        """Nothing: what people chose is not what is learnt."""
        return []


def expected(deltas: Array, user: NDArray[np.intp], settings: MaxMinSettings) -> Mixture:
    """EM (n, d) with hard places, from several starts: the one with the highest likelihood."""
    chance = np.random.default_rng((settings.seed, 6))
    people = int(user.max()) + 1
    found = [
        _climbed(deltas, user, chance.integers(settings.kinds, size=people), settings) for _ in range(settings.starts)
    ]
    return max(found, key=lambda each: each.likelihood)


def _climbed(deltas: Array, user: NDArray[np.intp], kind: NDArray[np.intp], settings: MaxMinSettings) -> Mixture:
    for _ in range(ROUNDS):
        heads = np.stack([_head(deltas[kind[user] == k], settings.ridge) for k in range(settings.kinds)])
        nats = -np.logaddexp(0.0, -(deltas @ heads.T))  # (n, K)
        by_person = np.zeros((len(kind), settings.kinds))
        np.add.at(by_person, user, nats)
        best = by_person.argmax(axis=1)
        if (best == kind).all():
            break
        kind = best
    return Mixture(heads, kind, float(by_person.max(axis=1).sum() - 0.5 * settings.ridge * (heads**2).sum()))


def _head(deltas: Array, ridge: float) -> Array:
    """(n, d) -> (d,): Bradley and Terry's, with a ridge."""

    def loss(w: Array) -> tuple[float, Array, Array]:
        margin = deltas @ w
        p = sigmoid(-margin)
        value = float(np.logaddexp(0.0, -margin).sum() + 0.5 * ridge * w @ w)
        return value, ridge * w - deltas.T @ p, (deltas * (p * (1 - p))[:, None]).T @ deltas + ridge * np.eye(len(w))

    return newton(loss, np.zeros(deltas.shape[1]))
