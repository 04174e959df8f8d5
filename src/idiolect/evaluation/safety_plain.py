"""The plain figure beside the boundary's on answers: TF-IDF of words and pairs of words, and a logistic fit.

f = tf (1 + log((1 + n) / (1 + df))), of unit length;   w by the log loss, never fitted on the prompt that it judges
"""

import re
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from idiolect.boundary.corpus import Comparison, Completion
from idiolect.boundary.fit_heads import FOLDS, fitted
from idiolect.boundary.heads import Floats

PLACES: Final = 8192
RIDGE: Final = 1.0
WORD: Final = re.compile(r"[a-z']+")


def tf_idf(texts: Sequence[str]) -> Floats:
    """(n, PLACES + 1), the last column of ones."""
    counts: Floats = np.zeros((len(texts), PLACES), np.float32)
    for row, text in zip(counts, texts, strict=True):
        words = WORD.findall(text.lower())
        places = [zlib.crc32(gram.encode()) % PLACES for gram in (*words, *map(" ".join, pairwise(words)))]
        np.add.at(row, places, 1)
    rows = counts * (1 + np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0))))
    rows /= np.maximum(1e-9, np.linalg.norm(rows, axis=1, keepdims=True))
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1).astype(np.float32)


def plain_answers(given: Sequence[Completion]) -> NDArray[np.float64]:
    """(n,) logits that an answer complies with harm, from the prompt's words and the answer's."""
    if not given:
        return np.zeros(0)
    prompts = {text: number for number, text in enumerate(dict.fromkeys(each.prompt for each in given))}
    fold = np.array([prompts[each.prompt] % FOLDS for each in given])
    rows = np.concatenate(
        [tf_idf([each.prompt for each in given]), tf_idf([each.completion for each in given])], axis=1
    )
    harm = np.array([each.is_of_harm and not each.is_refusal for each in given])
    found = np.zeros(len(given))
    for held in (fold == number for number in sorted(set(fold))):
        if len(set(harm[~held])) == 2:  # of one kind alone there is nothing to learn
            found[held] = rows[held] @ fitted(rows[~held], harm[~held], RIDGE)
    return found


def plain_pairs(pairs: Sequence[Comparison]) -> NDArray[np.float64]:
    """(n, 2) logits of harm, of the better answer and of the worse."""
    if len(pairs) < FOLDS:
        return np.zeros((len(pairs), 2))
    rows = tf_idf([answer for each in pairs for answer in each.answers]).reshape(len(pairs), 2, -1)
    fold, found = np.arange(len(pairs)) % FOLDS, np.zeros((len(pairs), 2))
    for held in (fold == number for number in sorted(set(fold))):
        seen = rows[~held].reshape(-1, rows.shape[2])
        found[held] = rows[held] @ fitted(seen, np.arange(len(seen)) % 2 == 1, RIDGE)
    return found
