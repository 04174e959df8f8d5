"""Three people live at random on one database, against plain dictionaries: nobody ever meets a foreign id or belief."""

import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from idiolect.errors import BadInput, StoreError
from idiolect.memory.feedback import event_of
from idiolect.memory.recall import RecallSettings
from idiolect.memory.recollection import Recollection
from idiolect.memory.remembering import heard, remember
from idiolect.memory.rights import erase, export, import_again
from idiolect.memory.store import Store, UserStore, open_store
from idiolect.schema import (
    Answer,
    AnyEvent,
    Candidate,
    Correction,
    Feedback,
    Interaction,
    Message,
    Revision,
    Slots,
    Statement,
    Trace,
    Verdict,
)

PEOPLE = ("ana", "ben", "cleo")
THINGS = ("oysters", "jazz", "museums", "hiking")
FINE = Verdict(score=1.0)
START = datetime(2026, 3, 2, 8, tzinfo=UTC)

Polarity = Literal[-1, 1]
people, things, polarities = st.sampled_from(PEOPLE), st.sampled_from(THINGS), st.sampled_from((-1, 1))
places = st.integers(0, 30)


class Deed(NamedTuple):
    """Something that happened, in the order in which it did; `hangs` names what it goes with."""

    id: str
    what: str  # say, drop, edit, or other: a turn, a choice
    target: str = ""  # the statement that is dropped or edited
    thing: str = ""
    polarity: int = 0
    hangs: tuple[str, ...] = ()


class Held(NamedTuple):
    """What is believed of one thing."""

    id: str
    polarity: int
    known_as: frozenset[str]


@dataclass
class Life:
    """The plain model of one person."""

    deeds: list[Deed] = field(default_factory=list)

    def beliefs(self) -> dict[str, Held]:
        """The last word counts; the same word again is the same belief; an edit takes the place of what is there."""
        held: dict[str, Held] = {}
        for deed in self.deeds:
            before = held.get(deed.thing)
            known = next((thing for thing, each in held.items() if deed.target in each.known_as), None)
            if deed.what == "say" and before and before.polarity == deed.polarity:
                held[deed.thing] = before._replace(known_as=before.known_as | {deed.id})
            elif deed.what == "say":
                held[deed.thing] = Held(deed.id, deed.polarity, frozenset({deed.id}))
            elif known is not None:
                gone = held.pop(known)
                if deed.what == "edit":
                    held[deed.thing] = Held(gone.id, deed.polarity, gone.known_as)
        return held

    def forget(self, identifier: str) -> None:
        """Drop a deed and what hangs on it."""
        gone = {identifier}
        for deed in self.deeds:
            if gone.intersection(deed.hangs):
                gone.add(deed.id)
        self.deeds = [deed for deed in self.deeds if deed.id not in gone]


class People(RuleBasedStateMachine):
    """The database twice opened, as by two processes, beside three plain lives."""

    @initialize()
    def _begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="idiolect-machine-")
        self.stores = [self._opened(), self._opened()]
        self.lives = {person: Life() for person in PEOPLE}
        self.recollections = [Recollection(None), Recollection(None)]
        self.count = 0

    def teardown(self) -> None:
        """Close and remove the files."""
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    def _opened(self) -> Store:
        return open_store(str(Path(self.folder.name) / "me.db"))

    def _person(self, user: str) -> UserStore:
        self.count += 1
        return self.stores[self.count % 2].user(user)

    def _at(self) -> datetime:
        self.count += 1
        return START + timedelta(minutes=self.count)

    def _name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def _append(self, user: str, event: AnyEvent) -> None:
        with self._person(user).transaction() as transaction:
            transaction.append(event)

    # --- what people do ---------------------------------------------------------------------------------------------

    @rule(user=people, thing=things, polarity=polarities)
    def put_in(self, user: str, thing: str, polarity: Polarity) -> None:
        """Say something on purpose."""
        slots = (Slots(kind="topic", object=thing, polarity=polarity, span=thing),)
        said = Statement(id=self._name(), text=thing, slots=slots, at=self._at())
        self._append(user, said)
        self.lives[user].deeds.append(Deed(said.id, "say", thing=thing, polarity=polarity))

    @rule(user=people, thing=things, polarity=polarities, again=st.booleans())
    def talk(self, user: str, thing: str, polarity: Polarity, again: bool) -> None:
        """Say something in conversation; the request may be sent twice."""
        words = f"I {'love' if polarity > 0 else 'hate'} {thing}. What now?"
        messages, prefix = [Message(role="user", content=words)], self._name()
        for _ in range(1 + again):
            turn = self._turn(user, words, prefix)
            with self._person(user).transaction() as transaction:
                statements = remember(transaction, turn, heard(messages, prefix, turn.at))
            self.lives[user].deeds.append(Deed(turn.id, "other"))
            for statement in statements:
                hangs = (turn.id,)
                self.lives[user].deeds.append(Deed(statement.id, "say", "", thing, polarity, hangs))
        assert len(statements) == (0 if again else 1)

    @rule(user=people)
    def choose(self, user: str) -> None:
        """Prefer one answer to another."""
        turn = self._turn(user, "What now?", self._name())
        self._append(user, turn)
        person = self._person(user)
        with person.transaction() as transaction:
            asked = Feedback(kind="choice", answer=turn.answer.candidates[1].id, over=turn.answer.id)
            choice = event_of(transaction, asked)
            transaction.append(choice)
            transaction.save_vectors("v1", {turn.answer.candidates[0].id: np.ones(2)})
        self.lives[user].deeds += [Deed(turn.id, "other"), Deed(choice.id, "other", hangs=(turn.id,))]

    def _turn(self, user: str, prompt: str, prefix: str) -> Interaction:
        name = self._name()
        candidates = tuple(Candidate(id=f"{name}-{index}", text="Soup.", verdict=FINE) for index in range(2))
        trace = Trace(method="plain", model="scripted", request_verdict=FINE)
        answer = Answer(id=name, user=user, text="Soup.", candidates=candidates, chosen=0, trace=trace)
        return Interaction(id=f"t-{name}", prompt=prompt, prefix=prefix, answer=answer, at=self._at())

    @rule(user=people, place=places)
    def drop(self, user: str, place: int) -> None:
        """Say that a belief no longer holds."""
        held = list(self.lives[user].beliefs().values())
        if held:
            named = held[place % len(held)].id
            correction = Correction(id=self._name(), statement=named, at=self._at())
            self._append(user, correction)
            self.lives[user].deeds.append(Deed(correction.id, "drop", named, hangs=(named,)))

    @rule(user=people, place=places, thing=things, polarity=polarities)
    def edit(self, user: str, place: int, thing: str, polarity: Polarity) -> None:
        """Change what a belief says."""
        held = list(self.lives[user].beliefs().values())
        if held:
            named = held[place % len(held)].id
            slots = Slots(kind="topic", object=thing, polarity=polarity, span=thing)
            revision = Revision(id=self._name(), statement=named, slots=slots, at=self._at())
            self._append(user, revision)
            self.lives[user].deeds.append(Deed(revision.id, "edit", named, thing, polarity, (named,)))

    @rule(user=people, place=places)
    def forget(self, user: str, place: int) -> None:
        """Forget something that happened."""
        deeds = self.lives[user].deeds
        if deeds:
            named = deeds[place % len(deeds)].id
            self._person(user).forget([named])
            self.lives[user].forget(named)

    @rule(user=people)
    def go(self, user: str) -> None:
        """Be erased."""
        erase(self._person(user))
        self.lives[user] = Life()

    @rule(user=people)
    def take_along_and_bring_back(self, user: str) -> None:
        """Export, be erased, import."""
        exported = export(self._person(user))
        erase(self._person(user))
        import_again(self._person(user), exported)
        assert export(self._person(user)) == exported

    @rule(user=people, other=people)
    def hand_over(self, user: str, other: str) -> None:
        """Import somebody's export into an empty memory."""
        if not self.lives[other].deeds:
            import_again(self._person(other), export(self._person(user)))
            self.lives[other] = Life(list(self.lives[user].deeds))

    # --- what machines do -------------------------------------------------------------------------------------------

    @rule(user=people, thing=things)
    def fail_halfway(self, user: str, thing: str) -> None:
        """An error in the middle of a transaction."""
        with suppress(StoreError), self._person(user).transaction() as transaction:
            slots = (Slots(kind="topic", object=thing, span=thing),)
            said = Statement(id=self._name(), text=thing, slots=slots, at=self._at())
            transaction.append(said)
            transaction.preferences()
            transaction.forget([deed.id for deed in self.lives[user].deeds[:1]])
            transaction.preferences()
            with suppress(BadInput):
                transaction.append(said)  # its id is taken: nothing of this transaction may be kept

    @rule(which=st.integers(0, 1))
    def crash(self, which: int) -> None:
        """A process dies with all that it held; another one begins."""
        self.stores[which] = self._opened()
        self.recollections[which] = Recollection(None)

    @rule()
    def reopen(self) -> None:
        """Both processes end, and begin."""
        for store in self.stores:
            store.close()
        self.stores = [self._opened(), self._opened()]

    # --- what must be true ------------------------------------------------------------------------------------------

    @invariant()
    def _matches(self) -> None:
        for user, life in self.lives.items() if hasattr(self, "lives") else ():
            beliefs = life.beliefs()
            for store, recollection in zip(self.stores, self.recollections, strict=True):
                person = store.user(user)
                assert [recorded.event.id for recorded in person.events()] == [deed.id for deed in life.deeds]
                found = {each.object: (each.id, each.polarity) for each in person.preferences()}
                assert found == {thing: (held.id, held.polarity) for thing, held in beliefs.items()}
                recalled = recollection.recall(person, "What do you say to jazz?", RecallSettings(gated=False)).ids
                assert sorted(recalled) == sorted(held.id for held in beliefs.values())


People.TestCase.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPeople = People.TestCase
