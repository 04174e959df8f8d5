"""The shop opened: its catalogue, what is measured of it, and the adviser."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from examples.shop.adviser import Adviser
from examples.shop.catalogue import CATALOGUE, Catalogue
from examples.shop.features import ItemSpace, vectors_of
from idiolect.errors import FeatureMismatch, WeightsError
from idiolect.features.embedder import Embedder
from idiolect.features.minilm import MiniLM
from idiolect.reward.compliance import LearntCompliance
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.shelf import open_reward
from idiolect.schema import Array

PRIOR = ".prior.safetensors"  # in place of a catalogue's suffix


class Known:
    """An embedder to which the catalogue's texts are known, so that it computes those of wishes alone."""

    def __init__(self, inner: Embedder, known: Mapping[str, Array]) -> None:
        """`known` are vectors (dim,) by text; no item is longer than a window."""
        self.name, self.dim = inner.name, inner.dim
        self.inner, self.known = inner, known

    def embed(self, texts: Sequence[str]) -> Array:
        """(n, dim)"""
        new = [text for text in texts if text not in self.known]
        fresh = dict(zip(new, self.inner.embed(new), strict=True)) if new else {}
        return np.array([fresh[text] if text in fresh else self.known[text] for text in texts])

    def windows(self, text: str) -> Array:
        """(w, dim)"""
        return self.known[text][None] if text in self.known else self.inner.windows(text)

    def forget(self, texts: Sequence[str]) -> None:
        """What customers said; the catalogue is nobody's."""
        self.inner.forget(texts)


def opened(path: Path | None = None) -> Adviser:
    """Of this catalogue, or the shop's own. Raises DataError, WeightsError, FeatureMismatch with the next step."""
    place, embedder = path or CATALOGUE, MiniLM()
    catalogue = Catalogue.load(place)
    vectors = vectors_of(catalogue, embedder, place)
    space = ItemSpace.of(catalogue, vectors)
    known = {item.words: row for item, row in zip(catalogue.items, vectors, strict=True)}
    return Adviser(catalogue, space, prior(space, place), LearntCompliance.shipped(Known(embedder, known)))


def prior(space: ItemSpace, beside: Path = CATALOGUE) -> Gaussian:
    """The reward with the fitted prior. Raises WeightsError where it is broken, FeatureMismatch for other items."""
    path = beside.with_suffix(PRIOR)
    mend = f"fit it with `python -m examples.shop fit --catalogue {beside}`"
    if not path.is_file():
        raise WeightsError(f"there is no prior over tastes at {path}: {mend}")
    shelved = open_reward(path)
    if shelved.card.space != space.version:
        raise FeatureMismatch(
            f"the prior in {path} was fitted on another catalogue ({shelved.card.space}) than this one "
            f"({space.version}): {mend}"
        )
    reward = shelved.reward
    assert isinstance(reward, Gaussian)
    return reward
