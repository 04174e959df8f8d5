"""All that is believed of a person, as a client or a page shows it."""

from collections.abc import Iterator

import numpy as np

from idiolect.learning import Learner, Reader
from idiolect.method import chosen_for
from idiolect.reward.protocol import Belief
from idiolect.schema import Preference, Profile, Taste, own_id

CONFIDENT = 1.64  # standard deviations from zero: 90 % of the posterior on one side
DIGITS = 4


def profile_of(person: Reader, learner: Learner, belief: Belief, said: tuple[Preference, ...]) -> Profile:
    """Tastes in the named attributes and in learnt directions, the surest first, with the statements in force."""
    return Profile(
        user=own_id(person.id),
        evidence=belief.seen,
        tastes=tuple(_tastes(learner, belief)),
        preferences=said,
        space=learner.space.version,
        inferred=learner.inferred(person),
        method=chosen_for(person),
    )


def _tastes(learner: Learner, belief: Belief) -> Iterator[Taste]:
    mean, sd = learner.reward.weights(belief)
    sureness = np.abs(mean) / sd
    means, sds = mean.round(DIGITS).tolist(), sd.round(DIGITS).tolist()
    for j in np.argsort(-sureness, kind="stable").tolist():
        name = learner.space.names[j]
        yield Taste(
            attribute=name,
            mean=means[j],
            sd=sds[j],
            description=learner.space.describe(name),
            confident=bool(sureness[j] > CONFIDENT),
        )
