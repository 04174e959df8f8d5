"""The named attributes of an answer, and how they are measured: the first part of the preference space.

Each is a figure with a small range and a direction that a person could have a taste for. Short texts are smoothed
towards what is typical, so that an answer of one word is no outlier.
"""

import numpy as np

from idiolect.features.attribute import Attribute
from idiolect.features.content import CONTENT
from idiolect.features.form import FORM
from idiolect.features.reading import Reading
from idiolect.features.voice import VOICE
from idiolect.schema import Array

__all__ = ["ATTRIBUTES", "Attribute", "measure"]

ATTRIBUTES: dict[str, Attribute] = {attribute.name: attribute for attribute in (*FORM, *VOICE, *CONTENT)}


def measure(text: str) -> Array:
    """The raw figures (a,) of an answer, in the order of ATTRIBUTES; finite for any text."""
    reading = Reading(text)
    return np.array([attribute.of(reading) for attribute in ATTRIBUTES.values()])
