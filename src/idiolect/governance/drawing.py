"""The report as a page: Markdown, and the same as HTML."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from html import escape
from typing import NamedTuple

from idiolect.governance.report import Report
from idiolect.memory.recipients import Recipient
from idiolect.schema import OF_TENANT

MOST = 50  # people who are listed one by one; JSON has all
STYLE = (
    "body{font:16px/1.5 system-ui;max-width:70em;margin:2em auto;padding:0 1em}td,th{padding:.2em .8em;text-align:left}"
)


ON = {"request": "requests", "answer": "answers"}
MEASURES = {
    "auroc": "AUROC of harm",
    "auroc-of-pairs": "AUROC of harm against harmless twins",
    "flagged": "stopped",
    "flagged-safe": "harmless ones stopped",
    "flagged-refusals": "refusals stopped",
    "declines": "told from refusals",
}


class Section(NamedTuple):
    """A heading, a table, and a sentence above it."""

    title: str
    told: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def as_markdown(report: Report) -> str:
    """UTF-8 text; every cell in one line."""
    return f"# {_title(report)}\n" + "".join(map(_markdown, sections(report)))


def as_html(report: Report) -> str:
    """A page that stands alone and loads nothing."""
    body = "".join(map(_html, sections(report)))
    title = escape(_title(report))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n"
        f"<body><h1>{title}</h1>\n{body}</body></html>\n"
    )


def sections(report: Report) -> Iterator[Section]:
    """In the order in which they are read."""
    yield _people(report)
    yield _sources(report)
    yield Section(
        "Purposes",
        "Why each kind of data is kept, and for how long.",
        ("data", "purpose", "kept", "rests on"),
        [(each.data, each.purpose, each.kept, each.basis) for each in report.purposes],
    )
    yield _retention(report)
    yield _recipients(report)
    yield _screens(report)
    yield Section(
        "Incidents",
        "What the boundary did in the turns that are kept, by category, rule and version; not in those that were "
        "forgotten or temporary.",
        ("month", "on", "action", "category", "rule", "version", "times"),
        [
            (each.month, each.on, each.action, each.category, each.rule, each.version, str(each.times))
            for each in report.incidents
        ],
    )
    yield _drift(report)
    yield _consents(report)
    yield Section(
        "Erasures",
        "From the ledger beside the database; nobody's words and nobody's id stand in it.",
        ("when", "person", "what", "rows"),
        [
            (_day(each.at), each.person, "everything" if each.everything else "some events", str(each.rows))
            for each in report.erasures
        ],
    )
    covered = sum(bool(each.test) for each in report.checklist)
    yield Section(
        "GDPR and EU AI Act",
        f"{covered} of {len(report.checklist)} lines are held by a test of Idiolect, which is named. This is a "
        "list for engineers, no legal advice.",
        ("law", "place", "what it asks", "test"),
        [(each.law, each.place, each.demand, each.test or "not covered") for each in report.checklist],
    )


def _title(report: Report) -> str:
    whose = "One person's data" if report.only else "Governance report"
    return f"{whose}, {_day(report.at)}, Idiolect {report.version}"


def _people(report: Report) -> Section:
    rows = [
        (
            each.person,
            _counts(each.events),
            _counts(each.statements),
            f"{each.special} used, {each.special_waiting} waiting" if each.special or each.special_waiting else "",
            _day(each.oldest),
            _day(each.newest),
        )
        for each in report.people[:MOST]
    ]
    more = len(report.people) - len(rows)
    told = f"{_number(len(report.people), 'person', 'people')}; counts alone, ids hashed."
    told += f" {more} more are in the JSON." if more else ""
    columns = ("person", "events", "statements", "special categories", "oldest", "newest")
    return Section("What is kept of whom", told, columns, rows)


def _sources(report: Report) -> Section:
    total = Counter[str]()
    for each in report.people:
        total.update(each.sources)
    rows = [(name, str(times)) for name, times in sorted(total.items())]
    return Section("Sources", "Where statements and proposals came from.", ("source", "how many"), rows)


def _retention(report: Report) -> Section:
    rule, overdue = report.retention, sum(each.overdue for each in report.people)
    rows = [
        ("turns, with what was said in them and of their answers", _after(rule.turns_days)),
        ("what names health, faith, sexuality, ethnicity or politics", _after(rule.special_days)),
    ]
    for name, own in report.retention_of.items():
        whose = f"of the people of {name.removesuffix(OF_TENANT)}" if name.endswith(OF_TENANT) else f"of {name}"
        rows += [
            (f"the same, {whose}: {what}", _after(days))
            for what, days in (("turns", own.turns_days), ("special categories", own.special_days))
            if days is not None
        ]
    told = (
        f"{_number(overdue, 'event is', 'events are')} older than that now; `idiolect govern retain` erases them."
        if rule or report.retention_of
        else "No rule is set."
    )
    return Section("Retention", told, ("what", "erased"), rows)


def _recipients(report: Report) -> Section:
    total = Counter[tuple[str, str]]()
    shown: Iterable[Recipient] = (*report.recipients, *(row for each in report.people for row in each.shown))
    for each in shown:
        total[each.endpoint, each.kind] += each.times
    rows = [(endpoint, kind, str(times)) for (endpoint, kind), times in sorted(total.items())]
    told = f"Models in the settings: {', '.join(report.configured)}. "
    told += "Temporary turns, and those whose model failed, are not counted."
    return Section("Recipients", told, ("model", "was shown", "turns"), rows)


def _screens(report: Report) -> Section:
    rows = []
    for each in report.screens:
        rows.append((each.name, each.version, "", ""))
        rows += [("", "", _measured(name), _valued(name, value)) for name, value in each.figures.items()]
    told = "The versions in force; figures are those of texts left out of the fit."
    return Section("Screens", told, ("screen", "version", "figure", "value"), rows)


def _measured(name: str) -> str:
    """A figure of the card, such as `request/flagged/advbench`, in words."""
    of, measure, source = [*name.split("/"), "", ""][:3]
    return f"{ON.get(of, of)}{f' of {source}' if source else ''}: {MEASURES.get(measure, measure)}"


def _valued(name: str, value: float) -> str:
    return f"{value:.3f}" if "/auroc" in name else f"{value:.1%}"


def _drift(report: Report) -> Section:
    drift = report.drift
    people = _number(drift.people, "person", "people")
    told = (
        f"Of {people} {drift.changed_words} replaced or ended something that they had said, in 90 days, "
        f"and the judgements of {drift.changed_numbers} tell of a change of taste."
    )
    rows = [
        (each.month, str(each.turns), str(each.events), f"{each.events / each.turns:.1%}" if each.turns else "")
        for each in drift.months
    ]
    return Section("Drift", told, ("month", "turns", "boundary events", "a turn"), rows)


def _consents(report: Report) -> Section:
    kinds = sorted({kind for each in report.people for kind in each.consents})
    rows = [(kind, str(sum(each.consents[kind] for each in report.people)), str(len(report.people))) for kind in kinds]
    withdrawn = sum(each.withdrawals for each in report.people)
    told = "Every kind of inference is off until a person allows it. "
    told += f"Taken back so far: {_number(withdrawn, 'time', 'times')}."
    return Section("Consent", told, ("inference", "people who allow it", "of"), rows)


def _markdown(section: Section) -> str:
    text = f"\n## {section.title}\n\n{section.told}\n"
    if not section.rows:
        return text
    lines = [section.columns, ["---"] * len(section.columns), *section.rows]
    return text + "\n" + "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _html(section: Section) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in section.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in section.rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>" if section.rows else ""
    return f"<h2>{escape(section.title)}</h2>\n<p>{escape(section.told)}</p>\n{table}\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{times} {name}" for name, times in counts.items())


def _after(days: int | None) -> str:
    return "never" if days is None else f"after {days} days"


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""
