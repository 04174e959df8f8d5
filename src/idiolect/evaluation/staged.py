"""Tables of figures that are named METHOD/measure@stage: a table a measure, a row a method, a column a stage."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from rich.table import Table

from idiolect.evaluation.protocol import Figure, Report

ONCE = "of each method"


def staged_tables(report: Report) -> Iterator[Table]:
    """All figures, without their intervals, for which there is no room: the report's JSON has them."""
    measures: dict[str, dict[str, dict[str, Figure]]] = defaultdict(lambda: defaultdict(dict))
    for name, figure in report.metrics.items():
        *group, method, measure = name.split("/")
        kind, at, stage = measure.partition("@")
        title = "/".join([*group, kind]) if at else ONCE
        measures[title][method][stage if at else kind] = figure
    for title, methods in measures.items():
        yield _table(title, methods)


def _table(title: str, methods: Mapping[str, Mapping[str, Figure]]) -> Table:
    columns = list(dict.fromkeys(column for own in methods.values() for column in own))
    table = Table(title=title, title_justify="left")
    table.add_column("method")
    for column in columns:
        table.add_column(f"@{column}" if column.isdigit() else column, justify="right")
    for method, own in methods.items():
        table.add_row(method, *(_cell(own[column]) if column in own else "" for column in columns))
    return table


def _cell(figure: Figure) -> str:
    return f"{figure.value:.3f}" if abs(figure.value) < 10 else f"{figure.value:,.0f}"
