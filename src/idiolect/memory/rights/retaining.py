"""How long things are kept: what is older than a rule says is erased as if each person had asked for it.

The clock strikes by a command, and once a day behind the turns of a process that answers.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from pydantic import Field, PositiveInt

from idiolect.memory.rights.forgetting import forget_old
from idiolect.memory.rights.receipt import NO_CACHES, Caches, Receipt
from idiolect.memory.store import Store, UserStore
from idiolect.schema import Noun, now

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)


class Rule(Noun):
    """After how many days what is forgotten; unsaid, never."""

    turns_days: PositiveInt | None = Field(None, description="Turns, with what was said in them and of their answers.")
    special_days: PositiveInt | None = Field(None, description="What names health, faith, politics, ...")

    def __bool__(self) -> bool:
        return self != Rule()


class Retained(Noun):
    """What the rule took of one person."""

    user: str
    receipt: Receipt


class Swept(Noun):
    """What the rule took of everybody; those of whom nothing went are not named."""

    at: datetime
    rule: Rule
    dry_run: bool
    looked_at: int  # people
    people: tuple[Retained, ...]


def retain(
    person: UserStore, rule: Rule, at: datetime, *, dry_run: bool = False, caches: Caches = NO_CACHES
) -> Receipt:
    """Erase what is too old at this time; which models were shown it becomes nobody's count."""
    turns, special = _before(at, rule.turns_days), _before(at, rule.special_days)
    receipt = forget_old(person, turns, special, dry_run=True)  # of nothing no log is scrubbed
    if receipt.events and not dry_run:
        receipt = forget_old(person, turns, special, caches=caches)
    if turns is not None and not dry_run and any(each.day < turns.date().isoformat() for each in person.recipients()):
        with person.transaction() as transaction:
            transaction.let_go_of_recipients(turns.date())
    return receipt


def sweep(store: Store, rule: Rule, at: datetime, *, dry_run: bool = False, caches: Caches = NO_CACHES) -> Swept:
    """The same for everybody."""
    people = store.people() if rule else []
    done = [
        Retained(user=each, receipt=retain(store.user(each), rule, at, dry_run=dry_run, caches=caches))
        for each in people
    ]
    took = tuple(each for each in done if each.receipt.events)
    return Swept(at=at, rule=rule, dry_run=dry_run, looked_at=len(people), people=took)


class Clock:
    """Strikes at most once a day, however often it is looked at. Safe in threads."""

    def __init__(self, store: Store, rule: Rule, caches: Callable[[], Caches] = Caches) -> None:
        self._store, self._rule, self._caches = store, rule, caches
        self._struck: datetime | None = None
        self._lock = Lock()

    def strikes(self, at: datetime | None = None) -> bool:
        """Whether it is time for a sweep; of those who ask at once, one is told so."""
        moment = at or now()
        with self._lock:
            if not self._rule or (self._struck is not None and moment - self._struck < EVERY):
                return False
            self._struck = moment
            return True

    def sweep(self) -> None:
        """Erase what is too old now; a sweep that failed is tried again at the next look."""
        try:
            swept = sweep(self._store, self._rule, now(), caches=self._caches())
        except BaseException:
            self._struck = None
            raise
        log.info("retention: %d of %d people had something too old", len(swept.people), swept.looked_at)


def _before(at: datetime, days: int | None) -> datetime | None:
    return None if days is None else at - timedelta(days=days)
