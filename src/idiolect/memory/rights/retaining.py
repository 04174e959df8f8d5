"""How long things are kept: what is older than a rule says is erased as if each person had asked for it.

The clock strikes by a command, and once a day behind the turns of a process that answers.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Self

from pydantic import Field

from idiolect.memory.rights.forgetting import forget_old
from idiolect.memory.rights.receipt import NO_CACHES, Caches, Receipt
from idiolect.memory.store import Store, UserStore
from idiolect.schema import OF_TENANT, Noun, now
from idiolect.settings import Rule, Settings

log = logging.getLogger(__name__)

EVERY = timedelta(days=1)


class Rules(Noun):
    """The rule for everybody, and those of tenants (`shop::`) and of single people (`shop::ana`)."""

    everybody: Rule = Rule()
    own: dict[str, Rule] = Field(default_factory=dict)

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """As the operator set them."""
        everybody = Rule(turns_days=settings.keep_turns_days, special_days=settings.keep_special_days)
        return cls(everybody=everybody, own=settings.keep_for)

    def of(self, person: str) -> Rule:
        """What holds for one: their own rule; what it leaves unsaid, their tenant's; then everybody's."""
        tenant, parted, _ = person.rpartition(OF_TENANT)
        named = [tenant + parted, person] if parted else [person]
        said = [rule.model_dump(exclude_none=True) for key in named if (rule := self.own.get(key)) is not None]
        return self.everybody.model_copy(update={key: days for each in said for key, days in each.items()})

    def __bool__(self) -> bool:
        return bool(self.everybody) or any(self.own.values())


class Retained(Noun):
    """What the rule took of one person."""

    user: str
    receipt: Receipt


class Swept(Noun):
    """What the rules took of everybody; those of whom nothing went are not named."""

    at: datetime
    rule: Rule  # for everybody
    own: dict[str, Rule] = Field(default_factory=dict)  # of tenants and single people
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


def sweep(store: Store, rules: Rules, at: datetime, *, dry_run: bool = False, caches: Caches = NO_CACHES) -> Swept:
    """The same for everybody, each by the rule that holds for them."""
    people = {person: rule for person in store.people() if (rule := rules.of(person))}
    done = [
        Retained(user=person, receipt=retain(store.user(person), rule, at, dry_run=dry_run, caches=caches))
        for person, rule in people.items()
    ]
    took = tuple(each for each in done if each.receipt.events)
    return Swept(at=at, rule=rules.everybody, own=rules.own, dry_run=dry_run, looked_at=len(people), people=took)


class Clock:
    """Strikes at most once a day, however often it is looked at. Safe in threads."""

    def __init__(self, store: Store, rules: Rules, caches: Callable[[], Caches] = Caches) -> None:
        self._store, self._rules, self._caches = store, rules, caches
        self._struck: datetime | None = None
        self._lock = Lock()

    def strikes(self, at: datetime | None = None) -> bool:
        """Whether it is time for a sweep; of those who ask at once, one is told so."""
        moment = at or now()
        with self._lock:
            if not self._rules or (self._struck is not None and moment - self._struck < EVERY):
                return False
            self._struck = moment
            return True

    def sweep(self) -> None:
        """Erase what is too old now; a sweep that failed is tried again at the next look."""
        try:
            swept = sweep(self._store, self._rules, now(), caches=self._caches())
        except BaseException:
            self._struck = None
            raise
        log.info("retention: %d of %d people had something too old", len(swept.people), swept.looked_at)


def _before(at: datetime, days: int | None) -> datetime | None:
    return None if days is None else at - timedelta(days=days)
