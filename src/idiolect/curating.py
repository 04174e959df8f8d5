"""What a person does with what is remembered of them, by their own hand.

Every change is an event, recorded with the belief that follows from it: a statement about the form of answers is
evidence in numbers too. All of a change is kept, or nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import Field

from idiolect.errors import BadInput
from idiolect.learning import Learner
from idiolect.memory.extraction import of_oneself, told
from idiolect.memory.inference.allowing import Allowances, allowances, allows
from idiolect.memory.naming import everything, named, short_ids
from idiolect.memory.rights import Caches, Receipt, erase
from idiolect.memory.rights.asking import Forgetting, forgotten
from idiolect.memory.rights.receipt import NO_CACHES
from idiolect.memory.rights.seeing import coming_from
from idiolect.memory.store import Transaction, UserStore
from idiolect.method import AUTOMATIC, parse
from idiolect.schema import (
    AnyEvent,
    Consent,
    Correction,
    Decision,
    Inference,
    MethodChosen,
    Noun,
    Preference,
    Revision,
    Statement,
    Status,
    now,
)

OVER: tuple[Status, ...] = ("superseded", "ended", "refused")  # nothing that is done to these changes anything
Verb: TypeAlias = Literal["accept", "refuse"]


class Changes(Noun):
    """What to change of a statement; what is left out stays as it is."""

    text: str | None = Field(None, description="What it says from now on.")
    pinned: bool | None = Field(None, description="Whether it never fades and never expires.")
    local_only: bool | None = Field(None, description="Whether it never leaves this machine.")
    consented: bool | None = Field(None, description="Whether a special category is used beyond its conversation.")
    ended: Literal[True] | None = Field(None, description="It holds no longer; it stays in the history.")


class Decisions(Noun):
    """What to do with proposals: some by their ids, and all that are left, or all of one source."""

    accept: tuple[str, ...] = Field((), description="Ids of proposals that are true.")
    refuse: tuple[str, ...] = Field((), description="Ids of proposals that are not.")
    every: Verb | None = Field(None, description="What to do with all that are not named.")
    source: str | None = Field(None, description='Of this source only, such as "Mem0 export".')


class Allowing(Noun):
    """A kind of inference, and whether it is allowed from now on."""

    inference: Inference
    allowed: bool


class Added(Noun):
    """What the words that were added became: statements, new or made surer."""

    statements: tuple[Preference, ...]


class Settled(Noun):
    """A statement that holds, and those that contradicted it and hold no longer."""

    holds: Preference
    ended: tuple[Preference, ...]


class Decided(Noun):
    """What became of proposals."""

    accepted: tuple[Preference, ...]
    refused: tuple[Preference, ...]
    waiting: int


@dataclass(frozen=True)
class Memory:
    """One person's memory as they change it. `caches` are emptied of what is forgotten: those that there are then."""

    person: UserStore
    learner: Learner
    caches: Callable[[], Caches] = lambda: NO_CACHES

    def add(self, text: str) -> Added:
        """Remember what the person says of themselves. Raises BadInput for what may not be kept."""
        with self.person.transaction() as transaction:
            event = Statement(text=text, slots=told(text))
            self._record(transaction, [event])
            return Added(statements=_found(transaction, event.id))

    def change(self, statement: str, changes: Changes) -> Preference:
        """Change a statement, as it stands then. Raises NotFound, and BadInput for what cannot be changed so."""
        with self.person.transaction() as transaction:
            old = named(transaction, statement)
            self._record(transaction, _events(old, changes, _short(transaction, old)))
            return _found(transaction, old.id)[0]

    def settle(self, statement: str) -> Settled:
        """Of statements that contradict each other this one holds. Raises NotFound, BadInput if none contradicts it."""
        with self.person.transaction() as transaction:
            holds = named(transaction, statement)
            if not holds.conflicts:
                shows = f"`idiolect memory conflicts -u {self.person.id}` shows what does"
                raise BadInput(f"nothing contradicts {_short(transaction, holds)}: {shows}")
            self._record(transaction, [Correction(statement=each) for each in holds.conflicts])
            ended = tuple(_found(transaction, each)[0] for each in holds.conflicts)
            return Settled(holds=_found(transaction, holds.id)[0], ended=ended)

    def decide(self, decisions: Decisions) -> Decided:
        """Accept and refuse proposals, all in one step. Raises NotFound, and BadInput for what is no proposal."""
        with self.person.transaction() as transaction:
            verdicts = _verdicts(transaction, decisions)
            events = [Decision(proposal=each, accepted=verb == "accept") for each, verb in verdicts.items()]
            self._record(transaction, events)
            became = {each: _found(transaction, each)[0] for each in verdicts}
            return Decided(
                accepted=tuple(became[each] for each, verb in verdicts.items() if verb == "accept"),
                refused=tuple(became[each] for each, verb in verdicts.items() if verb == "refuse"),
                waiting=len(transaction.proposals()),
            )

    def allowances(self) -> Allowances:
        """What the person allows to be inferred, and what came of it."""
        return allowances(self.person)

    def allow(self, asked: Allowing) -> Allowances:
        """Allow a kind of inference from now on, or take it back: what was inferred by it then counts no more."""
        before = self.allowances()
        if allows(self.person, asked.inference) != asked.allowed:
            with self.person.transaction() as transaction:
                self._record(transaction, [Consent(inference=asked.inference, given=asked.allowed)])
        return self.allowances().since(before)

    def use(self, method: str | None) -> None:
        """How the person's answers are made personal from now on; None: as the settings say. Raises UnknownMethod."""
        if method not in (None, AUTOMATIC):
            parse(method)
        with self.person.transaction() as transaction:
            transaction.append(MethodChosen(method=method))

    def forget(self, asked: Forgetting) -> Receipt:
        """Forget a statement, a topic, a source or a period, without a trace."""
        return forgotten(self.person, asked, self.caches())

    def erase(self, *, dry_run: bool = False) -> Receipt:
        """Forget all there is of the person."""
        return erase(self.person, dry_run=dry_run, caches=self.caches())

    def _record(self, transaction: Transaction, events: Sequence[AnyEvent]) -> None:
        for event in events:
            transaction.append(event)
        self.learner.refresh(transaction)


def _short(transaction: Transaction, said: Preference) -> str:
    """Its id as lists show it."""
    return short_ids(each.id for each in everything(transaction))[said.id]


def _events(old: Preference, changes: Changes, name: str) -> list[AnyEvent]:
    """A revision, an end, or both. Raises BadInput where there is nothing to change."""
    if changes == Changes():
        raise BadInput("nothing is said to be changed: give a new text, or one of pinned, local_only, consented, ended")
    if old.status in OVER:
        day = f" since {old.until:%Y-%m-%d}" if old.until else ""
        raise BadInput(f"{name} is {old.status}{day}, so it cannot be changed: add a new statement in its place")
    if old.status == "proposed" and changes != Changes(text=changes.text):
        raise BadInput(f"{name} is a proposal: accept or refuse it first")
    if changes.consented is not None and old.sensitive is None:
        raise BadInput(f"{name} is of no special category, so it needs no consent")
    events: list[AnyEvent] = []
    if changes != Changes(ended=changes.ended):
        events.append(_revision(old, changes))
    if changes.ended:
        events.append(Correction(statement=old.id))
    return events


def _revision(old: Preference, changes: Changes) -> Revision:
    flags = {"pinned": changes.pinned, "local_only": changes.local_only, "consented": changes.consented}
    if changes.text is None:
        return Revision.model_validate({"statement": old.id, **flags})
    if not changes.text.strip():
        raise BadInput(
            "the new text is empty: to have the statement hold no longer, end it; to have it gone, forget it"
        )
    said = told(changes.text)
    if len(said) > 1:
        things = "; ".join(slots.span or slots.object for slots in said)
        raise BadInput(f"the new text says {len(said)} things ({things[:120]}): say one, and add the others")
    slots = said[0].model_copy(update={"span": of_oneself(changes.text).strip()})
    if slots.sensitive is not None and changes.consented is None:
        flags["consented"] = True  # what is put into the memory on purpose is consented to by that, as in `add`
    return Revision.model_validate({"statement": old.id, "slots": slots, **flags})


def _verdicts(transaction: Transaction, decisions: Decisions) -> dict[str, Verb]:
    """By id of the proposal, in the order in which they are decided."""
    verdicts: dict[str, Verb] = {}
    waiting = {each.id: each for each in transaction.proposals()}
    named_: tuple[tuple[Verb, tuple[str, ...]], ...] = (("accept", decisions.accept), ("refuse", decisions.refuse))
    for verb, ids in named_:
        for said in ids:
            proposal = named(transaction, said)
            if proposal.id not in waiting and (proposal.status, verb) != ("refused", "accept"):
                raise BadInput(f"{said!r} is no proposal that waits: it is {proposal.status}")
            if verdicts.setdefault(proposal.id, verb) != verb:
                raise BadInput(f"{said!r} is to be accepted and refused: say one")
    if decisions.every is not None:
        rest = waiting.values() if decisions.source is None else coming_from(waiting.values(), decisions.source)
        verdicts = {**{each.id: decisions.every for each in rest}, **verdicts}
    if not verdicts:
        raise BadInput(_nothing(decisions, len(waiting)))
    return verdicts


def _nothing(decisions: Decisions, waiting: int) -> str:
    if decisions.source is not None and decisions.every is None:
        return "it is not said what to do with the proposals of this source: accept or refuse all of them"
    if decisions.every is None:
        return "no proposal is named: give ids to accept or refuse, or say it of all"
    return f"no proposal of {decisions.source!r} waits" if decisions.source and waiting else "no proposal waits"


def _found(transaction: Transaction, identifier: str) -> tuple[Preference, ...]:
    """By the id of a statement, or of the event that said it."""
    at = now()
    return transaction.ask(lambda statements: statements.found(identifier, at))
