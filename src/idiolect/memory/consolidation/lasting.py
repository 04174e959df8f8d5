"""How long a statement lasts, and how sure it is.

What was said in words stays; its confidence grows as it is said again: 1 - prod_i (1 - c_i). What was picked or
inferred decays by half-life and grows with repetition by the same product, each c_i taken at its age:

    c(t) = 1 - prod_i (1 - c_i 2^(-(t - t_i) / h))
"""

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

HALF_LIFE: Final = timedelta(days=90)
FADED: Final = 0.2  # below, it is not believed any more: one pick fades after 119 days, three after 240
SURENESS: Final = {"feedback": 0.95, "conversation": 0.9, "accepted": 0.8, "choice": 0.5}
SUREST: Final = 0.99

TEMPORARY: Final = timedelta(days=7)
_UNITS: Final = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.0, "year": 365.0}
_COUNTED: Final = re.compile(
    r"\b(?:next|for|coming)\s+(\d{1,3}|a|an|one|two|three|four|five|six|few)\s+(hour|day|week|month|year)s?\b"
)
_COUNTS: Final = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "few": 3}
_NAMED: Final = (
    (
        re.compile(r"\b(?:to(?:day|night)|this (?:morning|afternoon|evening)|right now|at the moment)\b"),
        timedelta(days=1),
    ),
    (re.compile(r"\bthis month\b"), timedelta(days=30)),
    (re.compile(r"\bthis (?:summer|autumn|fall|winter|spring|season|term|semester|quarter)\b"), timedelta(days=90)),
    (re.compile(r"\bthis year\b"), timedelta(days=365)),
)


class Evidence(NamedTuple):
    """One event that a statement rests on."""

    event: str
    at: datetime
    sureness: float


def lasts(said: str) -> timedelta:
    """How long a temporary statement holds: a week, unless its words name a time."""
    plain = said.lower()
    counted = _COUNTED.search(plain)
    if counted is not None:
        count = _COUNTS.get(counted[1]) or int(counted[1])
        return timedelta(days=count * _UNITS[counted[2]])
    return next((length for pattern, length in _NAMED if pattern.search(plain)), TEMPORARY)


def sureness_of(evidence: Iterable[Evidence], at: datetime, decays: bool) -> float:
    """Confidence at a time, to four places. Ages are counted in whole days, so that it changes once a day."""
    known = [each for each in evidence if each.at <= at]
    if decays:
        today = _day(at)
        doubts = [1 - each.sureness * _share_left((today - _day(each.at)).days) for each in known]
    else:
        doubts = [1 - each.sureness for each in known]
    return round(min(1 - math.prod(doubts), SUREST), 4)


@lru_cache(4096)
def _share_left(days: int) -> float:
    return math.pow(2, -max(days, 0) / HALF_LIFE.days)


def _day(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
