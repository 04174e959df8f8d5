"""From events to evidence: what each kind of feedback says of the weights."""

import re

import numpy as np
from rapidfuzz.distance import Levenshtein

from idiolect.errors import UnknownMethod
from idiolect.features.space import PreferenceSpace
from idiolect.reward.protocol import Chosen, Said
from idiolect.schema import Array, Preference

STATED_STRENGTH = 1.0  # of a weight that somebody states in words
STATED_VARIANCE = 0.25
CORRECTED_VARIANCE = 0.01  # a weight that somebody sets by hand
FULL_EDIT = 0.2  # this share of words changed counts as a whole choice


def edited(before: Array, after: Array, old: str, new: str) -> Chosen:
    """An edit is a choice of the new text over the old one, the weaker the less was changed. phi (d,) each."""
    changed = edit_cost(old, new) / max(len(_words(old)), len(_words(new)), 1)
    return Chosen(np.stack([after, before]), weight=min(1.0, max(changed / FULL_EDIT, 1e-3)))


def edit_cost(old: str, new: str) -> int:
    """Words and signs to insert, delete or replace (PRELUDE's cost of an edit: Gao et al., 2024, arXiv 2404.15269)."""
    return Levenshtein.distance(_words(old), _words(new))


def stated(preference: Preference, space: PreferenceSpace) -> Said | None:
    """A statement about a named attribute is a pseudo-observation of its weight; other statements say nothing here."""
    if preference.attribute is None:
        return None
    return Said(unit(space, preference.attribute), STATED_STRENGTH * preference.polarity, STATED_VARIANCE)


def corrected(attribute: str, weight: float, space: PreferenceSpace) -> Said:
    """A weight that the person set by hand; 0 says "I have no taste here"."""
    return Said(unit(space, attribute), weight, CORRECTED_VARIANCE)


def unit(space: PreferenceSpace, attribute: str) -> Array:
    """(d,): the direction of a named attribute. Raises UnknownMethod."""
    if attribute not in space.names:
        there_are = ", ".join(space.names[: space.attributes])
        raise UnknownMethod(f"no attribute named {attribute!r}; there are: {there_are}")
    return np.asarray(np.eye(space.dim)[space.names.index(attribute)])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)
