"""How llama.cpp is loaded: its settings, its threads, its silence, and what a broken file looks like."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Protocol

from pydantic import JsonValue

from idiolect import openmp
from idiolect.errors import MissingExtra, UnknownModel, WeightsError

MAGIC = b"GGUF"


@dataclass(frozen=True)
class LlamaCppSettings:
    """How much of the machine a model may take."""

    parallel: int = 8  # answers that decode at once; more are queued
    context: int = 2048  # tokens of prompt and answer together, for each of the parallel answers
    threads: int | None = None  # None: the cores that this process may use
    cache_mib: int = 256  # of host memory for the prompts of conversations that are not being answered


class Server(Protocol):
    """The part of xllamacpp's server that is used."""

    listening_address: str

    def handle_chat_completions(
        self, request: dict[str, JsonValue], callback: Callable[[Mapping[str, JsonValue]], bool], /
    ) -> None:
        """Answer through the callback; returning True from it cancels."""


def load(path: Path, settings: LlamaCppSettings, key: str) -> Server:
    """Load a GGUF file. `key` guards the loopback port that llama.cpp opens."""
    if not path.is_file():
        raise UnknownModel(f"there is no model file at {path}; give the path of a GGUF file")
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise WeightsError(f"{path} is not a GGUF file; llama.cpp reads no other form")
    library = _library()
    params = library.CommonParams()
    params.model.path = str(path)
    params.n_parallel = settings.parallel
    params.n_ctx = settings.context * settings.parallel
    params.cache_ram_mib = settings.cache_mib
    params.api_keys = [key]
    params.ui = False
    params.verbosity = 0
    params.fit_params = False  # llama.cpp would shrink the context to the memory it finds
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads or _cores()
    try:
        server: Server = library.Server(params)
    except (RuntimeError, ValueError) as broken:
        raise WeightsError(
            f"llama.cpp could not load {path}: the file is cut short, or is of a form that this version does not know; "
            "fetch the file again, or upgrade xllamacpp"
        ) from broken
    return server


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _library() -> ModuleType:
    try:
        return openmp.load("xllamacpp")
    except ModuleNotFoundError as missing:
        raise MissingExtra("llama.cpp (xllamacpp) is not installed: pip install 'idiolect[local]'") from missing
    except ImportError as broken:
        raise MissingExtra(f"llama.cpp (xllamacpp) is installed but cannot be loaded: {broken}") from broken
