"""From the bench's cases to its figures; a predictions file is enough."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from idiolect.evaluation.protocol import Case, Figure
from idiolect.evaluation.simulated import KINDS
from idiolect.evaluation.statistics import over_users, paired, ratio, wins
from idiolect.evaluation.uplift.design import Design
from idiolect.schema import Array

Row = tuple[str, str, int]  # kind of people, method, pieces of feedback


@dataclass(frozen=True)
class Column:
    """The cases of one row, in the order of users and prompts."""

    cases: Sequence[Case]

    def __getitem__(self, score: str) -> Array:
        return np.array([case.scores[score] for case in self.cases])

    def __contains__(self, score: str) -> bool:
        return all(score in case.scores for case in self.cases)

    @property
    def users(self) -> list[str]:
        """Whose case each is."""
        return [case.group for case in self.cases]


def all_figures(design: Design, cases: Sequence[Case]) -> dict[str, Figure]:
    """Every figure, by `kind/measure@stage`, with `/method` behind it for all but the default method."""
    rows = _rows(cases)
    default = design.methods[0]
    found: dict[str, Figure] = {}
    for kind in [each for each in KINDS if any(row[0] == each for row in rows)]:
        own = {(method, stage): column for (each, method, stage), column in rows.items() if each == kind}
        for (method, stage), column in own.items():
            suffix = f"@{stage}" + ("" if method == default else f"/{method}")
            found |= {f"{kind}/{name}{suffix}": figure for name, figure in _of_row(design, column)}
            if method == default:
                found[f"{kind}/users_above_half{suffix}"] = _above_half(design, column)
        found |= {f"{kind}/{name}": figure for name, figure in _against(design, default, own)}
        found[f"{kind}/linear_fit"] = _mean(design, next(iter(own.values())), "fit")
    return {**found, **_of_statements(design, rows)}


def _of_row(design: Design, column: Column) -> Iterator[tuple[str, Figure]]:
    draws = {"resamples": design.resamples, "seed": design.seed}
    yield "win_vs_plain", over_users(column["win"], column.users, **draws)
    if "nll" in column:
        yield "nll_rise", _less_one(ratio(column["nll"], column["plain_nll"], column.users, **draws))
    yield "repetition_rise", paired(column["repetition"], column["plain_repetition"], column.users, **draws)


def _against(design: Design, default: str, own: Mapping[tuple[str, int], Column]) -> Iterator[tuple[str, Figure]]:
    """The default method against every other on the same users and prompts."""
    for (method, stage), theirs in own.items():
        ours = own.get((default, stage))
        if method != default and ours is not None:
            won = wins(ours["reward"], theirs["reward"])
            yield f"win_vs_{method}@{stage}", over_users(won, ours.users, resamples=design.resamples, seed=design.seed)


def _of_statements(design: Design, rows: Mapping[Row, Column]) -> dict[str, Figure]:
    columns = {kind: column for (kind, _, _), column in rows.items() if kind.startswith("statement-")}
    if not columns:
        return {}
    everything = Column([case for column in columns.values() for case in column.cases])
    found = {
        "statement/moved@1": _mean(design, everything, "moved"),
        "statement/win_vs_plain@1": _mean(design, everything, "win"),
    }
    for kind, column in columns.items():
        users = [str(number) for number in range(len(column.cases))]  # one statement: an interval over its prompts
        moved = over_users(column["moved"], users, resamples=design.resamples, seed=design.seed)
        found[f"statement/moved@1/{kind.removeprefix('statement-')}"] = moved
    return found


def _rows(cases: Sequence[Case]) -> dict[Row, Column]:
    found: dict[Row, list[Case]] = defaultdict(list)
    for case in cases:
        person, method_at_stage, _ = case.id.split("/")
        method, stage = method_at_stage.rsplit("@", 1)
        kind = person if person.startswith("statement-") else person.rsplit("-", 1)[0]
        found[kind, method, int(stage)].append(case)
    return {row: Column(each) for row, each in found.items()}


def _mean(design: Design, column: Column, score: str) -> Figure:
    return over_users(column[score], column.users, resamples=design.resamples, seed=design.seed)


def _above_half(design: Design, column: Column) -> Figure:
    by_user: dict[str, list[float]] = defaultdict(list)
    for case in column.cases:
        by_user[case.group].append(case.scores["win"])
    above = wins(np.array([np.mean(won) for won in by_user.values()]), np.array(0.5))
    return over_users(above, list(by_user), resamples=design.resamples, seed=design.seed)


def _less_one(figure: Figure) -> Figure:
    return Figure(value=figure.value - 1, low=figure.low - 1, high=figure.high - 1, n=figure.n)
