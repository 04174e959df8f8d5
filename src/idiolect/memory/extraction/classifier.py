"""Whether a sentence says something lasting of the person who wrote it: logistic regression on the embedding.

    p(lasting | s) = sigmoid(w . e(s) + b),   w, b minimising  mean log loss + l2 |w|^2 / 2

Shared: w (dim,), b, fitted on sentences that this project wrote (resources/own_statements.txt); nothing is per user.
The patterns come first: the classifier is asked only about sentences in the first person that they left alone.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np

from idiolect.errors import DataError, FeatureMismatch
from idiolect.features.embedder import Embedder
from idiolect.memory.extraction.sentences import Sentence, sentences
from idiolect.schema import Array

SENTENCES: Final = "own_statements.txt"
WEIGHTS: Final = "own-statements.safetensors"
L2: Final = 0.001
STEPS: Final = 50
FOLDS: Final = 10
MARGIN: Final = 0.05  # over the worst left-out sentence
MIN_WORDS: Final = 4
MAX_WORDS: Final = 40
OWN: Final = re.compile(
    r"\W*(?:(?:and|but|so|also|because|since)\W+)?(?:i|i['\u2019](?:m|ve|d)|my|we)(?!\w)", re.IGNORECASE
)
AT_HAND: Final = re.compile(
    r"\b(?:you|your|yours|this|these|following|above|below|attached|today|tonight|tomorrow|yesterday|he|she"
    r"|they|said|says|told"
    r"|thinks?|thought|if|was|were|went|got|did|am (?:\w+ing)|i'm (?:\w+ing)|code|file|error|function)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Classifier:
    """`floor` is the probability from which a sentence counts: under it lie all that was wrong in cross-validation."""

    w: Array  # (dim,)
    b: float
    floor: float
    embedder: str

    def probability(self, vectors: Array) -> Array:
        """(n, dim) unit rows -> (n,). Raises FeatureMismatch for rows of another embedder."""
        if vectors.shape[1] != len(self.w):
            raise FeatureMismatch(f"the classifier takes {len(self.w)} figures a sentence, not {vectors.shape[1]}")
        return _sigmoid(vectors @ self.w + self.b)

    def save(self, path: Path) -> None:
        """As safetensors, the floor and the embedder's name beside the weights."""
        from safetensors.numpy import save_file

        arrays = {"w": self.w.astype(np.float32), "b": np.array([self.b], np.float32)}
        save_file(arrays, path, {"about": json.dumps({"floor": self.floor, "embedder": self.embedder})})


@cache
def shipped() -> Classifier:
    """The one that comes with Idiolect."""
    with files("idiolect").joinpath("resources", WEIGHTS).open("rb") as file:
        return _read(file.read())


def read_sentences(text: str) -> tuple[list[str], Array]:
    """Sentences, and labels (n,) with 1 for lasting, of lines with + or - before. Raises DataError for other lines."""
    said, labels = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("+ ", "- ")):
            said.append(line[2:])
            labels.append(float(line[0] == "+"))
        elif line.strip() and not line.startswith("#"):
            raise DataError(f"line {number} begins with neither '+ ' (lasting) nor '- ' (not)")
    if len(set(labels)) < 2:
        raise DataError("a classifier needs sentences of both kinds: some lines with '+ ' and some with '- '")
    return said, np.array(labels)


def may_be_lasting(sentence: Sentence) -> bool:
    """Whether the classifier is asked at all: a remark in the first person, to nobody and of nothing at hand."""
    shown = sentence.text
    is_remark = not sentence.is_question and OWN.match(shown) is not None
    return is_remark and not AT_HAND.search(shown) and MIN_WORDS <= len(shown.split()) <= MAX_WORDS


def fit(said: Sequence[str], labels: Array, embedder: Embedder, l2: float = L2) -> tuple[Classifier, Array]:
    """The classifier, and the probability (n,) that each sentence has when it is left out of the fit.

    The floor is over the left-out probability of every sentence that is not lasting and yet would be asked about.
    """
    vectors = embedder.embed(said)
    fold = np.random.default_rng(0).permutation(len(said)) % FOLDS
    left_out = np.zeros(len(said))
    for each in range(FOLDS):
        w, b = _solve(vectors[fold != each], labels[fold != each], l2)
        left_out[fold == each] = _sigmoid(vectors[fold == each] @ w + b)
    w, b = _solve(vectors, labels, l2)
    return Classifier(w, b, _floor(said, labels, left_out), embedder.name), left_out


def _floor(said: Sequence[str], labels: Array, left_out: Array) -> float:
    asked = [any(map(may_be_lasting, sentences(text))) for text in said]
    wrong = left_out[(labels == 0) & np.array(asked)]
    return float(wrong.max(initial=0.5)) + MARGIN


def _solve(vectors: Array, labels: Array, l2: float) -> tuple[Array, float]:
    """Newton's method; the bias is not pulled to nought."""
    x = np.hstack([vectors, np.ones((len(vectors), 1))])
    pull = np.full(x.shape[1], l2)
    pull[-1] = 1e-9
    theta = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = _sigmoid(x @ theta)
        gradient = x.T @ (p - labels) / len(x) + pull * theta
        hessian = (x * (p * (1 - p))[:, None]).T @ x / len(x) + np.diag(pull)
        step = np.linalg.solve(hessian, gradient)
        theta -= step
        if np.abs(step).max() < 1e-8:
            break
    return theta[:-1], float(theta[-1])


def _sigmoid(z: Array) -> Array:
    made: Array = 1 / (1 + np.exp(-z))
    return made


def _read(data: bytes) -> Classifier:
    from safetensors.numpy import load

    arrays = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])  # the format: a length, JSON, arrays
    about = json.loads(header["__metadata__"]["about"])
    return Classifier(arrays["w"].astype(float), float(arrays["b"][0]), about["floor"], about["embedder"])
