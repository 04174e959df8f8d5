"""How varied some answers are: in meaning, in topics, in words, in the views that they take."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from idiolect.evaluation.statistics import distinct
from idiolect.schema import Array

WORDS: Final = 20  # of each answer, so that a longer one does not count as more monotonous


def spread(vectors: Array) -> float:
    """Mean cosine distance of two of n unit rows (n, dim)."""
    n = len(vectors)
    together = float((vectors @ vectors.T).sum() - np.square(vectors).sum()) / (n * (n - 1))
    return 1 - together


def vendi(vectors: Array) -> float:
    """Effective number of different rows, from 1 to n: exp of the entropy of the eigenvalues of K / n.

    The Vendi score (Friedman and Dieng, 2022, arXiv 2210.02410, definition 3.1), K the cosines of unit rows (n, dim).
    """
    values = np.linalg.eigvalsh(vectors @ vectors.T / len(vectors))
    kept = values[values > 1e-12]
    return float(np.exp(-(kept * np.log(kept)).sum()))


def bigrams(texts: Sequence[str]) -> float:
    """Different pairs of words over all pairs, in the first WORDS words of each text."""
    return distinct([" ".join(re.findall(r"\w+", text)[:WORDS]) for text in texts])


def sides(vectors: Array, views: Array, undecided: float) -> Array:
    """Of answers (..., dim) to a question with two views (2, dim): 1 the first, -1 the second, 0 neither."""
    margin = vectors @ (views[0] - views[1])
    found: Array = np.sign(margin) * (np.abs(margin) > undecided)
    return found


def mentions(text: str, words: Sequence[str]) -> bool:
    """Whether one of the words stands in a text."""
    return bool(set(words) & set(re.findall(r"\w+", text.lower())))
