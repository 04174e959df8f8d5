"""What the shop stands on, made anew: the catalogue, what was sold of it, its vectors, and the prior over tastes."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from examples.shop.catalogue import CATALOGUE, Catalogue
from examples.shop.customers import Town, bought, population
from examples.shop.features import ItemSpace, save_vectors, vectors_of
from examples.shop.opening import PRIOR
from examples.shop.writer import written
from idiolect.features.embedder import Embedder
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.population_prior import GaussianSettings
from idiolect.reward.shelf import Card, Source, save_reward

EARLIER, EACH = 400, 8  # customers who bought before, and how often
NEIGHBOURS = 400  # customers by whom the prior is fitted
SETTINGS = GaussianSettings(kinds=1, rounds=6, held_out=0)
SEED = 1  # of both; the bench's customers have others
MADE = datetime(2026, 1, 1, tzinfo=UTC)  # the same file from the same seed

Progress = Callable[[str], None]


def make(embedder: Embedder, progress: Progress) -> None:
    """Write the shop's own catalogue, then what follows from it; some minutes."""
    progress("the catalogue")
    blank = written()
    vectors = vectors_of(blank, embedder)
    progress("what was sold")
    town = Town.around(blank, ItemSpace.of(blank, vectors))
    counts = bought(town, town.customers("usual", EARLIER, SEED), EACH, SEED)
    items = [item.model_copy(update={"sold": int(n)}) for item, n in zip(blank.items, counts, strict=True)]
    Catalogue(items).save(CATALOGUE)
    fit(CATALOGUE, embedder, progress)


def fit(place: Path, embedder: Embedder, progress: Progress) -> None:
    """Beside a catalogue: its vectors, and the prior over tastes, fitted on simulated customers."""
    catalogue = Catalogue.load(place)
    progress("the texts")
    save_vectors(catalogue, vectors_of(catalogue, embedder, place), embedder.name, place)
    space = ItemSpace.of(catalogue, vectors_of(catalogue, embedder, place))
    town = Town.around(catalogue, space)
    people = population(town, town.customers("usual", NEIGHBOURS, SEED + 1), space.phi, SEED + 1)
    both = Gaussian.fit(people, SETTINGS, lambda share, what: progress(f"the prior: {what} ({share:.0%})"))
    reward = Gaussian(both.priors[1:])  # how tastes hang together finds favourites sooner than how sparse they are
    source = Source(sha256=sha256(people.phi.tobytes()).hexdigest(), people=len(people.users), choices=len(people.phi))
    card = Card(
        method="gaussian",
        settings=SETTINGS.model_dump(),
        space=space.version,
        dim=space.dim,
        source=source,
        at=MADE,
    )
    path = place.with_suffix(PRIOR)
    save_reward(reward, card, path)
    path.chmod(0o644)
