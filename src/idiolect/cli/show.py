"""What people see: tables with bars; and what programs read: JSON."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from unicodedata import category

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from idiolect.features.attributes import ATTRIBUTES
from idiolect.schema import Answer, Profile, Share, Taste

BAR = 25  # cells, odd: the middle one is zero
SHARES_SHOWN = 8
TASTES_SHOWN = 12
PIPED_WIDTH = 110  # columns where nobody's terminal says
Z90 = 1.64  # standard deviations to either side that hold 90 %

_TERMINAL_KEPT = "\n\t"


def console() -> Console:
    """Of the data: stdout."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)


def stderr() -> Console:
    """Of progress and notes."""
    return Console(stderr=True, highlight=False)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner on stderr while something takes its time."""
    with stderr().status(escape(what)):
        yield


def printed_json(noun: BaseModel) -> None:
    """One object as JSON on stdout."""
    sys.stdout.write(noun.model_dump_json(indent=2) + "\n")


def printed_mapping(pairs: Mapping[str, str]) -> None:
    """Names with their meanings as one JSON object on stdout."""
    sys.stdout.write(json.dumps(pairs, indent=2, ensure_ascii=False) + "\n")


def note(text: str) -> None:
    """A remark for the person, on stderr."""
    sys.stderr.write(safe(text) + "\n")
    sys.stderr.flush()


def answer_to(question: str) -> str:
    """What the person types; the question stands on stderr, so that stdout holds data alone."""
    sys.stderr.write(safe(question) + " ")
    sys.stderr.flush()
    typed = sys.stdin.readline()
    if not sys.stdin.isatty():  # nobody's Enter has ended the line
        sys.stderr.write("\n")
    return typed.strip()


def write(text: str) -> None:
    """Words of a model on stdout, as they come."""
    sys.stdout.write(safe(text))
    sys.stdout.flush()


def safe(text: str) -> str:
    """Without control characters: a model's words must not steer the terminal."""
    return "".join(char for char in text if char in _TERMINAL_KEPT or category(char) != "Cc")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Cells are plain text, whatever brackets they hold."""
    made = Table(title=escape(title), title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(escape(safe(cell)) for cell in row))
    return made


def show_profile(profile: Profile, short: Mapping[str, str], every: bool = False) -> None:
    """What is believed of a person: the surest tastes as bars with the range that holds 90 %, and the statements.

    `short` is each statement's id as it is shown.
    """
    out = console()
    shown = len(profile.tastes) if every else TASTES_SHOWN if profile.evidence else 0
    tastes = profile.tastes[:shown]
    reach = max((abs(taste.mean) + Z90 * taste.sd for taste in tastes), default=1.0)
    title = f"{profile.user}: {pieces_of_feedback(profile)}"
    if profile.inferred:
        signs = f"{profile.inferred} weak sign{'' if profile.inferred == 1 else 's'}"
        title += f" and {signs}, inferred as {profile.user} allows"
    if profile.method is not None:
        title += f"; answered by {profile.method}"
    rows = [
        (
            taste.attribute,
            bar(taste.mean, taste.sd, reach),
            f"{taste.mean:+.2f} ± {taste.sd:.2f}",
            f"{'likes' if taste.confident else 'perhaps'} {leaning(taste)}",
        )
        for taste in tastes
    ]
    if rows:
        out.print(table(title, ("attribute", f"less {'more':>{BAR - 5}}", "weight", "belief"), rows))
    else:
        out.print(f"{title}: nothing is known yet of how they like their answers (--all shows where everybody starts)")
    if rows and len(tastes) < len(profile.tastes):
        out.print(f"and {len(profile.tastes) - len(tastes)} less sure (--all)")
    if profile.preferences:
        said = [(each.kind, each.text, short.get(each.id, each.id)) for each in profile.preferences]
        out.print()
        out.print(table("in their own words", ("kind", "statement", "id"), said))


def leaning(taste: Taste) -> str:
    """What answers this taste draws to, in words."""
    attribute = ATTRIBUTES.get(taste.attribute)
    if attribute is None:
        return f"{'more' if taste.mean > 0 else 'less'} of {taste.attribute}"
    return attribute.high if taste.mean > 0 else attribute.low


def bar(mean: float, sd: float, reach: float) -> str:
    """Where a weight lies between -reach and +reach: `●` the mean, `─` the range that holds 90 %, `│` zero."""

    def cell(value: float) -> int:
        return round((min(max(value / reach, -1.0), 1.0) + 1) / 2 * (BAR - 1))

    cells = [" "] * BAR
    for index in range(cell(mean - Z90 * sd), cell(mean + Z90 * sd) + 1):
        cells[index] = "─"
    cells[BAR // 2] = "│"
    cells[cell(mean)] = "●"
    return "".join(cells)


def show_why(answer: Answer) -> None:
    """The reasons in words, then the candidates' scores and what decided."""
    from idiolect.memory.naming import short_ids

    short = short_ids([answer.id, *(each.attribute for each in answer.trace.shares if _is_statement(each))])
    out = console()
    out.print(safe(answer.why()), markup=False)
    if answer.candidates:
        rows = [
            (
                str(index + 1) + ("*" if index == answer.chosen else ""),
                f"{candidate.reward:+.2f} ± {candidate.sd:.2f}",
                f"{candidate.verdict.score:.2f} {candidate.verdict.action}",
                shortened(candidate.text),
            )
            for index, candidate in enumerate(answer.candidates)
        ]
        out.print()
        out.print(table(f"candidates of {short[answer.id]} (* was shown)", ("", "reward", "boundary", "text"), rows))
    if answer.trace.shares:
        told = [
            (deciding(each, short), f"{each.weight:+.2f}", f"{each.value:+.2f}", f"{each.contribution:+.2f}")
            for each in answer.trace.shares[:SHARES_SHOWN]
        ]
        out.print()
        out.print(table("what decided", ("attribute", "weight", "value", "contribution"), told))


def show_candidates(answer: Answer) -> None:
    """Every answer that was written, whole, by the name that feedback takes."""
    out = console()
    for number, candidate in enumerate(answer.candidates, start=1):
        if candidate.verdict.action == "refuse":
            told = " (outside the boundary, so it is not shown)"
        else:
            told = " (this one was shown)" if number - 1 == answer.chosen else ""
        out.print(f"[bold]last:{number}[/bold]{told}")
        if candidate.verdict.action != "refuse":
            out.print(safe(candidate.text), markup=False)
        out.print()


def _is_statement(share: Share) -> bool:
    """Whether what decided is something that was said, which goes by its id."""
    return share.attribute.startswith("evt-")


def deciding(share: Share, short: Mapping[str, str]) -> str:
    """What decided, as it is named: an attribute, or something that was said, with its id where it is kept."""
    from idiolect.memory.in_conversation import is_of_the_store

    if not is_of_the_store(share.attribute):
        return f"{share.words}, in this conversation"
    return f"{share.words} ({short[share.attribute]})" if _is_statement(share) else share.attribute


def shortened(text: str, length: int = 72) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def first_line(text: str | None) -> str:
    """Of a docstring."""
    return (text or "").strip().partition("\n")[0]


def learnt(profile: Profile) -> str:
    """One sentence after feedback: how much is known, and the surest taste."""
    if not profile.evidence or not profile.tastes:
        return "noted"
    surest = max(profile.tastes, key=lambda taste: abs(taste.mean) / taste.sd if taste.sd else 0.0)
    told = f"{surest.attribute} {surest.mean:+.2f} ± {surest.sd:.2f}"
    return f"noted: {pieces_of_feedback(profile)}; surest taste so far: {told}"


def pieces_of_feedback(profile: Profile) -> str:
    """What the person gave on purpose; what was inferred is none of it."""
    given = profile.evidence - profile.inferred
    return f"{given} piece{'' if given == 1 else 's'} of feedback"
