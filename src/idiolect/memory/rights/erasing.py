"""Erasing a person: afterwards no byte of what they said is in any file, and no backup brings it back."""

from collections import Counter

from idiolect.memory.rights.receipt import NO_CACHES, Caches, DryRun, Receipt
from idiolect.memory.rights.words import measured
from idiolect.memory.store import Transaction, UserStore
from idiolect.schema import now


def erase(person: UserStore, *, dry_run: bool = False, caches: Caches = NO_CACHES) -> Receipt:
    """Delete all that is kept of a person, the audit trail too; the ledger keeps a hash, the time and counts.

    A person of whom nothing is kept gets a receipt of nothing. In PostgreSQL the tables hold none of it afterwards; its
    own write-ahead log does until the server reuses it.
    """
    if person.head() is None:
        if not dry_run:
            person.erase()  # one that a reader held up may have left words in the log
        left = caches.adapters(person.id, None) if caches.adapters and not dry_run else ()  # by an erasure cut short
        return Receipt(scope="person", dry_run=dry_run, rows={}, caches=tuple(left))
    try:
        with person.transaction() as transaction:
            receipt, texts = _in(transaction, dry_run)
    except DryRun as dry:
        return dry.receipt
    return receipt.model_copy(
        update={"caches": caches.empty(texts, person.id), "ledger": person.ledger and str(person.ledger.path)}
    )


def _in(transaction: Transaction, dry_run: bool) -> tuple[Receipt, list[str]]:
    events = [recorded.event for recorded in transaction.events()]
    texts = measured(events, transaction.ask(lambda folded: (*folded.all(now()), *folded.proposals())))
    receipt = Receipt(
        scope="person",
        dry_run=dry_run,
        rows=transaction.erase(),
        events=tuple(event.id for event in events),
        kinds=dict(Counter(event.kind for event in events)),
    )
    if dry_run:
        raise DryRun(receipt)
    return receipt, texts
