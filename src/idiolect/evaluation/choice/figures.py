"""From the bench's cases to its figures; a predictions file is enough.

A case is one person under one method at one stage, on prompts of one kind. Its `gap NN` are, for each of 15 bins of
equal mass over all predictions of its row, the sum of what was predicted less what came: ECE = sum_b |sum_u gap| / m.
What came is taken at its expectation under r*, so that no luck of single choices is in any figure.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idiolect.evaluation.choice.design import Design
from idiolect.evaluation.protocol import Case, Figure
from idiolect.evaluation.statistics import TIE, draws, interval, over_users, paired, ratio
from idiolect.schema import Array

BINS = 15
COST = "cost"  # the choice of a case that is about no prediction
REFERENCES = ("oracle", "told", "ideal")
WORST = 0.1  # share of the users
PREFIXES = {
    "unseen/unseen": "",
    "seen/unseen": "seen_users/",
    "unseen/seen": "seen_prompts/",
    "seen/seen": "seen_users_and_prompts/",
}


@dataclass(frozen=True)
class Row:
    """The cases of one method and stage on people and prompts of one kind, in the order of the people."""

    cases: Sequence[Case]

    def __getitem__(self, score: str) -> Array:
        return np.array([case.scores[score] for case in self.cases])

    @property
    def users(self) -> list[str]:
        """Whose case each is."""
        return [case.group for case in self.cases]

    @property
    def gaps(self) -> Array:
        """(users, BINS)"""
        return np.array([[case.scores.get(f"gap {number:02}", 0.0) for number in range(BINS)] for case in self.cases])


def right(p: Array, likely: Array) -> Array:
    """P(first) as predicted and as it is, (m,) each -> how likely the prediction comes true; a tie is half right."""
    return np.where(np.abs(p - 0.5) <= TIE, 0.5, np.where(p > 0.5, likely, 1 - likely))


def binned(p: Array, likely: Array) -> tuple[NDArray[np.intp], Array]:
    """P(first) as predicted and as it is, (m,) each -> bin and predicted less real, (m,) each, on the likelier side."""
    confidence = np.maximum(p, 1 - p)
    bins = np.empty(len(p), np.intp)
    bins[np.argsort(confidence, kind="stable")] = np.arange(len(p)) * BINS // max(len(p), 1)
    return bins, confidence - right(p, likely)


def of_predictions(p: Sequence[Array], likely: Sequence[Array]) -> list[dict[str, float]]:
    """Each person's scores, by P(first) as predicted and as it is, (m,) each; the bins are of everybody together."""
    bins, gaps = binned(np.concatenate(p), np.concatenate(likely))
    ends = np.cumsum([len(each) for each in p])[:-1]
    sums = [
        np.bincount(places, weights=own, minlength=BINS)
        for places, own in zip(np.split(bins, ends), np.split(gaps, ends), strict=True)
    ]
    return [
        {
            "accuracy": float(right(said, real).mean()),
            "brier": float((real * (1 - said) ** 2 + (1 - real) * said**2).mean()),
            "pairs": float(len(said)),
            **{f"gap {bin_:02}": float(total) for bin_, total in enumerate(by_bin) if total},
        }
        for said, real, by_bin in zip(p, likely, sums, strict=True)
    ]


def all_figures(design: Design, cases: Sequence[Case]) -> dict[str, Figure]:
    """By `METHOD/measure@stage`; people or prompts that were seen in training have a prefix."""
    rows = _rows(cases)
    found: dict[str, Figure] = {}
    for (kind, method, stage), row in rows.items():
        prefix = PREFIXES[kind]
        everything = dict(_of_row(design, row))
        shown = everything if not prefix else {"accuracy": everything["accuracy"]}
        found |= {f"{prefix}{method}/{name}@{stage}": figure for name, figure in shown.items()}
    for (kind, method, stage), row in rows.items():
        if not PREFIXES[kind] and method not in REFERENCES:
            found |= {f"{method}/{name}@{stage}": figure for name, figure in _against(design, rows, method, stage, row)}
    return {**found, **_costs(design, cases)}


def _of_row(design: Design, row: Row) -> Iterator[tuple[str, Figure]]:
    chance = {"resamples": design.resamples, "seed": design.seed}
    for score in sorted({"accuracy", "brier", "regret"} & row.cases[0].scores.keys()):
        yield score, over_users(row[score], row.users, **chance)
    yield "ece", _ece(row, **chance)
    yield "worst_tenth", _worst(row["accuracy"], **chance)


def _against(
    design: Design, rows: Mapping[tuple[str, str, int], Row], method: str, stage: int, row: Row
) -> Iterator[tuple[str, Figure]]:
    chance = {"resamples": design.resamples, "seed": design.seed}
    default = rows.get(("unseen/unseen", design.default, stage))
    if "default" in row.cases[0].scores:  # on the few pairs that this method was asked about
        yield "default_minus", paired(row["default"], row["accuracy"], row.users, **chance)
    elif default is not None and method != design.default and default.users == row.users:
        yield "default_minus", paired(default["accuracy"], row["accuracy"], row.users, **chance)
    start = rows.get(("unseen/unseen", method, 0))
    if start is not None and stage and "regret" in row.cases[0].scores:
        yield "regret_left", ratio(row["regret"], start["regret"], row.users, **chance)
    seen = rows.get(("seen/unseen", method, stage))
    if seen is not None:
        yield "seen_minus_unseen", _difference(seen["accuracy"], row["accuracy"], **chance)


def _costs(design: Design, cases: Sequence[Case]) -> dict[str, Figure]:
    found: dict[str, dict[str, list[Case]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        if case.choice == COST:
            for name in case.scores:
                found[case.id.split("/")[1]][name].append(case)
    return {
        f"{method}/{name}": over_users(
            np.array([case.scores[name] for case in own]),
            [case.group for case in own],
            resamples=design.resamples,
            seed=design.seed,
        )
        for method, names in found.items()
        for name, own in names.items()
    }


def _rows(cases: Sequence[Case]) -> dict[tuple[str, str, int], Row]:
    found: dict[tuple[str, str, int], list[Case]] = defaultdict(list)
    for case in cases:
        if case.choice != COST:
            user, method_at_stage, prompts = case.id.split("/")
            method, stage = method_at_stage.rsplit("@", 1)
            found[f"{user.rsplit('-', 1)[0]}/{prompts}", method, int(stage)].append(case)
    return {key: Row(own) for key, own in found.items()}


def _ece(row: Row, resamples: int, seed: int) -> Figure:
    gaps, pairs = row.gaps, row["pairs"]
    drawn = draws(len(gaps), resamples, seed)
    spread = np.abs(drawn @ gaps).sum(axis=1) / (drawn @ pairs)
    value = float(np.abs(gaps.sum(axis=0)).sum() / pairs.sum())
    return interval(value, spread, int(pairs.sum()))


def _worst(accuracy: Array, resamples: int, seed: int) -> Figure:
    """The mean over the tenth of the people for whom it is lowest."""
    count = max(1, round(WORST * len(accuracy)))
    at = np.random.default_rng(seed).integers(len(accuracy), size=(resamples, len(accuracy)))
    spread = np.sort(accuracy[at], axis=1)[:, :count].mean(axis=1)
    return interval(float(np.sort(accuracy)[:count].mean()), spread, count)


def _difference(these: Array, those: Array, resamples: int, seed: int) -> Figure:
    """Of the means of two groups of different people."""
    spread = draws(len(these), resamples, seed) @ these / len(these)
    spread = spread - draws(len(those), resamples, seed + 1) @ those / len(those)
    return interval(float(these.mean() - those.mean()), spread, len(these) + len(those))
