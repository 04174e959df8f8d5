"""How engines that compute with OpenMP are loaded."""

import os
from pathlib import Path

import pytest

from idiolect import openmp

BROKEN_ONCE = """
import os, sys
told = os.environ.get("GOMP_SPINCOUNT")
if "{name}_tried" not in sys.modules:
    sys.modules["{name}_tried"] = sys
    raise ImportError("{reason}")
"""


def write(folder: Path, name: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / f"{name}.py").write_text(BROKEN_ONCE.format(name=name, reason=reason))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)


def test_a_system_without_openmp_borrows_that_of_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "engine_a", "libgomp.so.1: cannot open shared object file", monkeypatch)
    assert openmp.load("engine_a").told == "300"
    assert "GOMP_SPINCOUNT" not in os.environ


def test_without_torch_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "engine_b", "libgomp.so.1: cannot open shared object file", monkeypatch)
    monkeypatch.setattr(openmp, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"engine_b needs the OpenMP library .*: apt install libgomp1"):
        openmp.load("engine_b")


def test_an_import_that_fails_for_another_reason_fails_as_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "engine_c", "wrong ELF class", monkeypatch)
    with pytest.raises(ImportError, match=r"^wrong ELF class$"):
        openmp.load("engine_c")


def test_what_the_person_set_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "engine_d.py").write_text('import os\ntold = os.environ.get("GOMP_SPINCOUNT")\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert openmp.load("engine_d").told == "7"
    assert os.environ["GOMP_SPINCOUNT"] == "7"
