"""What a named attribute is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log2

from idiolect.features.reading import Reading


@dataclass(frozen=True)
class Attribute:
    """One direction of taste that has a name. `low` and `high` name answers with little and with much of it.

    `step` is the least difference, in the attribute's own unit, that a person would call one step. It stands in for the
    standard deviation where the shipped material hardly varies.
    """

    name: str
    unit: str
    definition: str
    low: str
    high: str
    step: float
    of: Callable[[Reading], float] = field(repr=False, compare=False)


def log_count(count: int) -> float:
    """The unit of things that are counted: none is 0, one is 1, three are 2."""
    return log2(1 + count)


LOG_COUNT = "log2(1 + count)"
ROOT_RATE = "root of count per 100 words"


def listed(name: str, definition: str, low: str, high: str, *, typical: float, step: float = 0.4) -> Attribute:
    """The attribute that counts the list of its own name in words.toml; `typical` is per 100 words."""

    def of(reading: Reading) -> float:
        return reading.rate(reading.hits[name], typical)

    return Attribute(name, ROOT_RATE, definition, low, high, step, of)
