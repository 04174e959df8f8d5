"""Simulated customers: a hidden taste for items, and picks that follow it with the noise that people have.

    r*(item) = common + own + outside,   scaled to unit standard deviation within a department

`common` is what nearly everybody wants (well rated, not dear, easy to live with): its share of the variance is COMMON.
`own` is a sparse taste of one's own over named attributes, and three traits by which tastes hang together in this
population (who likes workshops likes rustic things). `outside`, OUTSIDE of the variance, is in no column of the
features: waves over an embedding of the text that the adviser does not have (`evaluation/lenses.py`). `elusive`
customers have half of their taste there. Picks have the noise of `evaluation/simulated.py`: someone who is asked the
same again says the same in about 85 % of the cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from examples.shop.catalogue import Catalogue, Item
from examples.shop.features import WORDS, ItemSpace
from idiolect.errors import UnknownMethod
from idiolect.evaluation.lenses import ForeignLens
from idiolect.evaluation.simulated import LIKED, TRAITS, USUAL_TEMPERATURE
from idiolect.reward.population import Population
from idiolect.schema import Array

COMMON = 0.25
OUTSIDE = {"usual": 0.15, "elusive": 0.5}  # by kind of customer
EVERYBODY = {"rating": 1.0, "price": -0.6, "easy": 0.4}
TRAITS_SHARE = 0.4  # of what is one's own
PAIRS = 40  # choices of a customer by whom the prior is fitted


@dataclass(frozen=True)
class Customer:
    """Someone with a hidden taste: r* (n,) of every item."""

    name: str
    truth: Array
    temperature: float = USUAL_TEMPERATURE

    def pick(self, shown: Sequence[int], rng: np.random.Generator) -> int:
        """Which of the shown items, by place in the catalogue, this time."""
        noisy = self.truth[list(shown)] / self.temperature + rng.gumbel(size=len(shown))
        return shown[int(np.argmax(noisy))]


@dataclass(frozen=True)
class Town:
    """Where customers come from: the catalogue, what they look at in it, and a lens that the adviser lacks."""

    catalogue: Catalogue
    columns: Array  # (n, k) of named attributes; what was sold is none of them
    common: Array  # (n,)
    waves: Array  # (n, w)

    @classmethod
    def around(cls, catalogue: Catalogue, space: ItemSpace) -> "Town":
        """Their eyes are on the attributes themselves."""
        named = [at for at, name in enumerate(space.names) if name != "sold" and not name.startswith("text ")]
        weights = np.array([EVERYBODY.get(name, 0.0) for name in space.names])
        pools = [[_seen(catalogue.items[at]) for at in catalogue.within(each)] for each in catalogue.departments]
        lens = ForeignLens(pools)
        waves = lens.look([_seen(item) for item in catalogue.items])[:, lens.lists :]
        return cls(catalogue, space.phi[:, named], space.phi @ weights, waves)

    def customers(self, kind: str, count: int, seed: int) -> list[Customer]:
        """`count` people of a kind; the same seed gives the same people. Raises UnknownMethod."""
        if kind not in OUTSIDE:
            raise UnknownMethod(f"no kind of customers named {kind!r}; there are: {', '.join(sorted(OUTSIDE))}")
        rng = np.random.default_rng((seed, *kind.encode()))
        return [self._customer(f"{kind}-{number + 1}", OUTSIDE[kind], rng) for number in range(count)]

    def _customer(self, name: str, outside: float, rng: np.random.Generator) -> Customer:
        k = self.columns.shape[1]
        sparse = np.zeros(k)
        sparse[rng.choice(k, LIKED, replace=False)] = rng.normal(size=LIKED)
        traits = np.random.default_rng(0).normal(size=(k, TRAITS)) @ rng.normal(size=TRAITS)  # the population's own
        own = self._unit(self.columns @ sparse) * np.sqrt(1 - TRAITS_SHARE)
        own += self._unit(self.columns @ traits) * np.sqrt(TRAITS_SHARE)
        foreign = self._unit(self.waves @ rng.normal(size=self.waves.shape[1]))
        truth = np.sqrt(COMMON) * self._unit(self.common) + np.sqrt(outside) * foreign
        truth = self._unit(truth + np.sqrt(1 - COMMON - outside) * self._unit(own))
        return Customer(name, truth)

    def _unit(self, values: Array) -> Array:
        """Of mean 0 within each department, and unit standard deviation over all."""
        found = values.copy()
        for each in self.catalogue.departments:
            own = self.catalogue.within(each)
            found[own] -= values[own].mean()
        return np.asarray(found / max(float(found.std()), 1e-12))


def bought(town: Town, customers: Sequence[Customer], each: int, seed: int) -> Array:
    """(n,): how often each item is bought, when everybody buys `each` times the best of ten that they come across."""
    rng, counts = np.random.default_rng(seed), np.zeros(len(town.catalogue.items))
    for customer in customers:
        for _ in range(each):
            among = town.catalogue.within(str(rng.choice(town.catalogue.departments)))
            shown = [int(at) for at in rng.choice(among, min(10, len(among)), replace=False)]
            counts[customer.pick(shown, rng)] += 1
    return counts


def population(town: Town, customers: Sequence[Customer], phi: Array, seed: int) -> Population:
    """Choices between two items of a department, for a prior to be fitted on."""
    rng, rows = np.random.default_rng(seed), list[Array]()
    for customer in customers:
        for _ in range(PAIRS):
            among = town.catalogue.within(str(rng.choice(town.catalogue.departments)))
            pair = [int(at) for at in rng.choice(among, 2, replace=False)]
            chosen = customer.pick(pair, rng)
            rows.append(phi[[chosen, pair[1] if chosen == pair[0] else pair[0]]])
    owner = np.repeat(np.arange(len(customers), dtype=np.int32), PAIRS)
    names = tuple(customer.name for customer in customers)
    return Population(names, np.stack(rows).astype(np.float32), owner, np.ones(len(rows), np.float32))


def _seen(item: Item) -> str:
    return f"{item.name}. {item.text} {' '.join(item.reviews)}"


assert set(EVERYBODY) <= set(WORDS)
