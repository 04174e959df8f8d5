"""The figures of all methods side by side: a table for each kind of people and stage, a row for each method."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from rich.table import Table

from idiolect.evaluation.protocol import Figure

NAME = re.compile(r"(?P<kind>\w+)/(?P<measure>[\w+-]+)@(?P<stage>\d+)(?:/(?P<method>.+))?")
Row = Mapping[str, Figure]


def _share(figure: Figure) -> str:
    return f"{100 * figure.value:.1f} ({100 * figure.low:.1f} to {100 * figure.high:.1f})"


def _points(figure: Figure) -> str:
    return f"{100 * figure.value:+.1f}"


def _whole(figure: Figure) -> str:
    return f"{figure.value:,.0f}"


def _tenths(figure: Figure) -> str:
    return f"{figure.value:.1f}"


COLUMNS: Mapping[str, tuple[str, Callable[[Figure], str]]] = {
    "win_vs_plain": ("wins against plain, %", _share),
    "win_vs_in-context": ("against in-context, %", _share),
    "users_above_half": ("people helped, %", lambda figure: f"{100 * figure.value:.0f}"),
    "written_tokens": ("tokens written a turn", _whole),
    "prompt_tokens": ("read", _whole),
    "seconds": ("seconds", _tenths),
    "nll_rise": ("nll, %", _points),
    "repetition_rise": ("repeated 4-grams, points", _points),
    "distinct_rise": ("distinct-2, points", _points),
    "refused_rise": ("not admitted, points", _points),
    "bytes": ("bytes a person", _whole),
    "train_s": ("seconds to train", _whole),
    "unmoved": ("turns it left as they were, %", lambda figure: f"{100 * figure.value:.0f}"),
}


def side_by_side(metrics: Mapping[str, Figure], default: str) -> Iterator[Table]:
    """All that is measured of every method."""
    for (kind, stage), rows in by_stage(metrics, default).items():
        shown = [name for name in COLUMNS if any(name in row for row in rows.values())]
        table = Table(title=f"{kind} after {stage} pieces of feedback", title_justify="left")
        table.add_column("method")
        for name in shown:
            table.add_column(COLUMNS[name][0], justify="right")
        for method, row in rows.items():
            table.add_row(method, *(COLUMNS[name][1](row[name]) if name in row else "" for name in shown))
        yield table
    yield _others(metrics)


def _others(metrics: Mapping[str, Figure]) -> Table:
    """What is of two methods, or of none."""
    table = Table("figure", "value (95 % interval), %", title="one statement, and others", title_justify="left")
    for name, figure in metrics.items():
        if not _is_of_a_method(NAME.fullmatch(name)):
            table.add_row(name, _share(figure))
    return table


def _is_of_a_method(read: "re.Match[str] | None") -> bool:
    return read is not None and read["measure"] in COLUMNS and read["kind"] != "statement"


def by_stage(metrics: Mapping[str, Figure], default: str) -> dict[tuple[str, int], dict[str, dict[str, Figure]]]:
    """What is of a method: kind of people and stage -> method -> measure -> figure."""
    found: dict[tuple[str, int], dict[str, dict[str, Figure]]] = defaultdict(lambda: defaultdict(dict))
    for name, figure in metrics.items():
        read = NAME.fullmatch(name)
        if read is not None and _is_of_a_method(read):
            found[read["kind"], int(read["stage"])][read["method"] or default][read["measure"]] = figure
    return found
