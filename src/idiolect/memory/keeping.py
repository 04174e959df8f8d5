"""What is derived from people's events is kept in the process, for the last few people; on the disk there is no copy.

It follows `head()`: events that came are folded in; where the epoch changed, something was forgotten, perhaps by
another process, and all that is kept of the person is dropped.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Protocol, TypeVar

from idiolect.memory.consolidation import Consolidated
from idiolect.memory.records import Head, Recorded
from idiolect.schema import WORD_KINDS

T = TypeVar("T")

MOST = 64  # people


class Reader(Protocol):
    """What is needed of a person's store."""

    id: str

    def head(self) -> Head | None:
        """How far the events go."""

    def events(self, *kinds: str, after: int = 0) -> list[Recorded]:
        """Events of these kinds, in order."""


@dataclass
class Kept:
    """One person's statements as of one epoch. `drawers` holds what other rooms derive from them, by name."""

    epoch: int
    statements: Consolidated = field(default_factory=Consolidated)
    through: int = 0  # seq of the newest event that was looked at
    drawers: dict[str, object] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)


@dataclass
class Fork:
    """The statements as one transaction sees them: a layer over those that are kept, or all of them where none are."""

    epoch: int = 0
    statements: Consolidated | None = None
    below: Consolidated | None = None
    through: int = 0  # how far the ones below went; since then they must not have changed
    is_current: bool = False  # nothing was written in the transaction since its last question; nobody else can write
    seen: tuple[int, int] = (0, 0)  # the epoch, and how far the statements went that answered it

    def goes_on(self, epoch: int, below: Consolidated | None) -> bool:
        """Whether it may be used: of these statements, as they were."""
        is_of = self.statements is not None and self.epoch == epoch
        return is_of and (self.below is None or (self.below is below and below.through == self.through))


class Keeping:
    """The people of one store whose statements are held. Safe in threads.

    No lock is held while the database is read: a writer that waits for a lock would keep others from the database.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._kept)

    def kept(self, reader: Reader) -> Kept:
        """What is kept of a person, up to date with their events when this was called."""
        head = reader.head()
        if head is None:
            self.drop(reader.id)
            return Kept(0)
        kept = self._of(reader.id, head.epoch)
        if head.newest > kept.through:
            news = reader.events(*WORD_KINDS, after=kept.through)
            with kept.lock:  # where another thread was quicker, there is less to take
                folded(kept.statements, news)
                kept.through = max(kept.through, head.newest, *(recorded.seq for recorded in news))
        return kept

    def ask(self, reader: Reader, question: Callable[[Consolidated], T]) -> T:
        """The answer of a person's statements."""
        kept = self.kept(reader)
        with kept.lock:
            return question(kept.statements)

    def ask_within(self, reader: Reader, question: Callable[[Consolidated], T], fork: Fork | None = None) -> T:
        """The same in a transaction: it sees what was written in it, and leaves no trace of that for others.

        `fork` holds what was folded for the transaction's last question, which the next one goes on from.
        """
        fork = fork or Fork()
        epoch = fork.seen[0] if fork.is_current else _epoch_of(reader.head())
        kept = self._known(reader.id, epoch)
        if kept is None:
            if not fork.goes_on(epoch, None):
                fork.epoch, fork.statements, fork.below = epoch, Consolidated(), None
            assert fork.statements is not None
            statements = folded(fork.statements, _news(reader, fork, fork.statements.through))
            return _answered(fork, statements, question, epoch)
        while True:
            through = kept.statements.through
            if not fork.goes_on(epoch, kept.statements):
                fork.statements = None
            news = _news(reader, fork, fork.statements.through if fork.statements else through)
            with kept.lock:
                if kept.statements.through == through:  # else another thread has taken some of them meanwhile
                    return _answered(fork, _forked(fork, kept, news), question, epoch)

    def drop(self, person: str) -> None:
        """Hold nothing of a person any more."""
        with self._lock:
            self._kept.pop(person, None)

    def _known(self, person: str, epoch: int) -> Kept | None:
        with self._lock:
            kept = self._kept.get(person)
            return kept if kept is not None and kept.epoch == epoch else None

    def _of(self, person: str, epoch: int) -> Kept:
        with self._lock:
            kept = self._known(person, epoch)
            if kept is None:
                kept = self._kept[person] = Kept(epoch)
            self._kept.move_to_end(person)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return kept


def _epoch_of(head: Head | None) -> int:
    return head.epoch if head else 0


def _news(reader: Reader, fork: Fork, after: int) -> list[Recorded]:
    """What a transaction sees that came after; nothing is asked of the database that is known already."""
    return [] if fork.is_current and after >= fork.seen[1] else reader.events(*WORD_KINDS, after=after)


def _answered(fork: Fork, statements: Consolidated, question: Callable[[Consolidated], T], epoch: int) -> T:
    fork.is_current, fork.seen = True, (epoch, statements.through)
    return question(statements)


def _forked(fork: Fork, kept: Kept, news: list[Recorded]) -> Consolidated:
    """What is kept with these events, which come after it or after what the fork has taken."""
    if fork.statements is None:
        if not news:
            return kept.statements
        fork.epoch, fork.statements = kept.epoch, kept.statements.layer()
        fork.below, fork.through = kept.statements, kept.statements.through
    return folded(fork.statements, news)


def folded(statements: Consolidated, news: list[Recorded]) -> Consolidated:
    """With these events taken."""
    for recorded in news:
        statements.take(recorded)
    return statements
