"""What is wrong with an answer by what is believed of a person: the plan that drafts are held against, and the faults.

    fault of statement s:  y seems to go against s,  at the cost  weight(s) (1 - 2 P(y respects s))
    fault of taste j:      |m_j| / sd_j > 1,         at the cost  |m_j| (1 - sign(m_j) phi_j(y))

P is the compliance scorer's. phi is in standard deviations of what answers usually have, and one more than usual is
enough. What costs less than a tenth of a logit is let pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from idiolect.features.attributes import ATTRIBUTES
from idiolect.generation.profile_prompt import words_of
from idiolect.reward.judged import Judged
from idiolect.schema import Array, Preference

ENOUGH = 1.0  # standard deviations: the usual answer does not yet please, and none has to be extreme
LEAST = 0.1  # logits: what costs less is no fault worth a call
SURE = 1.0  # |m_j| / sd_j: less than a prompt asks for, since a revision is taken only where all of r_u rises
MOST = 3  # faults that are told at once, the gravest: more than a model mends in one go


@dataclass(frozen=True)
class Tastes:
    """The posterior's mean and sd (d,) of the weights of the directions with these names."""

    names: Sequence[str]
    mean: Array
    sd: Array


@dataclass(frozen=True)
class Fault:
    """Something to mend. `about` is an attribute, or the id of a statement; `words` are for the model."""

    about: str
    words: str
    cost: float  # of r_u
    is_said: bool = False  # in the person's words


def faults(judged: Judged, at: int, statements: Sequence[Preference], tastes: Tastes) -> tuple[Fault, ...]:
    """Of one of the judged answers, gravest first; none where nothing is believed that it goes against."""
    broken = [
        Fault(said.id, words_of(said), float(-row[at]), is_said=True)
        for said, row in zip(statements, judged.told, strict=True)
        if row[at] < -LEAST
    ]
    short = np.abs(tastes.mean) * (ENOUGH - np.sign(tastes.mean) * judged.phi[at])
    in_words = {said.attribute for said in statements}
    missed = [
        Fault(name, ATTRIBUTES[name].high if mean > 0 else ATTRIBUTES[name].low, float(cost))
        for name, mean, sd, cost in zip(tastes.names, tastes.mean, tastes.sd, short, strict=True)
        if name in ATTRIBUTES and (abs(mean) > SURE * sd or name in in_words) and cost > LEAST
    ]
    return tuple(sorted(broken + missed, key=lambda fault: -fault.cost)[:MOST])
