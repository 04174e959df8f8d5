"""The adviser: ranks items for one person, says why, and asks what would tell most of them.

    score(i) = w . phi(i) + sum over statements s of weight(s) (2 P(s, i) - 1),   i among those that break no statement

w is the Gaussian belief of the library (`reward/gaussian.py`) over the columns of `features.py`, from this person's
picks. P(s, i) is the library's compliance scorer. A constraint, or something that somebody can't stand, is not weighed
but leaves items out: those that declare it where any does, since a label is surer than a judgement; else those that the
scorer says break it; and where neither tells any apart, the ranking says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, takewhile
from typing import Final

import numpy as np

from examples.shop.catalogue import Catalogue, Item
from examples.shop.features import ItemSpace
from examples.shop.notebook import Pick
from idiolect.reward.compliance import Claim, Compliance
from idiolect.reward.compliance.mentions import called, compared, read
from idiolect.reward.elicitation import (
    expected_information_gain,
    expected_narrowing,
    patience,
    recent,
    worth_asking,
)
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.protocol import Belief, Chosen, Evidence, Tied
from idiolect.schema import Array, Noun, Preference

BREAKS: Final = 0.5  # an item that respects a constraint with less than this chance is left out
HATED: Final = 0.8  # from this strength on ("I avoid", "I hate") a dislike is a constraint
LEAST_NATS: Final = 0.03  # a question that tells less is not asked
QUESTIONS: Final = 5  # of the interview
SHOWN: Final = 5  # items of a list
OFFERED: Final = 16  # items of which pairs are made, for a question
TOLD: Final = 3  # reasons for an item, and one against it
WORTH_TELLING: Final = 0.08  # of a logit
LABELS: Final = {"coeliac": "gluten", "celiac": "gluten", "lactose": "milk", "dairy": "milk", "plant-based": "vegan"}
UNNAMED: Final = frozenset(called("allergy allergic allergies intolerance food made products items"))


class Reason(Noun):
    """What an item has, and what that adds to its score above the mean of those that it is compared with."""

    words: str
    adds: float


class Advice(Noun):
    """An item in its place, with the reasons."""

    item: Item
    score: float  # above the mean of the items that were ranked
    sd: float
    reasons: tuple[Reason, ...]  # for it, the strongest first
    against: tuple[Reason, ...]


class LeftOut(Noun):
    """Items that a statement keeps out, as it was put; none where no item is known to break it."""

    words: str
    items: tuple[str, ...]


class Ranking(Noun):
    """What a person is advised."""

    advice: tuple[Advice, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Adviser:
    """Advises anybody; what is known of them is an argument."""

    catalogue: Catalogue
    space: ItemSpace
    reward: Gaussian
    compliance: Compliance

    def belief(self, picks: Sequence[Pick]) -> Belief:
        """What is believed of somebody who picked so; with no pick, what is believed of everybody."""
        return self.reward.rebuild([self._evidence(pick) for pick in picks])

    def ranked(
        self,
        picks: Sequence[Pick],
        said: Sequence[Claim] = (),
        department: str | None = None,
        most_eur: float | None = None,
    ) -> Ranking:
        """The best first. Two of the same score stand by their names, and one that nobody pays for goes first."""
        places = self.catalogue.within(department)
        places = [at for at in places if most_eur is None or self.catalogue.items[at].price_eur <= most_eur]
        if not places:
            return Ranking(advice=(), left_out=())
        hard = [claim for claim in said if _is_hard(claim)]
        left_out = tuple(self._left_out(claim, places) for claim in hard)
        gone = {item for each in left_out for item in each.items}
        places = [at for at in places if self.catalogue.items[at].id not in gone]
        if not places:
            return Ranking(advice=(), left_out=left_out)
        soft = [claim for claim in said if not _is_hard(claim)]
        wished = self.compliance.contributions(soft, "", self._words(places))
        wished -= wished.mean(axis=1, keepdims=True)
        belief, phi = self.belief(picks), self.space.phi[places]
        scores = self.reward.score(belief, phi)
        total = scores.mean + wished.sum(axis=0)
        parts = (phi - phi.mean(axis=0)) * self.reward.weights(belief)[0]
        advice = [
            self._advice(at, (float(total[row]), float(scores.sd[row])), parts[row], wished[:, row], soft)
            for row, at in enumerate(places)
        ]
        return Ranking(advice=tuple(sorted(advice, key=_place)), left_out=left_out)

    def question(
        self, picks: Sequence[Pick], rng: np.random.Generator, among: Sequence[int] | None = None
    ) -> tuple[int, int] | None:
        """Two items, by place, whose comparison tells most of this person; None where no pair tells enough.

        `among` are places that may be asked about; those that were asked about before are not again.
        """
        asked = {self.catalogue.place(item) for pick in picks for item in pick.shown}
        places = [at for at in (range(len(self.catalogue.items)) if among is None else among) if at not in asked]
        department = str(rng.choice(self.catalogue.departments))
        own = [at for at in places if self.catalogue.items[at].department == department] or places
        offered = rng.permutation(own)[:OFFERED]
        pairs = np.array(list(combinations(offered, 2)))
        if not len(pairs):
            return None
        belief = self.belief(picks)
        cov = self.reward.covariance(belief)[:-1, :-1]
        delta = self.space.phi[pairs[:, 0]] - self.space.phi[pairs[:, 1]]
        along = delta @ cov
        a, v = delta @ self.reward.weights(belief)[0], (along * delta).sum(axis=1)
        telling = expected_information_gain(a, v) >= LEAST_NATS
        reach = ((along @ self.space.spread) * along).sum(
            axis=1
        )  # of all items' scores, where the library takes weights
        best = int(np.argmax(np.where(telling, expected_narrowing(a, v, reach), -1.0)))
        return (int(pairs[best, 0]), int(pairs[best, 1])) if telling[best] else None

    def doubt(self, picks: Sequence[Pick], first: Sequence[int]) -> tuple[int, int] | None:
        """The first place and a rival of it, where their comparison tells enough for the patience that is left."""
        pairs = [len(picks) - at for at, pick in enumerate(picks) if len(pick.shown) == 2]
        vain = takewhile(lambda pick: len(pick.shown) > 2 or pick.chosen is None, reversed(picks))
        ignored = [age for age, pick in enumerate(vain, start=1) if pick.chosen is None]
        demanded = LEAST_NATS * patience(recent(pairs), recent(ignored))
        if len(first) < 2:
            return None
        phi = self.space.phi[list(first)]
        rival = worth_asking(self.reward, self.belief(picks), phi, 0, [True] * len(first), demanded)
        return None if rival is None else (first[0], first[rival])

    def _evidence(self, pick: Pick) -> Evidence:
        phi = self.space.phi[[self.catalogue.place(item) for item in pick.shown]]
        if pick.chosen is None:
            return Tied(phi[:2])
        first = pick.shown.index(pick.chosen)
        return Chosen(phi[[first, *(at for at in range(len(phi)) if at != first)]])

    def _words(self, places: Sequence[int]) -> list[str]:
        return [self.catalogue.items[at].words for at in places]

    def _left_out(self, claim: Claim, places: Sequence[int]) -> LeftOut:
        """Something wanted ("vegan") leaves out what does not declare it; something unwanted, what does."""
        items, wanted = [self.catalogue.items[at] for at in places], _named(claim.object)
        broken = np.array([compared(wanted, read(item.declared)).named > 0 for item in items])
        if claim.polarity > 0 and broken.any():
            broken = ~broken
        elif claim.polarity < 0 and not broken.any():
            broken = self.compliance.respects([claim], "", self._words(places))[0] < BREAKS
        gone = tuple(item.id for item, out in zip(items, broken, strict=True) if out)
        return LeftOut(words=_said(claim), items=gone)

    def _advice(
        self, at: int, score: tuple[float, float], parts: Array, wished: Array, soft: Sequence[Claim]
    ) -> Advice:
        found = [
            Reason(words=self.space.told(name, float(self.space.phi[at, column])), adds=float(parts[column]))
            for column, name in enumerate(self.space.names)
            if _is_worth_telling(name, self.space.phi[at, column])
        ]
        found += [
            Reason(words=f"you said: {_said(each)}", adds=float(add)) for each, add in zip(soft, wished, strict=True)
        ]
        found = [each for each in found if abs(each.adds) >= WORTH_TELLING]
        speaks_for = sorted((each for each in found if each.adds > 0), key=lambda each: -each.adds)
        against = sorted((each for each in found if each.adds < 0), key=lambda each: each.adds)
        return Advice(
            item=self.catalogue.items[at],
            score=score[0],
            sd=score[1],
            reasons=tuple(speaks_for[:TOLD]),
            against=tuple(against[:1]),
        )


def _is_worth_telling(name: str, value: float) -> bool:
    """Of attributes that are one of several an item is told by those that it has, not by all that it lacks."""
    return ": " not in name or value > 0


def _named(thing: str) -> frozenset[str]:
    """The stems by which a label would name it."""
    words = thing.lower()
    return called(" ".join([words, *(label for word, label in LABELS.items() if word in words)])) - UNNAMED


def _is_hard(claim: Claim) -> bool:
    return claim.kind == "constraint" or (claim.kind == "topic" and claim.polarity < 0 and claim.strength >= HATED)


def _said(claim: Claim) -> str:
    words = claim.text if isinstance(claim, Preference) else claim.span
    return words.strip() or claim.object


def _place(advice: Advice) -> tuple[float, bool, str]:
    """Whether somebody pays counts for nothing but who of two equals stands first: the other."""
    return (-round(advice.score, 9), advice.item.paid, advice.item.id)
