"""The reward functions whose mixtures are people's tastes: half of them inside our preference space, half outside.

Inside: sparse weights of named attributes. Outside: word lists; waves over an embedding of character n-grams (both of
lenses.py); readability formulas that no attribute computes; and directions of a second embedding, a truncated SVD of
word counts. Nothing outside is computed from MiniLM, whose directions our features hold.
"""

import re
from collections.abc import Sequence
from zlib import crc32

import numpy as np
from pydantic import JsonValue

from idiolect.evaluation.choice.answers import Material
from idiolect.evaluation.lenses import ForeignLens
from idiolect.evaluation.protocol import Run
from idiolect.evaluation.runs import code_version
from idiolect.evaluation.simulated import LIKED, VARIES
from idiolect.features.space import PreferenceSpace
from idiolect.schema import Array

COUNTS = {"attributes": 5, "lists": 1, "waves": 1, "formulas": 1, "words": 2}  # ten, as in PersonalLLM
BUCKETS = 2048  # of hashed words
FITTED_ON = 800  # answers
DIRECTIONS = 8
NAMES = tuple(f"{kind} {number + 1}" for kind, count in COUNTS.items() for number in range(count))


def reward_functions(material: Material, seed: int, run: Run) -> Array:
    """(prompts, models, k): each answer's value under each of NAMES, of unit sd within a prompt."""
    key: dict[str, JsonValue] = {
        "material": material.digest,
        "seed": seed,
        "code": code_version("evaluation/choice/rewards.py", "evaluation/lenses.py", "resources/lexicons.toml"),
    }
    return run.array("reward-functions", key, lambda: _functions(material, seed))


def _functions(material: Material, seed: int) -> Array:
    rng = np.random.default_rng((seed, *b"rewards"))
    pool = [each.answers for each in material.sheets]
    attributes = material.phi[..., : PreferenceSpace.shipped().attributes]
    lens = ForeignLens(pool)
    foreign = np.stack([lens.look(answers) for answers in pool])
    views = {
        "attributes": (attributes, LIKED),
        "lists": (foreign[..., : lens.lists], LIKED),
        "waves": (foreign[..., lens.lists :], foreign.shape[-1] - lens.lists),
        "formulas": (np.array([[formulas(text) for text in answers] for answers in pool]), 2),
        "words": (_words(pool), DIRECTIONS),
    }
    found = np.concatenate([_mixed(*views[kind], count, rng) for kind, count in COUNTS.items()], axis=-1)
    return found / _spread(found)


def formulas(text: str) -> Array:
    """(4,): Gunning's fog, the automated readability index, Coleman and Liau's index, and LIX."""
    words = re.findall(r"[^\W\d_]+", text) or ["a"]
    sentences = max(1, len(re.findall(r"[.!?:]+(?:\s|$)|\n+", text)))
    letters, per_sentence = sum(map(len, words)) / len(words), len(words) / sentences
    complex_words = sum(len(re.findall(r"[aeiouy]+", word.lower())) > 2 for word in words) / len(words)
    long_words = sum(len(word) > 6 for word in words) / len(words)
    raw = np.array(
        [
            0.4 * (per_sentence + 100 * complex_words),
            4.71 * letters + 0.5 * per_sentence,
            5.88 * letters - 29.6 / per_sentence,
            per_sentence + 100 * long_words,
        ]
    )
    return np.asarray(raw.clip(0, 100))


def _words(pool: Sequence[Sequence[str]]) -> Array:
    """(prompts, models, DIRECTIONS): word counts along their principal directions within prompts."""
    counts = np.stack([[_bag(text) for text in answers] for answers in pool])
    centred = (counts - counts.mean(axis=1, keepdims=True)).reshape(-1, BUCKETS)
    chosen = np.random.default_rng(0).permutation(len(centred))[:FITTED_ON]
    directions = np.linalg.svd(centred[chosen], full_matrices=False)[2][:DIRECTIONS]
    return np.asarray(counts @ directions.T)


def _bag(text: str) -> Array:
    at, counts = np.unique(
        [crc32(word.encode()) % BUCKETS for word in re.findall(r"\w+", text.lower())], return_counts=True
    )
    row = np.zeros(BUCKETS)
    row[at.astype(int)] = np.sqrt(counts)
    return row / max(float(np.linalg.norm(row)), 1e-12)


def _mixed(view: Array, liked: int, count: int, rng: np.random.Generator) -> Array:
    """`count` directions of a view (prompts, models, c), each of `liked` normal weights on columns that vary."""
    spread = _spread(view)
    varying = np.flatnonzero(spread >= VARIES * np.median(spread))
    weights = np.zeros((view.shape[-1], count))
    for column in range(count):
        places = rng.choice(varying, size=min(liked, len(varying)), replace=False)
        weights[places, column] = rng.normal(size=len(places)) / spread[places]
    return np.asarray(view @ weights)


def _spread(view: Array) -> Array:
    """(c,): the standard deviation within prompts."""
    found: Array = (view - view.mean(axis=1, keepdims=True)).std(axis=(0, 1)).clip(1e-9)
    return found
