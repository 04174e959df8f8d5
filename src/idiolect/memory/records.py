"""What is read of one person: events in their order, derived states, and what was done with the memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from idiolect.schema import AnyEvent, Array

Part: TypeAlias = tuple[str, int]  # an event's id, and which of its statements (or sides of a turn) is meant, from 0
Embeddings: TypeAlias = dict[Part, NDArray[np.float32]]


@dataclass(frozen=True)
class Recorded:
    """An event with its place in the order of all events."""

    seq: int
    event: AnyEvent


@dataclass(frozen=True)
class State:
    """A derived belief: which events are in it, and the version of what made it. It can always be rebuilt."""

    name: str
    version: str
    through: int  # seq of the last event folded in
    arrays: Mapping[str, Array]
    seen: int  # pieces of evidence


class Head(NamedTuple):
    """How far a person's events go. What was derived in another epoch holds something that is gone: drop it."""

    epoch: int
    newest: int  # seq of the newest event; 0 where there is none


@dataclass(frozen=True)
class Audited:
    """Something that was done with a person's memory: ids and counts, never a text."""

    at: datetime
    action: str
    what: Mapping[str, int | list[str]]


class Removed(NamedTuple):
    """What a transaction deleted: events, or None for all there was of the person."""

    epoch: int  # of a person: the last; of events: the one that began with it
    events: tuple[str, ...] | None
    rows: Mapping[str, int]  # by table
