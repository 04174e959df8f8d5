"""`idiolect memory import`, `export` and `restore`: other systems' memories come in, one's own goes out and back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from idiolect.cli.options import Config, Json, StoreUrl, User, opened_person

if TYPE_CHECKING:
    from idiolect.memory.importers import Report

FormatName = Annotated[
    str | None,
    typer.Option("--format", help="chatgpt, claude, letta, mem0, jsonl or text; unsaid, the content tells."),
]


def import_(
    file: Annotated[Path, typer.Argument(help="The export of another system: .zip, .json, .jsonl, .af or text.")],
    user: User,
    format: FormatName = None,  # noqa: A002 - named as the option is
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count and show a sample; keep nothing.")] = False,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Import what another system remembers as proposals: none holds until the person accepts it."""
    from idiolect.cli.show import printed_json
    from idiolect.memory.importers import import_file

    with _opened(file) as stream, opened_person(user, store, config) as person, _progress(file.name) as advance:
        report = import_file(person, stream, name=file.name, format=format, dry_run=dry_run, progress=advance)
    if json:
        printed_json(report)
    else:
        _show(report)


def export(
    user: User,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; unsaid, stdout.")] = None,
    store: StoreUrl = None,
    config: Config = None,
) -> None:
    """Export all that is kept of a person as JSON, which `restore` reads again."""
    import sys

    from idiolect.cli.show import note
    from idiolect.memory.rights import export as exported

    with opened_person(user, store, config) as person:
        data = exported(person)
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        _write(output, data)
        note(f"{_told(data)} of {user} written to {output}, which `idiolect memory restore` reads again")


def restore(
    file: Annotated[Path, typer.Argument(help="What `idiolect memory export` wrote.")],
    user: User,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Bring back an export, all of it or nothing, for the same person or another."""
    from idiolect.cli.show import note, printed_json
    from idiolect.memory.rights import import_again

    with _opened(file) as stream, opened_person(user, store, config) as person:
        restored = import_again(person, stream.read())
    if json:
        printed_json(restored)
    else:
        note(f"{restored.events} events restored for {user}")


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    from idiolect.errors import DataError

    try:
        stream = file.open("rb")
    except OSError as refused:
        raise DataError(f"{file} cannot be read ({refused.strerror}): name the file that was downloaded") from refused
    with stream:
        yield stream


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr; it goes away when it is full."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from idiolect.cli.show import stderr

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr(), transient=True) as progress:
        task = progress.add_task(f"reading {name}", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _told(data: bytes) -> str:
    """What an export holds: "3 events (2 turns, 1 note of what you said)"."""
    from collections import Counter
    from json import loads

    from idiolect.cli.memory.drawing import EVENTS, counted

    kinds = Counter(str(event["kind"]) for event in loads(data)["events"])
    parts = [counted(count, EVENTS.get(kind, kind)) for kind, count in kinds.most_common()]
    return counted(kinds.total(), "event") + (f" ({', '.join(parts)})" if parts else "")


def _write(output: Path, data: bytes) -> None:
    """Whole or not at all, and for its owner alone."""
    import os

    from idiolect.errors import DataError

    partial = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        partial.replace(output)
    except OSError as refused:
        partial.unlink(missing_ok=True)
        raise DataError(
            f"{output} cannot be written ({refused.strerror}): name a file in a folder that can"
        ) from refused


def _show(report: "Report") -> None:
    from idiolect.cli.show import console, note, shortened, table

    verb = "would be proposed" if report.dry_run else "proposed"
    out = console()
    if report.sample:
        offered = [(shortened(each.text, 50), each.slots.kind, shortened(each.source, 48)) for each in report.sample]
        out.print(table(f"{report.proposed} {verb}, such as", ("statement", "kind", "source"), offered))
    if report.refused:
        out.print(table("refused", ("", "because"), [(str(count), why) for why, count in report.refused.items()]))
    if report.refusals:
        rows = [(shortened(each.text, 50), each.why) for each in report.refusals]
        out.print(table("among them", ("statement", "because"), rows))
    for line in report.notes:
        note(line)
    note(
        f"{', '.join(report.formats)}: {report.messages} messages of the person ({report.quiet} say nothing of them), "
        f"{report.memories} memories; {report.proposed} {verb}, {report.already} known already, "
        f"{sum(report.refused.values())} refused, {report.undated} with a time that cannot be read"
    )
