"""From the store to a better policy: what people chose who share it, and nobody else.

Consent is the event by which a person lets others' adapters be made of theirs (`idiolect adapters share`). Ids are
hashed by the salt of the store's adapters, here as on their cards.
"""

from dataclasses import dataclass

from idiolect.alignment.training.data import Pair
from idiolect.errors import BadInput
from idiolect.generation.parameters.evidence import examples_of
from idiolect.generation.parameters.registry import Registry, open_registry
from idiolect.generation.parameters.sharing import consent_of
from idiolect.memory.store import Store, open_store
from idiolect.settings import Settings


@dataclass(frozen=True)
class Shared:
    """Pairs, whose users are hashed, and the people that they came from."""

    pairs: tuple[Pair, ...]
    contributors: tuple[str, ...]


def shared(settings: Settings) -> Shared:
    """All that is shared in the settings' store. Raises BadInput where nobody shares, or where no salt can lie."""
    registry = open_registry(settings.store, settings.adapters)
    if registry is None:
        raise BadInput("the people of this store can't be told apart without naming them: set `adapters` to a folder")
    with open_store(settings.store, erasures=settings.erasures) as store:
        return shared_of(store, registry)


def shared_of(store: Store, registry: Registry) -> Shared:
    """Of an open store."""
    pairs, contributors = list[Pair](), list[str]()
    people = store.people()
    for name in people:
        person = store.user(name)
        if consent_of(person) is None:
            continue
        user = registry.hashed(name)
        found = [Pair(user, each.prompt, each.chosen, each.rejected) for each in examples_of(person)]
        usable = [pair for pair in found if pair.chosen != pair.rejected]
        if usable:
            pairs += usable
            contributors.append(user)
    if not pairs:
        raise BadInput(
            f"of {len(people)} people in this store nobody shares a choice: each allows it by `idiolect adapters share "
            "-u USER`; or name a file with --data"
        )
    return Shared(tuple(pairs), tuple(sorted(contributors)))
