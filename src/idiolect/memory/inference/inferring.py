"""What is newly inferred of a person is found and kept: after each turn, from the events that came since the last."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import RLock
from typing import Final

from idiolect.memory.inference import READERS
from idiolect.memory.inference.reader import Found, Reader
from idiolect.memory.records import Recorded
from idiolect.memory.store import Forgotten, UserStore
from idiolect.schema import Consent, Inference, Restart

DRAWER: Final = "inference"
READ: Final = ("interaction", "choice", "tie", "rating", "edit", "signal", "consent", "restart")
KEPT_AS: Final = ("hint", "proposal")


@dataclass
class Inferring:
    """The kinds that one person allows, as far as they have read."""

    through: int = 0  # seq of the last event that was read
    readers: dict[Inference, Reader] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def take(self, recorded: Recorded) -> Iterable[Found]:
        """What is found by the next event; a kind begins with its consent, anew where it restarts, and ends with it."""
        self.through, event = recorded.seq, recorded.event
        if isinstance(event, Consent):
            if not event.given:
                self.readers.pop(event.inference, None)
            elif event.inference not in self.readers:
                self.readers[event.inference] = READERS[event.inference](event.id)
            return ()
        if isinstance(event, Restart):
            if event.inference in self.readers:
                self.readers[event.inference] = READERS[event.inference](self.readers[event.inference].consent)
            return ()
        return [found for reader in self.readers.values() for found in reader.take(event)]


def infer(person: UserStore) -> tuple[Found, ...]:
    """Keep what is newly found of a person; nothing is read of one who allows nothing. Raises StoreError."""
    kept = person.kept()
    with kept.lock:
        begun = [each.seq for each in kept.statements.consents.allowed.values()]
        inferring = kept.drawers.setdefault(DRAWER, Inferring(min(begun) - 1)) if begun else None
    if not isinstance(inferring, Inferring):
        return ()
    with inferring.lock:
        found = _found(inferring, person.events(*READ, after=inferring.through))
        if not found:
            return ()
        try:
            return _recorded(person, kept.epoch, found)
        except Forgotten:  # what is kept of the person goes with it, so all is read anew
            return ()
        except BaseException:
            kept.drawers.pop(DRAWER, None)  # read anew, so that what was not kept is found again
            raise


def _found(inferring: Inferring, events: Iterable[Recorded]) -> list[Found]:
    """By all of them; what a kind found before it restarted was forgotten."""
    found = list[Found]()
    for recorded in events:
        if isinstance(recorded.event, Restart):
            restarted = recorded.event.inference
            found = [each for each in found if each.inferred is None or each.inferred.by != restarted]
        found += inferring.take(recorded)
    return found


def _recorded(person: UserStore, epoch: int, found: Iterable[Found]) -> tuple[Found, ...]:
    """Those that were not kept before; none whose consent was taken back. Raises Forgotten."""
    with person.transaction(epoch) as transaction:
        consents = transaction.ask(lambda statements: statements.consents.copy())
        known = {each.event.id for each in transaction.events(*KEPT_AS)}
        fresh = [each for each in found if each.id not in known and consents.covers(each.inferred)]
        for each in fresh:
            transaction.append(each)
    return tuple(fresh)
