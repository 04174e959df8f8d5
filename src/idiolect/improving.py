"""From the store to a better policy: what people chose who share it, and nobody else.

Consent is the event by which a person lets others' adapters be made of theirs (`idiolect adapters share`). Ids are
hashed by the salt of the store's adapters, here as on their cards.
"""

from dataclasses import dataclass
from pathlib import Path

from idiolect.alignment.training.card import ModelCard
from idiolect.alignment.training.data import Pair
from idiolect.alignment.training.objectives import LESS
from idiolect.errors import BadInput
from idiolect.generation.parameters.evidence import examples_of
from idiolect.generation.parameters.lora_file import Lora
from idiolect.generation.parameters.registry import Card, Registry, open_registry
from idiolect.generation.parameters.sharing import consent_of
from idiolect.generation.parameters.soups import place_of
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


def served(settings: Settings, card: ModelCard, out: Path) -> list[str]:
    """Put the experts of a training of soups where `--method soups` mixes them: their names.

    An expert goes again as soon as one of the people forgets or takes back what it came from. Raises BadInput for
    policies that are no experts of a named attribute.
    """
    registry = open_registry(settings.store, settings.adapters)
    if registry is None:
        raise BadInput("experts need a folder, and this store has none beside it: name one, the setting `adapters`")
    if card.method != "soups":
        raise BadInput(f"--serve keeps the experts of `soups`; what {card.method} leaves in {out} lies there")
    found = []
    for name in card.settings["objectives"] if isinstance(card.settings["objectives"], list) else []:
        objective = str(name)
        place = place_of(registry.root, objective.removeprefix(LESS), -1 if objective.startswith(LESS) else 1)
        about = Card(
            kind="expert",
            model=card.model,
            fingerprint=card.fingerprint,
            examples=card.pairs,
            contributors=card.contributors,
        )
        registry.put_expert(place, Lora.load(out / objective.replace(":", "-")), about)
        found.append(place.name)
    return found
