"""What is held of one person's preferences, ready for recall: vectors, words and arrays, prepared at insertion.

Nothing here touches a database: whoever keeps the events fills it and takes out what was forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from threading import RLock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import NotFound
from idiolect.memory.recall.bm25 import BM25
from idiolect.memory.recall.dense import Floats, Profiles, Rows, Vector
from idiolect.memory.recall.gate import Asked, Gate
from idiolect.memory.recall.words import stems
from idiolect.schema import Preference

ROOM = 64  # rows at first
AT_ONCE = 1024  # vectors that are multiplied together
SPARSE = 0.5  # of all places empty: the rest moves together

Bools = NDArray[np.bool_]


@dataclass
class Columns:
    """One number a preference, by place."""

    since: NDArray[np.float64]  # seconds since 1970
    until: NDArray[np.float64]  # infinite where it still holds
    confidence: Floats
    scope: NDArray[np.int32]  # its row among the scopes; -1 without one
    held: Bools  # of status "held", and not removed
    style: Bools
    pinned: Bools
    local: Bools  # never leaves this machine
    sensitive: Bools
    embedded: Bools

    @classmethod
    def empty(cls, room: int) -> "Columns":
        """Room for so many."""
        flags = (np.zeros(room, bool) for _ in range(6))
        return cls(np.zeros(room), np.zeros(room), np.zeros(room, np.float32), np.zeros(room, np.int32), *flags)

    def __len__(self) -> int:
        return len(self.since)

    def doubled(self) -> "Columns":
        """The same with room for twice as many."""
        columns = (getattr(self, each.name) for each in fields(self))
        return Columns(*(np.concatenate([column, np.zeros_like(column)]) for column in columns))

    def first(self, count: int) -> "Columns":
        """Views of the first so many."""
        return Columns(*(getattr(self, each.name)[:count] for each in fields(self)))

    def put(self, place: int, preference: Preference, embedded: bool, scope: int) -> None:
        """Write one row."""
        self.since[place] = preference.at.timestamp()
        self.until[place] = preference.until.timestamp() if preference.until else np.inf
        self.confidence[place] = preference.confidence
        self.scope[place] = scope
        self.held[place] = preference.status == "held"
        self.style[place] = preference.kind == "style"
        self.pinned[place] = preference.pinned
        self.local[place] = preference.local_only
        self.sensitive[place] = preference.sensitive is not None
        self.embedded[place] = embedded


class Embedded(NamedTuple):
    """A preference with the embeddings (dim,) of its text and of its scope, as far as they are known."""

    preference: Preference
    vector: Vector | None = None
    scope: Vector | None = None


class Part:
    """Texts of one sort as words, vectors and what the vectors say of areas of life, by place."""

    def __init__(self, gate: Gate) -> None:
        """Empty."""
        self._gate = gate
        self.words, self.vectors, self.profiles = BM25(), Rows(gate.dim), Profiles(gate.profile_width)

    def add(self, texts: Sequence[str], vectors: Sequence[Vector | None]) -> list[int]:
        """Returns their places. What many vectors say of areas of life is computed at once."""
        for start in range(0, len(texts), AT_ONCE):
            some = vectors[start : start + AT_ONCE]
            profiles = np.zeros((len(some), self._gate.profile_width), np.float32)
            embedded = [row for row, vector in enumerate(some) if vector is not None]
            if embedded:
                profiles[embedded] = self._gate.profile(
                    np.array([each for each in some if each is not None], np.float32)
                )
            self.profiles.add(profiles)
        for vector in vectors:
            self.vectors.add(vector)
        return [self.words.add(stems(text)) for text in texts]

    def remove(self, place: int) -> None:
        """Leave nothing of a text."""
        self.words.remove(place)
        self.vectors.clear(place)
        self.profiles.clear(place)

    def probabilities(self, terms: Sequence[str], asked: Asked | None) -> tuple[Floats, Floats]:
        """(n,) p of every text, and (n,) the overlap of words; where a side is not embedded, words decide."""
        overlap = self.words.scores(terms) / np.float32(self.words.most(terms) or 1)
        if asked is None:
            return self._gate.lexical(overlap), overlap
        p, embedded = self._gate.probabilities(asked.logits(self.vectors, self.profiles), overlap), self.vectors.filled
        return (p if embedded.all() else np.where(embedded, p, self._gate.lexical(overlap))), overlap


class Memories:
    """One person's preferences by id. Safe to call from many threads."""

    def __init__(self, gate: Gate | None = None) -> None:
        """`gate` judges what bears on a prompt; without one, the one that ships."""
        self.gate = gate or Gate.shipped()
        self.lock = RLock()
        self._clear()

    def __len__(self) -> int:
        """How many preferences are held here, whatever their status."""
        return len(self._places)

    def __contains__(self, identifier: object) -> bool:
        """Whether a preference of this id is held here."""
        return identifier in self._places

    @property
    def columns(self) -> Columns:
        """Of all places."""
        return self._columns.first(len(self._preferences))

    def at(self, place: int) -> Preference:
        """The preference at a place. Raises NotFound for an empty one."""
        found = self._preferences[place]
        if found is None:
            raise NotFound(f"no preference is held at place {place}")
        return found

    def add(self, preference: Preference, vector: Vector | None = None, scope_vector: Vector | None = None) -> None:
        """Hold a preference, instead of one of the same id.

        `vector` (dim,) is of its text, `scope_vector` of its scope, of unit length; None: not embedded (yet), so that
        words decide. Raises FeatureMismatch for a vector of another width.
        """
        self.add_all([Embedded(preference, vector, scope_vector)])

    def add_all(self, given: Sequence[Embedded]) -> None:
        """The same of many, of different ids."""
        checked = [
            Embedded(each.preference, *(None if row is None else self.gate.checked(row) for row in each[1:]))
            for each in given
        ]
        with self.lock:
            for each in given:
                if each.preference.id in self._places:
                    self.remove(each.preference.id)
            self._put(checked)

    def remove(self, identifier: str) -> None:
        """Drop a preference with its words and vectors. Raises NotFound for an id that is not held."""
        with self.lock:
            place = self._places.pop(identifier, None)
            if place is None:
                raise NotFound(f"no preference {identifier!r} is held here")
            self.statements.remove(place)
            if self._columns.scope[place] >= 0:
                self.scopes.remove(int(self._columns.scope[place]))
            self._columns.held[place] = False
            self._preferences[place] = None
            if len(self._places) < SPARSE * len(self._preferences) - ROOM:
                self._move_together()

    def clear(self) -> None:
        """Drop everything."""
        with self.lock:
            self._clear()

    def _clear(self) -> None:
        self.statements, self.scopes = Part(self.gate), Part(self.gate)
        self._columns = Columns.empty(ROOM)
        self._preferences: list[Preference | None] = []
        self._places: dict[str, int] = {}

    def _put(self, given: Sequence[Embedded]) -> None:
        places = self.statements.add(
            [f"{each.preference.text} {each.preference.topic}" for each in given], [each.vector for each in given]
        )
        scoped = [each for each in given if each.preference.scope]
        scopes = iter(self.scopes.add([each.preference.scope for each in scoped], [each.scope for each in scoped]))
        for place, (preference, vector, _) in zip(places, given, strict=True):
            if place == len(self._columns):
                self._columns = self._columns.doubled()
            self._columns.put(place, preference, vector is not None, next(scopes) if preference.scope else -1)
            self._preferences.append(preference)
            self._places[preference.id] = place

    def _move_together(self) -> None:
        """Leave out empty places, so that what comes and goes for years takes no more room than what is held."""
        old, scopes, statements = self._columns, self.scopes.vectors, self.statements.vectors
        held = [(each, place) for place, each in enumerate(self._preferences) if each is not None]
        self._clear()
        moved = []
        for preference, place in held:
            scope = int(old.scope[place])
            scope_row = scopes.at(scope) if scope >= 0 and scopes.filled[scope] else None
            moved.append(Embedded(preference, statements.at(place) if old.embedded[place] else None, scope_row))
        self._put(moved)
