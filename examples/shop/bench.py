"""How well are a new customer's favourites found, after 0, 3 and 10 picks, and beside what?

Simulated customers (`customers.py`) whom neither the prior nor what was sold has met. For each, two fifths of the
catalogue, drawn anew, are what they come across: three interview questions, then two more, then five picks among the
five items that the adviser shows of one department. What is ranked is the other three fifths, by every row alike.

`recall5`: the share of the customer's five best that are among the first five. `ndcg`: nDCG at 10 (Jarvelin and
Kekalainen, 2002), gains 2 ** grade - 1 with grade 3 for the customer's five best, 2 for the next five, 1 for the next
ten. `gain` is nDCG over that of the best row without personalization, whichever that is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from rich.table import Table

from examples.shop.adviser import Adviser
from examples.shop.customers import OUTSIDE, Customer, Town
from examples.shop.notebook import Pick
from idiolect.cli.show import table
from idiolect.evaluation.protocol import Figure
from idiolect.evaluation.statistics import over_users, paired, ratio
from idiolect.schema import Array, Noun

STAGES: Final = (0, 3, 10)
INTERVIEW: Final = 5
SLATE: Final = 5
LEARNT: Final = 0.4  # of the catalogue
GRADES: Final = (3,) * 5 + (2,) * 5 + (1,) * 10
PLAIN: Final = ("popularity", "rating", "no personalization")
WORDS: Final = {"recall5": "recall@5", "ndcg": "nDCG@10"}
SEED: Final = 7

Places = NDArray[np.intp]


class Outcome(Noun):
    """What the bench found: figures by `kind/row/measure@stage`, and `kind/gain@stage`."""

    customers: int = Field(description="Of each kind.")
    metrics: dict[str, Figure]


@dataclass(frozen=True)
class Shop:
    """What the bench needs."""

    adviser: Adviser
    town: Town

    @classmethod
    def of(cls, adviser: Adviser) -> "Shop":
        """With the town around it."""
        return cls(adviser, Town.around(adviser.catalogue, adviser.space))


@dataclass(frozen=True)
class Seen:
    """One customer's road: picks in their order, and the places that are ranked."""

    picks: Sequence[Pick]
    tested: Places


def run(shop: Shop, customers: int, seed: int = SEED, kinds: Sequence[str] = tuple(OUTSIDE)) -> Outcome:
    """The figures, with intervals by a bootstrap over customers."""
    metrics: dict[str, Figure] = {}
    for kind in kinds:
        people = shop.town.customers(kind, customers, seed)
        names = [person.name for person in people]
        found: dict[str, list[tuple[float, float]]] = {}
        for person in people:
            for name, scores in _rows(shop, person, seed).items():
                found.setdefault(name, []).append(scores)
        table = {name: np.array(values) for name, values in found.items()}
        for name, values in table.items():
            row, _, stage = name.partition("@")
            metrics[f"{kind}/{row}/recall5@{stage}"] = over_users(values[:, 0], names, seed=seed)
            metrics[f"{kind}/{row}/ndcg@{stage}"] = over_users(values[:, 1], names, seed=seed)
        metrics.update(_against(kind, table, names, seed))
    return Outcome(customers=customers, metrics=metrics)


def _against(kind: str, table: dict[str, Array], names: Sequence[str], seed: int) -> dict[str, Figure]:
    best = max((f"{row}@0" for row in PLAIN), key=lambda row: float(table[row][:, 1].mean()))
    gains = {
        f"{kind}/gain@{stage}": ratio(table[f"adviser@{stage}"][:, 1], table[best][:, 1], names, seed=seed)
        for stage in STAGES
    }
    cold = paired(table["adviser@0"][:, 1], table["popularity@0"][:, 1], names, seed=seed)
    return {**gains, f"{kind}/ndcg above popularity@0": cold}


def _rows(shop: Shop, person: Customer, seed: int) -> dict[str, tuple[float, float]]:
    """recall@5 and nDCG of every row at every stage."""
    rng = np.random.default_rng((seed, *person.name.encode()))
    order = rng.permutation(len(shop.adviser.catalogue.items))
    cut = int(LEARNT * len(order))
    learnt, tested = [int(at) for at in order[:cut]], order[cut:]
    roads = {
        "adviser": Seen(_picks(shop, person, learnt, rng, _asked), tested),
        "adviser, questions by chance": Seen(_picks(shop, person, learnt, rng, _by_chance), tested),
    }
    truth, items = person.truth[tested], shop.adviser.catalogue.items
    plain = {
        "popularity": np.array([items[at].sold for at in tested], float),
        "rating": np.array([items[at].rating for at in tested]),
        "no personalization": _believed(shop, [], tested),
    }
    found = {f"{name}@0": scored(values, truth) for name, values in plain.items()}
    for stage in STAGES:
        for name, road in roads.items():
            found[f"{name}@{stage}"] = scored(_believed(shop, road.picks[:stage], tested), truth)
        own, vectors = roads["adviser"].picks[:stage], (shop.adviser.space.vectors, _attributes(shop))
        for name, view in zip(("nearest by text", "nearest by attributes"), vectors, strict=True):
            near = _near(shop, own, view)[tested] if stage else plain["popularity"]
            found[f"{name}@{stage}"] = scored(near, truth)
            if stage and view is vectors[1]:
                both = _unit(near) + _unit(np.log1p(plain["popularity"]))
                found[f"{name}, and popular@{stage}"] = scored(both, truth)
    return found


Policy = Callable[[Shop, Sequence[Pick], Sequence[int], np.random.Generator], tuple[int, int]]


def _picks(
    shop: Shop, person: Customer, learnt: Sequence[int], rng: np.random.Generator, policy: Policy
) -> Sequence[Pick]:
    picks, items = list[Pick](), shop.adviser.catalogue.items
    for number in range(max(STAGES)):
        if number < INTERVIEW:
            shown = list(policy(shop, picks, learnt, rng))
        else:
            asked = {item for pick in picks for item in pick.shown}
            among = [at for at in learnt if items[at].id not in asked]
            department = str(rng.choice(sorted({items[at].department for at in among})))
            own = np.array([at for at in among if items[at].department == department])
            shown = [int(at) for at in own[np.argsort(-_believed(shop, picks, own), kind="stable")[:SLATE]]]
        chosen = person.pick(shown, rng)
        picks.append(Pick(shown=tuple(items[at].id for at in shown), chosen=items[chosen].id))
    return picks


def _asked(shop: Shop, picks: Sequence[Pick], learnt: Sequence[int], rng: np.random.Generator) -> tuple[int, int]:
    return shop.adviser.question(picks, rng, learnt) or _by_chance(shop, picks, learnt, rng)


def _by_chance(shop: Shop, picks: Sequence[Pick], learnt: Sequence[int], rng: np.random.Generator) -> tuple[int, int]:
    """Two items of a department that were not shown before."""
    items = shop.adviser.catalogue.items
    asked = {item for pick in picks for item in pick.shown}
    department = str(rng.choice(shop.adviser.catalogue.departments))
    own = [at for at in learnt if items[at].id not in asked and items[at].department == department]
    first, second = rng.choice(own, 2, replace=False)
    return int(first), int(second)


def _believed(shop: Shop, picks: Sequence[Pick], places: Places) -> Array:
    """The adviser's score of these items."""
    return shop.adviser.reward.score(shop.adviser.belief(picks), shop.adviser.space.phi[places]).mean


def _attributes(shop: Shop) -> Array:
    space = shop.adviser.space
    named = [at for at, name in enumerate(space.names) if name != "sold" and not name.startswith("text ")]
    view = space.phi[:, named] - space.phi[:, named].mean(axis=0)
    return np.asarray(view / np.linalg.norm(view, axis=1, keepdims=True).clip(1e-12))


def _unit(values: Array) -> Array:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-12))


def _near(shop: Shop, picks: Sequence[Pick], view: Array) -> Array:
    """(n,): the mean cosine to what was picked, less that to what was passed over."""
    place = shop.adviser.catalogue.place
    taken = [place(pick.chosen) for pick in picks if pick.chosen is not None]
    passed = [place(item) for pick in picks for item in pick.shown if item != pick.chosen]
    return np.asarray(view @ (view[taken].mean(axis=0) - view[passed].mean(axis=0)))


def tables(outcome: Outcome) -> list[Table]:
    """Rows by stage, for each kind of customers; the gains under them."""
    found = list[Table]()
    for kind in dict.fromkeys(name.partition("/")[0] for name in outcome.metrics):
        own = {
            name.partition("/")[2]: figure for name, figure in outcome.metrics.items() if name.startswith(f"{kind}/")
        }
        columns = [(measure, stage) for measure in ("recall5", "ndcg") for stage in STAGES]
        rows = [
            (row, *(_cell(own, f"{row}/{measure}@{stage}") for measure, stage in columns))
            for row in dict.fromkeys(name.partition("/")[0] for name in own if name.count("/") == 1)
        ]
        heads = ("ranked by", *(f"{WORDS[measure]} after {stage}" for measure, stage in columns))
        found.append(table(f"{kind} customers, {outcome.customers} of them", heads, rows))
        gains = [(name, _cell(own, name)) for name in own if "/" not in name]
        found.append(table("", ("nDCG beside the best row without personalization", ""), gains))
    return found


def _cell(own: Mapping[str, Figure], name: str) -> str:
    """A row without personalization is the same at every stage, and stands once."""
    if name not in own:
        return ""
    figure = own[name]
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def scored(values: Array, truth: Array) -> tuple[float, float]:
    """recall@5 and nDCG at 10 of a ranking by `values` (n,), where `truth` (n,) ranks truly. Ties stand by chance."""
    luck = np.random.default_rng(0).random(len(values))
    ranked, best = np.lexsort((luck, -values)), np.argsort(-truth, kind="stable")
    grades = np.zeros(len(truth))
    grades[best[: len(GRADES)]] = GRADES[: len(truth)]
    discount = 1 / np.log2(np.arange(2, 12))[: len(truth)]
    gained = (2 ** grades[ranked[:10]] - 1) @ discount
    ideal = (2 ** grades[best[:10]] - 1) @ discount
    return float(len({*ranked[:5]} & {*best[:5]}) / min(5, len(truth))), float(gained / ideal)
