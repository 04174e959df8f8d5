"""The fold: events, oldest first -> what holds of a person, what held, and what waits.

Duplicates merge and keep their evidence. The newer explicit statement supersedes the older one that it contradicts,
which stays with its dates. What contradicts at equal standing (one event, one instant, one import against another) is
shown as a conflict. Statements of different scope, and a general beside a specific one, live side by side. What was
inferred is offered while the person allows that kind of inference, and only of what they have said nothing about.

Order is that of `seq`, so a replay is the same as having been there; an event that was taken changes nothing.
"""

from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime
from itertools import repeat
from typing import Final

from idiolect.memory.consolidation.consents import Consents
from idiolect.memory.consolidation.entry import Entry
from idiolect.memory.consolidation.lasting import SURENESS, Evidence
from idiolect.memory.consolidation.layer import Layer
from idiolect.memory.consolidation.ledger import Ledger
from idiolect.memory.consolidation.reading import proposed, stated
from idiolect.memory.consolidation.sameness import Key, Thing
from idiolect.memory.consolidation.standing import contradicts, corrects, is_twin, standing
from idiolect.memory.consolidation.view import Changes, View
from idiolect.memory.records import Part, Recorded
from idiolect.schema import Consent, Correction, Decision, Inferred, Preference, Proposal, Revision, Slots, Statement

LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)


class Consolidated:
    """The statements of one person. Not safe in threads: whoever keeps it keeps a lock."""

    def __init__(self) -> None:
        self.through = 0  # seq of the last event that was taken
        self.latest = LONG_AGO  # time of the newest event
        self._ledger = Ledger()
        self.consents = Consents()
        self._offers: MutableMapping[Key, Entry] = {}  # proposals that wait or were refused
        self._guesses: MutableMapping[Thing, Entry] = {}  # of those that wait, the inferred ones
        self._view = View(self._ledger)

    def take(self, recorded: Recorded) -> None:
        """Fold in the next event; one that was taken before, or says nothing in words, changes nothing."""
        if recorded.seq <= self.through:
            return
        self.through, event = recorded.seq, recorded.event
        self.latest = max(self.latest, event.at)
        match event:
            case Statement():
                self._say(stated(event, recorded.seq), event.id)
            case Proposal():
                self._propose(proposed(event, recorded.seq))
            case Decision():
                for entry in self._ledger.found(event.proposal):
                    self._decide(entry, event, recorded.seq)
            case Revision():
                self._revise(event)
            case Correction(statement=str(named)):
                for entry in self._ledger.found(named):
                    self._drop(entry, event.at)
            case Consent():
                self._allow(event, recorded.seq)

    def preferences(self, at: datetime) -> tuple[Preference, ...]:
        """The statements in force, oldest first.

        At a time before the newest event: what was believed then, but for pins, marks and words changed since.
        """
        return self._view.preferences(at) if at >= self.latest else self._view.then(at)

    def styles(self, at: datetime) -> tuple[Preference, ...]:
        """Those in force now that say how every answer should be: of an attribute, without a scope."""
        return self._view.styles(max(at, self.latest))

    def all(self, at: datetime) -> tuple[Preference, ...]:
        """Every statement there was by then, in force or not, with what became of it; oldest first."""
        known = (entry for entry in self._ledger.entries.values() if entry.since <= at)
        return tuple(self._view.shown(entry, at) for entry in sorted(known, key=lambda each: each.order))

    def proposals(self) -> tuple[Preference, ...]:
        """What waits for the person, oldest first."""
        return tuple(entry.preference(self.latest) for entry in self._ledger.entries.values() if entry.is_proposed)

    def guesses(self) -> tuple[Inferred, ...]:
        """What those of them rest on that were inferred."""
        return tuple(entry.inferred for entry in self._guesses.values() if entry.inferred is not None)

    def conflicts(self, at: datetime) -> tuple[tuple[Preference, ...], ...]:
        """Statements of equal standing that contradict each other, together; the person decides."""
        told, groups = set[str](), []
        for entry in self._ledger.active():
            held = self._view.shown(entry, at)
            if held.status == "held" and held.conflicts and held.id not in told:
                ids = sorted({held.id, *held.conflicts}, key=lambda each: self._ledger.entries[each].order)
                groups.append(tuple(self._view.shown(self._ledger.entries[each], at) for each in ids))
                told.update(ids)
        return tuple(groups)

    def found(self, identifier: str, at: datetime) -> tuple[Preference, ...]:
        """By a statement's id, or that of an event which it was said in; with what became of it."""
        return tuple(self._view.shown(entry, at) for entry in self._ledger.found(identifier))

    def worded(self, identifier: str) -> Part:
        """Where the words of a statement stand: an event, and which of its statements."""
        return self._ledger.entries[identifier].worded

    def changes(self, at: datetime) -> Changes:
        """What may have changed since this was asked last: ids, with the preference or None where none is in force."""
        return self._view.changes(max(at, self.latest))

    def tell_again(self, identifiers: Iterable[str]) -> None:
        """These changes were asked for and came to nothing: they are among the next."""
        self._view.tell_again(identifiers)

    def layer(self) -> "Consolidated":
        """One that can go on while this one stays, and must stay while the other is used."""
        other = Consolidated()
        other.through, other.latest, other._ledger = self.through, self.latest, self._ledger.layer()
        other.consents = self.consents.copy()
        other._offers = Layer(self._offers, lambda entry: other._ledger.entries[entry.id])
        other._guesses = Layer(self._guesses, lambda entry: other._ledger.entries[entry.id])
        other._view = self._view.layer(other._ledger)
        return other

    def _say(self, entries: list[Entry], event: str) -> None:
        if len(entries) > 1:
            self._ledger.parts[event] = len(entries)
        for entry in entries:
            self._admit(entry)

    def _admit(self, new: Entry) -> None:
        """Bring a statement into force among those that there are."""
        if new.key.thing in self._guesses:
            self._take_back(self._guesses[new.key.thing])
        neighbours = [old for old in self._ledger.near(new) if not self._is_over(old, new.last)]
        twin = next((old for old in neighbours if is_twin(old, new)), None)
        against = [old for old in neighbours if contradicts(new, old)]
        if new.slots.corrects:
            against += [old for old in self._ledger.active() if corrects(new, old) and old.since <= new.since]
        newer = [old for old in against if standing(new, old) == "older"]
        if newer:
            self._ledger.end(new, "superseded", max(old.last for old in newer))
            return
        for old in against:
            self._meet(new, old, home=twin or new)
        if twin is not None:
            self._merge(twin, new)
        else:
            self._ledger.put(new)

    def _is_over(self, old: Entry, at: datetime) -> bool:
        expires = old.expires
        if expires is None or expires > at:
            return False
        self._ledger.end(old, "expired", expires)
        return True

    def _meet(self, new: Entry, old: Entry, home: Entry) -> None:
        match standing(new, old):
            case "newer":
                self._ledger.end(old, "superseded", new.last)
            case "equal":
                home.rivals.add(old.id)
                old.rivals.add(home.id)
                self._ledger.touched.update((home.id, old.id))

    def _merge(self, twin: Entry, new: Entry) -> None:
        """The same said again: one statement, surer, in the newest words."""
        known = {each.event for each in twin.evidence}
        is_newer = new.last >= twin.last
        twin.evidence += [each for each in new.evidence if each.event not in known]
        if (new.is_explicit and is_newer) or not twin.is_explicit:
            slots = new.slots
            if "constraint" in (twin.slots.kind, slots.kind):
                slots = slots.model_copy(update={"kind": "constraint"})
            if slots.sensitive is None:
                slots = slots.model_copy(update={"sensitive": twin.slots.sensitive})
            twin.reword(slots, new.text, new.worded)
        if new.is_explicit and not twin.is_explicit:
            twin.is_explicit, twin.origin = True, new.origin
        twin.consented = twin.consented or new.consented
        self._ledger.merge(new, into=twin)

    def _propose(self, entry: Entry) -> None:
        """The same offered again is one proposal, and stays refused if it was."""
        if entry.inferred is not None and not self._may_guess(entry):
            return
        twin = self._offers.get(entry.key)
        if twin is not None:
            if entry.inferred is None and twin.inferred is not None:  # from elsewhere it needs no consent
                self._guesses.pop(twin.key.thing, None)
                twin.inferred, twin.origin, twin.source = None, entry.origin, entry.source
            twin.evidence += entry.evidence
            self._ledger.merge(entry, into=twin)
            return
        self._offers[entry.key] = self._ledger.entries[entry.id] = entry
        if entry.inferred is not None:
            self._guesses[entry.key.thing] = entry
        self._ledger.touched.add(entry.id)

    def _allow(self, event: Consent, seq: int) -> None:
        self.consents.take(event, seq)
        for entry in [each for each in self._guesses.values() if not self.consents.covers(each.inferred)]:
            self._take_back(entry)

    def _may_guess(self, entry: Entry) -> bool:
        """Whether the person allows it now, and has never said anything of the same themselves."""
        thing, other = entry.key.thing, self._guesses.get(entry.key.thing)
        if not self.consents.covers(entry.inferred) or (other is not None and other.key != entry.key):
            return False
        known = (each for each in self._ledger.entries.values() if not each.is_proposed and each.ending != "refused")
        return all(each.key.thing != thing for each in known)

    def _take_back(self, entry: Entry) -> None:
        """Offer it no more, as if it had never been inferred."""
        self._offers.pop(entry.key, None)  # before the entry is gone, which a layer looks up to copy it
        del self._guesses[entry.key.thing], self._ledger.entries[entry.id]
        self._ledger.touched.add(entry.id)

    def _decide(self, entry: Entry, decision: Decision, seq: int) -> None:
        if entry.origin in ("said", "chosen"):  # it was merged into the person's own words
            return
        if entry.inferred is not None:
            self._guesses.pop(entry.key.thing, None)
        if not decision.accepted:
            if entry.is_proposed or entry.is_active:
                self._ledger.end(entry, "refused", decision.at)
                entry.is_proposed = False
                self._offers[entry.key] = entry
        elif entry.is_proposed or entry.ending == "refused":
            self._offers.pop(entry.key, None)
            entry.is_proposed, entry.ending, entry.until = False, None, None
            entry.since, entry.order = decision.at, (seq, 0)
            sure = (SURENESS["accepted"], *repeat(0.0, len(entry.evidence) - 1))  # offered twice is not said twice
            pairs = zip(entry.evidence, sure, strict=True)
            entry.evidence = [Evidence(each.event, decision.at, sureness) for each, sureness in pairs]
            self._admit(entry)

    def _revise(self, event: Revision) -> None:
        found = self._ledger.found(event.statement)
        for entry in found:
            entry.pinned = entry.pinned if event.pinned is None else event.pinned
            entry.local_only = entry.local_only if event.local_only is None else event.local_only
            entry.consented = entry.consented if event.consented is None else event.consented
            self._ledger.touched.add(entry.id)
        if event.slots is not None and len(found) == 1:
            self._reword(found[0], event, event.slots)

    def _reword(self, entry: Entry, event: Revision, slots: Slots) -> None:
        """Edited by hand it is surer than anything said before, and takes the place of what says the same."""
        is_offer = entry.is_proposed
        if is_offer:
            self._offers.pop(entry.key, None)
            self._guesses.pop(entry.key.thing, None)
            entry.inferred = None  # in the person's own words it is no guess
        elif entry.is_active:
            self._ledger.take_out(entry)
        entry.reword(slots, slots.span or slots.object, (event.id, 0))
        if is_offer:
            self._offers[entry.key] = entry
        elif entry.is_active:
            entry.evidence.append(Evidence(event.id, event.at, SURENESS["feedback"]))
            entry.is_explicit, entry.origin = True, "said" if entry.origin == "chosen" else entry.origin
            for twin in [old for old in self._ledger.near(entry) if is_twin(old, entry)]:
                self._ledger.end(twin, "superseded", event.at)
            self._admit(entry)

    def _drop(self, entry: Entry, at: datetime) -> None:
        if entry.is_active or entry.is_proposed:
            if entry.is_proposed:
                self._offers.pop(entry.key, None)
                self._guesses.pop(entry.key.thing, None)
                entry.is_proposed = False
            self._ledger.end(entry, "ended", at)
