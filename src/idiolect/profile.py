"""All that is believed of a person, as a client or a page shows it."""

from idiolect.features.space import PreferenceSpace
from idiolect.learning import Learner
from idiolect.memory.store import UserStore
from idiolect.reward.protocol import Belief
from idiolect.schema import Profile, Taste

CONFIDENT = 1.64  # standard deviations from zero: 90 % of the posterior on one side


def profile_of(person: UserStore, learner: Learner, belief: Belief) -> Profile:
    """Tastes in the named attributes and in learnt directions, the surest first, with the statements in force."""
    mean, sd = learner.reward.weights(belief)
    tastes = [_taste(learner.space, j, float(mean[j]), float(sd[j])) for j in range(learner.space.dim)]
    return Profile(
        user=person.id,
        evidence=belief.seen,
        tastes=tuple(sorted(tastes, key=lambda taste: -abs(taste.mean) / taste.sd)),
        preferences=person.preferences(),
        space=learner.space.version,
    )


def _taste(space: PreferenceSpace, j: int, mean: float, sd: float) -> Taste:
    return Taste(
        attribute=space.names[j],
        mean=round(mean, 4),
        sd=round(sd, 4),
        description=space.describe(space.names[j]),
        confident=abs(mean) > CONFIDENT * sd,
    )
