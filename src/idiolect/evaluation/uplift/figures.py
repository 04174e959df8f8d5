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
EXAMPLES = "in-context"
RISES = {"repetition_rise": "repetition", "distinct_rise": "distinct", "refused_rise": "refused"}
MEANS = ("tokens", "written_tokens", "prompt_tokens", "calls", "seconds", "bytes", "train_s", "unmoved")


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

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Who asked what."""
        return [(case.group, case.id.rsplit("/", 1)[1]) for case in self.cases]


def all_figures(design: Design, cases: Sequence[Case]) -> dict[str, Figure]:
    """Every figure, by `kind/measure@stage`, with `/method` behind it for all but the default method."""
    rows = _rows(cases)
    default = design.named[0]
    found: dict[str, Figure] = {}
    for kind in [each for each in KINDS if any(row[0] == each for row in rows)]:
        own = {(method, stage): column for (each, method, stage), column in rows.items() if each == kind}
        for (method, stage), column in own.items():
            suffix = f"@{stage}" + ("" if method == default else f"/{method}")
            found |= {f"{kind}/{name}{suffix}": figure for name, figure in _of_row(design, column)}
        found |= {f"{kind}/{name}": figure for name, figure in _against_default(design, own)}
        found |= {f"{kind}/{name}": figure for name, figure in _against_examples(design, own)}
        found[f"{kind}/linear_fit"] = _mean(design, next(iter(own.values())), "fit")
    return {**found, **_of_statements(design, rows)}


def _of_row(design: Design, column: Column) -> Iterator[tuple[str, Figure]]:
    draws = {"resamples": design.resamples, "seed": design.seed}
    yield "win_vs_plain", over_users(column["win"], column.users, **draws)
    yield "users_above_half", _above_half(design, column)
    if "nll" in column:
        yield "nll_rise", _less_one(ratio(column["nll"], column["plain_nll"], column.users, **draws))
    for name, score in RISES.items():
        if score in column:
            yield name, paired(column[score], column[f"plain_{score}"], column.users, **draws)
    for score in MEANS:
        if score in column:
            yield score, _mean(design, column, score)


def _against_default(design: Design, own: Mapping[tuple[str, int], Column]) -> Iterator[tuple[str, Figure]]:
    """The default method against every other on the same users and prompts."""
    default = design.named[0]
    for (method, stage), theirs in own.items():
        if method != default and (default, stage) in own:
            yield f"win_vs_{method}@{stage}", _held_against(design, own[default, stage], theirs)


def _against_examples(design: Design, own: Mapping[tuple[str, int], Column]) -> Iterator[tuple[str, Figure]]:
    """Every other method against in-context examples: the default's stands among its own."""
    for (method, stage), ours in own.items():
        if method not in (EXAMPLES, design.named[0]) and (EXAMPLES, stage) in own:
            yield f"win_vs_{EXAMPLES}@{stage}/{method}", _held_against(design, ours, own[EXAMPLES, stage])


def _held_against(design: Design, ours: Column, theirs: Column) -> Figure:
    """Wins of one method over another, where both answered the same person the same prompt."""
    others = dict(zip(theirs.asked, theirs["reward"], strict=True))
    both = [
        (user, wins(np.array(reward), np.array(others[asked])))
        for user, asked, reward in zip(ours.users, ours.asked, ours["reward"], strict=True)
        if asked in others
    ]
    won = np.array([each for _, each in both])
    return over_users(won, [user for user, _ in both], resamples=design.resamples, seed=design.seed)


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
