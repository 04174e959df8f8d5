"""Text becomes a vector: named attributes, the embedder, and the preference space that both make up."""

from idiolect.features.attributes import ATTRIBUTES, Attribute, measure
from idiolect.features.embedder import EMBEDDERS, Embedder, open_embedder
from idiolect.features.space import PreferenceSpace, Statistics, fit_space, read_answers

__all__ = [
    "ATTRIBUTES",
    "EMBEDDERS",
    "Attribute",
    "Embedder",
    "PreferenceSpace",
    "Statistics",
    "fit_space",
    "measure",
    "open_embedder",
    "read_answers",
]
