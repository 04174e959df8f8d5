"""Loading engines that compute with OpenMP (llama.cpp, torch), so that they get on with each other and with other work.

They share one OpenMP library, which reads its settings once, when the first of them loads it: both are loaded here.
"""

import ctypes
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def load(name: str) -> ModuleType:
    """Import a module that brings OpenMP. Raises ImportError, with what to install, where OpenMP itself is missing."""
    with _waiting_threads_soon_sleep():
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            raise
        except ImportError as broken:
            if "libgomp" not in str(broken):
                raise
            if not _borrow_from_torch():
                raise ImportError(f"{name} needs the OpenMP library of the system: apt install libgomp1") from broken
        return importlib.import_module(name)


@contextmanager
def _waiting_threads_soon_sleep() -> Iterator[None]:
    """By default OpenMP's threads spin for long while they wait for each other.

    As soon as anything else wants a core (an embedder, another process), the thread that is waited for is not running,
    and decoding becomes some 20 times slower. 300 turns cost nothing on an idle machine, and keep most of the speed on
    a busy one; no turns at all halve the speed of a single answer.
    """
    name = "GOMP_SPINCOUNT"
    if name in os.environ or "OMP_WAIT_POLICY" in os.environ:
        yield
        return
    os.environ[name] = "300"
    try:
        yield
    finally:
        del os.environ[name]


def _borrow_from_torch() -> bool:
    """A bare Debian lacks OpenMP, and torch brings it: once loaded, it serves whoever asks for it by name."""
    torch = find_spec("torch")
    if torch is None or torch.origin is None:
        return False
    library = Path(torch.origin).parent / "lib" / "libgomp.so.1"
    if not library.is_file():
        return False
    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    return True
