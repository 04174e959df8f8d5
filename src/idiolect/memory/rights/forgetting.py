"""Forgetting one statement, a topic, a source, a period or what is old: which events go, and the receipt.

A statement goes with the events that it was said in, with the turns of those, and with any other event that repeats its
words. What hangs on an event goes with it (see memory/forgetting.py), and every belief is made anew from what is left.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from idiolect.errors import BadInput, NotFound
from idiolect.memory.extraction.topics import sensitive_of
from idiolect.memory.forgetting import event_of_statement, hanging_on
from idiolect.memory.reading import Reading
from idiolect.memory.records import Recorded
from idiolect.memory.rights.matching import is_about, is_from
from idiolect.memory.rights.receipt import NO_CACHES, Caches, DryRun, Receipt, Scope
from idiolect.memory.rights.words import holding, measured, said_in, slots_of
from idiolect.memory.store import Transaction, UserStore
from idiolect.schema import (
    AnyEvent,
    Hint,
    Inferred,
    Interaction,
    Preference,
    Proposal,
    Revision,
    Signal,
    Slots,
    Statement,
)

FAR = datetime(9999, 1, 1, tzinfo=UTC)  # all statements, whenever they hold


class Known:
    """All that is kept of a person in words, read once."""

    def __init__(self, recorded: Sequence[Recorded] = (), statements: Iterable[Preference] = ()) -> None:
        """`statements` in force or not, and what waits."""
        self._recorded = recorded
        self.by_id: dict[str, AnyEvent] = {each.event.id: each.event for each in recorded}
        self.statements = tuple(statements)

    @classmethod
    def of(cls, reader: Reading) -> "Known":
        """Read, in a transaction if nothing may come between."""
        statements = reader.ask(lambda folded: folded.all(FAR))
        return cls(reader.events(), statements)

    def events(self, *kinds: str, after: int = 0) -> list[Recorded]:
        """As the store gives them."""
        return [each for each in self._recorded if each.seq > after and (not kinds or each.event.kind in kinds)]

    def made_of(self, statement: Preference) -> set[str]:
        """The events that a statement was said in."""
        return {event_of_statement(statement.id, self.by_id), *statement.evidence} & self.by_id.keys()

    def with_turns(self, events: Iterable[str]) -> set[str]:
        """Those events, the turns that they were said in, and what repeats their words."""
        named = set(events)
        told = [self.by_id[each] for each in named]
        turns = {event.turn for event in told if isinstance(event, Statement) and event.turn}
        turns |= {turn for event in told for turn in _asking(event)}
        asked = {
            event.id for event in self.by_id.values() if isinstance(event, Interaction) and event.answer.id in turns
        }
        words = [words for event in told for words in said_in(event)]
        return named | asked | holding(words, self.by_id.values())


def forget(
    person: UserStore, statement: str, *, later: bool = False, dry_run: bool = False, caches: Caches = NO_CACHES
) -> Receipt:
    """One statement, by its id or by that of an event which it was said in. Raises NotFound.

    `later` forgets too the answers that were written while it was recalled, which may repeat it in other words.
    """

    def chosen(known: Known) -> set[str]:
        named = [each for each in known.statements if statement in (each.id, event_of_statement(each.id, known.by_id))]
        found = {event for each in named for event in known.made_of(each)}
        if not found and statement in known.by_id and known.by_id[statement].kind in ("statement", "proposal"):
            found = {statement}
        if not found:
            raise NotFound(
                f"no statement {statement[:80]!r} of this user: `idiolect memory list -u {person.id}` shows their ids"
            )
        return known.with_turns(found)

    return _forgotten(person, "statement", chosen, later, dry_run, caches)


def forget_topic(
    person: UserStore, topic: str, *, later: bool = False, dry_run: bool = False, caches: Caches = NO_CACHES
) -> Receipt:
    """Every statement that is, or before it was revised was, of an area ("food") or of a thing ("jazz")."""
    if not topic.strip():
        raise BadInput("the topic is empty: name an area such as `food`, or a word such as `jazz`")

    def is_sought(told: Slots | Preference) -> bool:
        return is_about(told, topic)

    def chosen(known: Known) -> set[str]:
        stated = {event.id: event for event in known.by_id.values() if any(map(is_sought, slots_of(event)))}
        revised = {event.statement for event in stated.values() if isinstance(event, Revision)}
        about = (each for each in known.statements if is_sought(each) or each.id in revised)
        return known.with_turns({*stated, *(event for each in about for event in known.made_of(each))})

    return _forgotten(person, "topic", chosen, later, dry_run, caches)


def forget_source(
    person: UserStore, source: str, *, later: bool = False, dry_run: bool = False, caches: Caches = NO_CACHES
) -> Receipt:
    """Everything that came from one source, accepted or not: "ChatGPT export", one conversation of it, "inferred".

    What the person said themselves elsewhere stays, be it in the same words.
    """
    if not source.strip():
        raise BadInput(f"the source is empty: name one as `idiolect memory proposals -u {person.id}` shows it")

    def chosen(known: Known) -> set[str]:
        proposals = (event for event in known.by_id.values() if isinstance(event, Proposal))
        found = {each.id for each in proposals if is_from(each, source)}
        return found | {event.id for event in known.by_id.values() if source.strip() in _unsaid(event)}

    return _forgotten(person, "source", chosen, later, dry_run, caches)


def forget_period(
    person: UserStore,
    start: datetime,
    end: datetime,
    *,
    later: bool = False,
    dry_run: bool = False,
    caches: Caches = NO_CACHES,
) -> Receipt:
    """Everything that was said, asked or answered from `start` until before `end`, and imports that say they were."""
    if start.tzinfo is None or end.tzinfo is None or end <= start:
        raise BadInput("a period needs a start and a later end, each with a time zone")

    def chosen(known: Known) -> set[str]:
        return {event.id for event in known.by_id.values() if any(start <= at < end for at in _times(event))}

    return _forgotten(person, "period", chosen, later, dry_run, caches)


def forget_old(
    person: UserStore,
    turns_before: datetime | None = None,
    special_before: datetime | None = None,
    *,
    dry_run: bool = False,
    caches: Caches = NO_CACHES,
) -> Receipt:
    """Turns recorded before a time, and what names a special category (health, faith, ...) before another.

    With a turn goes what was said in it, be it pinned, and what was said of its answers. What is newer stays, be it in
    the same words: a belief that was told again rests on that alone.
    """

    def chosen(known: Known) -> set[str]:
        return {
            event.id
            for event in known.by_id.values()
            if (turns_before is not None and isinstance(event, Interaction) and event.at < turns_before)
            or (special_before is not None and event.at < special_before and _is_special(event))
        }

    return _forgotten(person, "retention", chosen, False, dry_run, caches)


def _is_special(event: AnyEvent) -> bool:
    if isinstance(event, Interaction):
        return sensitive_of(event.prompt) is not None
    return any(slots.sensitive is not None for slots in slots_of(event))


def _forgotten(
    person: UserStore, scope: Scope, chosen: Callable[[Known], set[str]], later: bool, dry_run: bool, caches: Caches
) -> Receipt:
    """Find and delete in one transaction, so that nothing is said between the two; a dry run takes it back."""
    if person.head() is None:
        chosen(Known())
        return Receipt(scope=scope, dry_run=dry_run, rows={})
    try:
        with person.transaction() as transaction:
            receipt, texts = _in(transaction, scope, chosen, later, dry_run)
    except DryRun as dry:
        return dry.receipt
    emptied = caches.empty(texts, person.id, receipt.events) if receipt.events else ()
    return receipt.model_copy(update={"caches": emptied, "ledger": person.ledger and str(person.ledger.path)})


def _in(
    transaction: Transaction, scope: Scope, chosen: Callable[[Known], set[str]], later: bool, dry_run: bool
) -> tuple[Receipt, list[str]]:
    """What went, and the texts of it. Raises DryRun with the receipt."""
    known = Known.of(transaction)
    gone = hanging_on(chosen(known), known)
    touched = [each for each in known.statements if known.made_of(each) & gone]
    statements = tuple(each.id for each in touched if known.made_of(each) <= gone)  # others still hold by what is left
    after = {event.id: event.answer.id for event in _answered_with(known, statements, gone) if event.id not in gone}
    if later:
        gone |= hanging_on(after, known)
    texts = measured([known.by_id[identifier] for identifier in gone], touched)
    receipt = Receipt(
        scope=scope,
        dry_run=dry_run,
        rows=transaction.forget(gone, known) if gone else {},
        events=tuple(each for each in known.by_id if each in gone),
        kinds=dict(Counter(known.by_id[each].kind for each in gone)),
        statements=statements,
        later=tuple(after.values()),
        later_forgotten=later and bool(after),
        rebuilt=("belief",) if gone else (),
    )
    if dry_run:
        raise DryRun(receipt)
    if gone:
        transaction.note("forget", {scope: len(statements), "events": len(gone), "later": len(after)})
    return receipt, texts


def _answered_with(known: Known, statements: Iterable[str], gone: Container[str]) -> Iterator[Interaction]:
    """Turns in which one of them was recalled, or a turn that goes, or in turn one of these turns."""
    ids, answers = set(statements), set[str]()
    for event in known.by_id.values():  # in order: what is recalled came before
        if isinstance(event, Interaction):
            trace = event.answer.trace
            is_after = not ids.isdisjoint(trace.recalled) or any(each.answer in answers for each in trace.turns)
            if is_after or event.id in gone:
                answers.add(event.answer.id)
            if is_after:
                yield event


def _unsaid(event: AnyEvent) -> tuple[str, ...]:
    """The sources of evidence that was inferred."""
    match event:
        case Hint(inferred=inferred):
            return ("inferred", inferred.by)
        case Signal():
            return ("inferred", "reactions")
    return ()


def _asking(event: AnyEvent) -> tuple[str, ...]:
    """The turns whose words an inferred proposal repeats; how a person writes is none of them."""
    match event:
        case Proposal(inferred=Inferred(turns=turns), slots=Slots(kind="topic")):
            return turns
    return ()


def _times(event: AnyEvent) -> tuple[datetime, ...]:
    return (event.at, event.said_at) if isinstance(event, Proposal) and event.said_at else (event.at,)
