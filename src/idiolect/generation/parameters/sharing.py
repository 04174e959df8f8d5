"""A person's consent that others' adapters are put together from pieces of theirs: an event like any other."""

from idiolect.generation.parameters.registry import Registry
from idiolect.memory.store import UserStore
from idiolect.schema import Sharing


def consent_of(person: UserStore) -> str | None:
    """The event by which a person allows it now."""
    said = person.events("sharing")
    newest = said[-1].event if said else None
    return newest.id if isinstance(newest, Sharing) and newest.given else None


def allow(person: UserStore) -> str:
    """Note the consent, once; its event's id."""
    known = consent_of(person)
    if known is not None:
        return known
    event = Sharing(given=True)
    with person.transaction() as transaction:
        transaction.append(event)
    return event.id


def take_back(person: UserStore, registry: Registry) -> int:
    """Nobody's adapter is made of their pieces any more: how many of others' were deleted."""
    with person.transaction() as transaction:
        transaction.append(Sharing(given=False))
    return registry.unshare(person.id)
