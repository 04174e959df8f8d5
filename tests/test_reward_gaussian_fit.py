"""The default reward's prior from a population: kinds of people are found, and nobody is worse off for it."""

import numpy as np
import pytest

from idiolect.errors import DataError
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.population import Population
from idiolect.reward.population_prior import GaussianSettings
from idiolect.reward.posterior import Likelihood, posterior
from idiolect.reward.prior import Prior, shipped_prior
from idiolect.reward.protocol import Chosen
from idiolect.reward.triangle import folded_in, unfolded
from idiolect.schema import Array
from rewards import SPACE

KINDS = 3
QUICK = GaussianSettings(rounds=5, kinds=KINDS)


def kinds() -> Array:
    return np.random.default_rng(4).normal(size=(KINDS, SPACE.dim)) * 0.7


def choices_of(weights: Array, count: int, rng: np.random.Generator) -> Array:
    """(count, 2, d), the chosen one first."""
    phi = rng.normal(size=(count, 2, SPACE.dim))
    won = (phi[:, 0] - phi[:, 1]) @ weights + rng.logistic(size=count) > 0
    return np.where(won[:, None, None], phi, phi[:, ::-1])


def population(people: int, each: int, seed: int = 1) -> Population:
    rng = np.random.default_rng(seed)
    phi = np.concatenate([choices_of(kinds()[u % KINDS], each, rng) for u in range(people)])
    owner = np.repeat(np.arange(people), each).astype(np.int32)
    names = tuple(f"person-{u}" for u in range(people))
    return Population(names, phi.astype(np.float32), owner, np.ones(len(phi), np.float32))


def accuracy(reward: Gaussian, weights: Array, known: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    belief = reward.rebuild([Chosen(pair) for pair in choices_of(weights, known, rng)])
    asked = rng.normal(size=(300, 2, SPACE.dim))
    right = [(reward.probability(belief, pair) > 0.5) == (weights @ (pair[0] - pair[1]) > 0) for pair in asked]
    return float(np.mean(right))


@pytest.fixture(scope="module")
def fitted() -> Gaussian:
    return Gaussian.fit(population(60, 30), QUICK)


def test_someone_of_a_known_kind_is_told_from_a_few_choices(fitted: Gaussian) -> None:
    shipped = Gaussian.shipped(SPACE)
    ours = [accuracy(fitted, kinds()[kind], 5, seed) for kind in range(KINDS) for seed in range(3)]
    theirs = [accuracy(shipped, kinds()[kind], 5, seed) for kind in range(KINDS) for seed in range(3)]
    assert np.mean(ours) > np.mean(theirs) + 0.15


def test_someone_whom_the_population_does_not_know_is_learnt_as_by_the_shipped_prior(fitted: Gaussian) -> None:
    shipped = Gaussian.shipped(SPACE)
    stranger = np.zeros(SPACE.dim)
    stranger[[3, 17]] = 3.0, -3.0
    ours = np.mean([accuracy(fitted, stranger, 60, seed) for seed in range(4)])
    assert ours > np.mean([accuracy(shipped, stranger, 60, seed) for seed in range(4)]) - 0.03


def test_one_person_hardly_moves_the_shipped_prior_and_nobody_leaves_it() -> None:
    nobody = Gaussian.fit(Population((), np.zeros((0, 2, SPACE.dim), np.float32), *_no_owners()))
    assert nobody.version == Gaussian.shipped(SPACE).version
    one = Gaussian.fit(population(1, 5), QUICK)
    own = one.priors[0]
    assert own.scales == pytest.approx(shipped_prior(SPACE).scales, rel=0.05)
    assert not own.centres.any()


def test_arrays_of_another_form_are_refused(fitted: Gaussian) -> None:
    arrays = fitted.arrays()
    with pytest.raises(DataError, match=r"1\.centres"):
        Gaussian.restored({name: array for name, array in arrays.items() if name != "1.centres"}, QUICK)
    with pytest.raises(DataError, match="lift"):
        Gaussian.restored({**arrays, "0.lift": arrays["0.lift"][:, 1:]}, QUICK)


def test_a_triangle_gives_its_matrix_back() -> None:
    root = np.random.default_rng(0).normal(size=(7, 7))
    assert unfolded(folded_in(root @ root.T), 7) == pytest.approx(root @ root.T, rel=1e-6)


def test_without_choices_the_centres_keep_their_shares_and_the_spread_is_a_mixtures() -> None:
    prior = Prior(np.array([0.5]), np.eye(1), np.inf, np.array([[-1.0], [3.0]]), np.array([0.75, 0.25]))
    found = posterior(prior, Likelihood([], np.zeros((1, 1)), np.zeros(1)))
    assert found.chances == pytest.approx([0.75, 0.25])
    assert found.mean == pytest.approx([0.0])
    assert found.cov == pytest.approx(np.array([[0.25 + 0.75 * 1 + 0.25 * 9]]))


def test_what_is_observed_tells_the_centres_apart_as_by_hand() -> None:
    """w = 3 observed with unit variance: the marginal of centre c is N(3; c, 1.25)."""
    prior = Prior(np.array([0.5]), np.eye(1), np.inf, np.array([[-1.0], [3.0]]), np.array([0.5, 0.5]))
    found = posterior(prior, Likelihood([], np.ones((1, 1)), np.array([3.0])))
    assert found.chances[0] / found.chances[1] == pytest.approx(np.exp(-16 / 2.5))
    assert found.means[:, 0] == pytest.approx([-1 + 4 / 5, 3.0])


def _no_owners() -> tuple[np.typing.NDArray[np.int32], np.typing.NDArray[np.float32]]:
    return np.zeros(0, np.int32), np.zeros(0, np.float32)
