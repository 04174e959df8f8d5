"""Items as phi (n, d): what a personal reward weighs in them, in columns that have names.

Degrees, rating, and the logarithms of price and of how many were sold are standardised within the department, since
what is chosen is chosen among things of one kind. Attributes that are one of several stand one by one, each of unit
standard deviation at most. Last come a few directions of the text's embedding, as in the preference space of answers.
Who pays for an item is in no column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from examples.shop.catalogue import CATALOGUE, Catalogue, Item
from idiolect.errors import WeightsError
from idiolect.features.embedder import Embedder
from idiolect.schema import Array

DIRECTIONS = 8
VECTORS = ".vectors.safetensors"  # in place of a catalogue's suffix
TEXTS = "texts"
WORDS: Final = {  # of a column, when there is more of it and when there is less
    "price": ("a higher price", "a lower price"),
    "sold": ("often bought", "seldom bought"),
    "rating": ("well rated", "poorly rated"),
    "sturdy": ("made to last", "not made to last"),
    "light": ("light", "heavy"),
    "easy": ("easy to live with", "in need of care"),
}
MADE: Final = {
    "workshop": "made in a workshop",
    "cooperative": "fairly traded",
    "factory": "factory made",
    "nearby": "made nearby",
}


@dataclass(frozen=True)
class ItemSpace:
    """phi (n, d) of a catalogue's items, and the names (d,) of its columns; `vectors` (n, dim) are the texts'."""

    names: tuple[str, ...]
    phi: Array
    vectors: Array
    version: str

    @classmethod
    def of(cls, catalogue: Catalogue, vectors: Array) -> "ItemSpace":
        """Of a catalogue whose texts have these unit vectors (n, dim)."""
        items, groups = catalogue.items, [catalogue.departments.index(item.department) for item in catalogue.items]
        measured = np.column_stack(
            [_within(np.array([_number(item, name) for item in items]), groups) for name in WORDS]
        )
        kinds = list(dict.fromkeys(kind for item in items for kind in _kinds(item)))
        flags = np.array([[kind in _kinds(item) for kind in kinds] for item in items], float)
        directions = _directions(vectors, groups)
        names = (*WORDS, *kinds, *(f"text {number + 1}" for number in range(directions.shape[1])))
        return cls(names, np.column_stack([measured, 2 * flags, directions]), vectors, f"items-{catalogue.digest}")

    @property
    def dim(self) -> int:
        """d"""
        return len(self.names)

    @cached_property
    def spread(self) -> Array:
        """(d, d): the covariance of the columns over the items."""
        return np.cov(self.phi.T, bias=True)

    def told(self, name: str, value: float) -> str:
        """What an item is by a column, when its value lies above the others' (positive) or below."""
        if name in WORDS:
            return WORDS[name][value < 0]
        if name.startswith("text "):
            return "the tone of its description"
        kind = name.partition(": ")[2]
        said = MADE.get(kind, f"in a {kind} shade" if name.startswith("shade") else kind)
        return said if value > 0 else f"not {said}"


def vectors_of(catalogue: Catalogue, embedder: Embedder, beside: Path = CATALOGUE) -> Array:
    """(n, dim) unit vectors of the items' texts: those kept beside the catalogue, if they are of these."""
    from safetensors import SafetensorError, safe_open

    path = beside.with_suffix(VECTORS)
    if path.is_file():
        try:
            with safe_open(path, framework="numpy") as file:
                if (file.metadata() or {}).get(TEXTS) == f"{embedder.name}/{catalogue.texts}":
                    return np.asarray(file.get_tensor("vectors"), np.float64)
        except (SafetensorError, OSError) as broken:
            raise WeightsError(
                f"{path} cannot be read, it may have been cut short ({broken}): remove it, and "
                "`python -m examples.shop fit` writes it anew"
            ) from broken
    return embedder.embed([item.words for item in catalogue.items])


def save_vectors(catalogue: Catalogue, vectors: Array, embedder: str, beside: Path = CATALOGUE) -> None:
    """Keep them, in half precision, with what they are of."""
    from safetensors.numpy import save_file

    path = beside.with_suffix(VECTORS)
    save_file({"vectors": vectors.astype(np.float16)}, path, metadata={TEXTS: f"{embedder}/{catalogue.texts}"})
    path.chmod(0o644)


def _number(item: Item, name: str) -> float:
    found = {
        "price": np.log(item.price_eur),
        "sold": np.log1p(item.sold),
        "rating": item.rating,
        "sturdy": item.sturdy,
        "light": item.light,
        "easy": item.easy,
    }
    return float(found[name])


def _kinds(item: Item) -> tuple[str, ...]:
    return (f"style: {item.style}", f"shade: {item.shade}", f"made: {item.made}", f"material: {item.material}")


def _within(values: Array, groups: Sequence[int]) -> Array:
    """Standardised within each group; 0 where a group's values are all the same."""
    of = np.array(groups)
    found = np.zeros(len(values))
    for group in set(groups):
        own = values[of == group]
        found[of == group] = (own - own.mean()) / max(float(own.std()), 1e-9) if own.std() > 1e-9 else 0.0
    return np.clip(found, -4, 4)


def _directions(vectors: Array, groups: Sequence[int]) -> Array:
    """(n, k): along the principal directions of the vectors, centred within each group; unit standard deviation."""
    of = np.array(groups)
    centred = vectors.copy()
    for group in set(groups):
        centred[of == group] -= vectors[of == group].mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:DIRECTIONS]
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    along = centred @ axes.T
    return np.asarray(along / along.std(axis=0).clip(1e-9))
