"""Proposals are kept in batches, each batch in one transaction, each proposal once."""

from collections.abc import Iterable

from idiolect.memory.importers.found import Found
from idiolect.memory.importers.proposing import outcomes
from idiolect.memory.importers.report import Tally
from idiolect.memory.records import Recorded
from idiolect.memory.store import UserStore
from idiolect.schema import Proposal

BATCH = 200  # proposals in one transaction: all of them are kept, or none


class Keeper:
    """Keeps proposals in batches, each id once."""

    def __init__(self, person: UserStore, tally: Tally, dry_run: bool) -> None:
        """Reads which proposals the person has."""
        self._person, self._tally, self._dry_run = person, tally, dry_run
        self._known, self._through = set[str](), 0
        self._waiting = list[Proposal]()
        self._learn(person.events("proposal"))

    def take(self, found: Found) -> None:
        """What becomes of something that was found."""
        self._tally.found(found)
        for outcome in outcomes(found):
            self._tally.outcome(outcome)
            if isinstance(outcome, Proposal):
                self._waiting.append(outcome)
        if len(self._waiting) >= BATCH:
            self.finish()

    def finish(self) -> None:
        """Keep what waits, in one transaction."""
        if not self._waiting:
            return
        if self._dry_run:
            self._tally.kept(*self._fresh())
        else:
            with self._person.transaction() as transaction:
                self._learn(transaction.events("proposal", after=self._through))  # of another import beside this one
                fresh, already = self._fresh()
                for proposal in fresh:
                    self._through = transaction.append(proposal)
                transaction.note("import", {"proposals": len(fresh)})
            self._tally.kept(fresh, already)
        self._waiting.clear()

    def _learn(self, recorded: Iterable[Recorded]) -> None:
        for each in recorded:
            self._known.add(each.event.id)
            self._through = each.seq

    def _fresh(self) -> tuple[list[Proposal], int]:
        """Those that wait and are not known, and how many are; from now on all are."""
        fresh = {each.id: each for each in self._waiting if each.id not in self._known}
        self._known |= set(fresh)
        return list(fresh.values()), len(self._waiting) - len(fresh)
