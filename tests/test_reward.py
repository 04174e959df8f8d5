"""The default personal reward: its arithmetic, evidence, and elicitation. The contract: `test_reward_contract.py`."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.features.space import PreferenceSpace
from idiolect.reward.elicitation import expected_information_gain, most_telling, narrowing, worth_asking
from idiolect.reward.evidence import corrected, edited, stated
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.prior import FACETS, Prior, shipped_prior
from idiolect.reward.protocol import Belief, Chosen, Evidence, PersonalReward, Rated, Said, Tied, sigmoid
from idiolect.schema import Array, Preference, now

SPACE = PreferenceSpace.shipped()


def unit(name: str) -> Array:
    return np.asarray(np.eye(SPACE.dim)[SPACE.names.index(name)])


def online(reward: PersonalReward, evidence: list[Evidence]) -> Belief:
    belief = reward.prior()
    for piece in evidence:
        belief = reward.update(belief, piece)
    return belief


def test_nothing_known_prefers_nothing() -> None:
    reward = Gaussian.shipped(SPACE)
    phi = np.random.default_rng(0).normal(size=(5, SPACE.dim))
    assert not reward.score(reward.prior(), phi).mean.any()
    assert reward.probability(reward.prior(), phi[:2]) == pytest.approx(0.5)


def test_the_chosen_answer_becomes_likelier() -> None:
    reward = Gaussian.shipped(SPACE)
    phi = np.random.default_rng(2).normal(size=(2, SPACE.dim))
    assert reward.probability(reward.update(reward.prior(), Chosen(phi)), phi) > 0.5


def test_an_attribute_that_is_always_chosen_gets_the_largest_weight() -> None:
    reward, rng = Gaussian.shipped(SPACE), np.random.default_rng(4)
    pairs = rng.normal(size=(60, 2, SPACE.dim))
    wanted = SPACE.names.index("questions")
    evidence: list[Evidence] = [Chosen(pair if pair[0, wanted] > pair[1, wanted] else pair[::-1]) for pair in pairs]
    mean, _ = reward.weights(reward.rebuild(evidence))
    assert int(np.argmax(mean)) == wanted


def test_one_online_choice_has_the_moments_of_the_exact_posterior() -> None:
    """Assumed-density filtering against two million draws, within .003."""
    rng = np.random.default_rng(5)
    root = rng.normal(size=(2, 2))
    reward = Gaussian((Prior(np.ones(2), root),))
    phi = rng.normal(size=(2, 2))
    belief = reward.update(reward.prior(), Chosen(phi))
    draws = rng.multivariate_normal(np.zeros(2), root.T @ root, 2_000_000)
    weight = sigmoid(draws @ (phi[0] - phi[1]))
    mean = weight @ draws / weight.sum()
    cov = (draws - mean).T @ ((draws - mean) * weight[:, None]) / weight.sum()
    assert belief.arrays["mean"][:2] == pytest.approx(mean, abs=0.003)
    assert reward.covariance(belief)[:2, :2] == pytest.approx(cov, abs=0.006)


def test_a_pair_that_differs_in_nothing_changes_nothing() -> None:
    reward = Gaussian.shipped(SPACE)
    before = reward.prior()
    after = reward.update(before, Chosen(np.ones((2, SPACE.dim))))
    assert (after.arrays["mean"] == before.arrays["mean"]).all()
    assert (after.arrays["cov"] == before.arrays["cov"]).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_each_choice_leaves_less_uncertainty(seed: int) -> None:
    reward, rng = Gaussian.shipped(SPACE), np.random.default_rng(seed)
    before = online(reward, [Chosen(rng.normal(size=(2, SPACE.dim)))])
    after = reward.update(before, Chosen(rng.normal(size=(2, SPACE.dim))))
    assert np.linalg.eigvalsh(reward.covariance(before) - reward.covariance(after)).min() > -1e-6


def test_opposite_choices_on_one_pair_mean_indifference_with_less_uncertainty() -> None:
    reward = Gaussian.shipped(SPACE)
    pair = np.random.default_rng(6).normal(size=(2, SPACE.dim))
    belief = reward.rebuild([Chosen(pair), Chosen(pair[::-1])])
    a, v = reward.difference(belief, pair)
    assert a == pytest.approx(0, abs=1e-9)
    assert v < reward.difference(reward.prior(), pair)[1]


def test_a_tie_pulls_the_two_together_and_leaves_less_uncertainty() -> None:
    reward = Gaussian.shipped(SPACE)
    pair = np.random.default_rng(8).normal(size=(2, SPACE.dim))
    liked = [Chosen(pair), Chosen(pair)]
    for tied in (online(reward, [*liked, Tied(pair)]), reward.rebuild([*liked, Tied(pair)])):
        assert 0 < reward.difference(tied, pair)[0] < reward.difference(reward.rebuild(liked), pair)[0]
        assert reward.difference(tied, pair)[1] < reward.difference(online(reward, [*liked]), pair)[1]


def test_nine_in_ten_of_the_true_weights_lie_in_the_ninety_percent_intervals() -> None:
    rng, reward = np.random.default_rng(7), Gaussian((Prior.independent(np.full(6, np.sqrt(0.5)), tail=1e6),))
    inside = []
    for _ in range(60):
        taste = rng.normal(size=6) * np.sqrt(0.5)
        pairs = rng.normal(size=(40, 2, 6))
        wins = rng.random(40) < sigmoid((pairs[:, 0] - pairs[:, 1]) @ taste)
        belief = reward.rebuild([Chosen(pair if won else pair[::-1]) for pair, won in zip(pairs, wins, strict=True)])
        mean, sd = reward.weights(belief)
        inside.append(np.abs(taste - mean) < 1.645 * sd)
    assert 0.85 <= np.mean(inside) <= 0.95


def test_a_generous_person_is_not_taken_to_like_everything() -> None:
    reward = Gaussian.shipped(SPACE)
    five_stars = [Rated(np.zeros(SPACE.dim), 5.0)] * 10
    mean, _ = reward.weights(reward.rebuild(five_stars))
    assert mean == pytest.approx(0)


def test_statements_are_exact_so_that_both_roads_meet() -> None:
    reward = Gaussian((replace(shipped_prior(SPACE), tail=1e12),))
    evidence: list[Evidence] = [Said(unit("warmth"), 2.0, 0.5), Said(unit("length"), -1.0, 0.25)]
    live, rebuilt = online(reward, evidence), reward.rebuild(evidence)
    assert live.arrays["mean"] == pytest.approx(rebuilt.arrays["mean"], abs=1e-5)
    assert live.arrays["cov"] == pytest.approx(rebuilt.arrays["cov"], abs=1e-6)  # kept in single precision


@pytest.mark.parametrize(("value", "below", "above"), [(4.0, 1.0, 3.0), (5.0, 3.0, np.inf), (1.0, -np.inf, -3.0)])
def test_a_rating_says_between_which_thresholds_the_reward_lies(value: float, below: float, above: float) -> None:
    """One weight and the person's own middle, against a sum over a grid of both."""
    reward = Gaussian((Prior(np.ones(1), np.eye(1), np.inf),))
    grid = np.stack(np.meshgrid(np.linspace(-8, 8, 401), np.linspace(-8, 8, 401)), axis=-1).reshape(-1, 2)
    level = grid.sum(axis=1)
    mass = np.exp(-(grid**2).sum(axis=1) / 2) * sigmoid(level - below) * sigmoid(above - level)
    mean = mass @ grid / mass.sum()
    belief = reward.update(reward.prior(), Rated(np.ones(1), value))
    assert belief.arrays["mean"] == pytest.approx(mean, abs=1e-3)
    assert belief.arrays["cov"][0] == pytest.approx(mass @ grid[:, 0] ** 2 / mass.sum() - mean[0] ** 2, abs=1e-3)


def test_the_mode_of_ratings_is_where_their_pulls_balance() -> None:
    reward = Gaussian((Prior(np.ones(1), np.eye(1), np.inf),))
    mean = reward.rebuild([Rated(np.ones(1), 4.0)]).arrays["mean"]
    level = mean.sum()
    pull = sigmoid(np.array(1.0 - level)) - sigmoid(np.array(level - 3.0))
    assert mean == pytest.approx([pull, pull], abs=2e-3)


def test_an_edit_counts_the_more_the_more_it_changes() -> None:
    before, after = np.zeros(3), np.ones(3)
    assert edited(before, after, "one two three four five", "one two three four six").weight == 1.0
    assert edited(before, after, "w " * 100, "w " * 99 + "v").weight == pytest.approx(0.05)
    assert (edited(before, after, "a", "b").phi == np.stack([after, before])).all()


def test_a_statement_moves_its_attribute_and_a_correction_to_zero_removes_the_taste() -> None:
    reward = Gaussian.shipped(SPACE)
    shorter = Preference(id="evt-1", kind="style", text="shorter", attribute="length", polarity=-1, at=now())
    said = stated(shorter, SPACE)
    assert said is not None
    length = SPACE.names.index("length")
    assert reward.weights(reward.rebuild([said]))[0][length] < -0.3
    mean, _ = reward.weights(reward.rebuild([said, corrected("length", 0.0, SPACE)]))
    assert abs(mean[length]) < 0.1


@given(st.floats(-30, 30), st.floats(0, 100))
def test_information_gain_lies_between_nothing_and_one_bit(a: float, v: float) -> None:
    gain = expected_information_gain(np.array([a, -a]), np.array([v, v]))
    assert (gain >= 0).all()
    assert (gain <= np.log(2) + 1e-9).all()
    assert gain[0] == pytest.approx(gain[1], abs=1e-9)


def test_nothing_can_be_learnt_from_a_difference_that_is_known() -> None:
    assert expected_information_gain(np.array([0.0, 2.0]), np.zeros(2)) == pytest.approx(np.zeros(2))


def test_what_a_pair_is_expected_to_narrow_is_what_its_two_answers_narrow_on_average() -> None:
    reward, rng = Gaussian.shipped(SPACE), np.random.default_rng(10)
    belief = online(reward, [Chosen(rng.normal(size=(2, SPACE.dim)))])
    pair = rng.normal(size=(2, SPACE.dim))

    def spread(belief: Belief) -> float:
        return float(np.trace(reward.covariance(belief)[:-1, :-1]))

    p = reward.probability(belief, pair)
    after = [spread(reward.update(belief, Chosen(each))) for each in (pair, pair[::-1])]
    narrowed = spread(belief) - p * after[0] - (1 - p) * after[1]
    assert narrowing(reward, belief, [pair])[0] == pytest.approx(narrowed, rel=1e-3)


def test_of_pairs_that_tell_alike_the_one_that_bears_on_more_is_asked_about() -> None:
    reward = Gaussian.shipped(SPACE)

    def telling(name: str) -> Array:
        one = np.stack([unit(name), -unit(name)])
        return np.asarray(one / np.sqrt(reward.difference(reward.prior(), one)[1]))

    assert most_telling(reward, reward.prior(), [telling("asides"), telling("long_words")], 0.01) == 1


def test_the_pair_worth_asking_is_admitted_and_uncertain() -> None:
    reward = Gaussian.shipped(SPACE)
    phi = np.stack([np.zeros(SPACE.dim), 0.1 * unit("length"), 3 * unit("length"), 4 * unit("length")])
    assert worth_asking(reward, reward.prior(), phi, 0, [True, True, True, False], 0.01) == 2
    assert worth_asking(reward, reward.prior(), phi, 0, [True] * 4, 0.69) is None


def test_a_facet_carries_a_taste_over_to_attributes_that_no_choice_showed() -> None:
    reward = Gaussian.shipped(SPACE)
    belief = reward.rebuild([Chosen(np.stack([2 * unit("word_length"), -2 * unit("word_length")]))] * 4)
    assert reward.probability(belief, np.stack([unit("long_words"), -unit("long_words")])) > 0.55
    assert reward.probability(belief, np.stack([unit("emoji"), -unit("emoji")])) == pytest.approx(0.5, abs=0.01)


def test_heavy_tails_find_one_strong_taste_among_many_idle_directions() -> None:
    rng = np.random.default_rng(9)
    pairs = rng.normal(size=(40, 2, 30))
    choices = [Chosen(pair if pair[0, 3] > pair[1, 3] else pair[::-1]) for pair in pairs]
    sparse = Gaussian((Prior.independent(np.full(30, 0.3)),)).rebuild(choices)
    broad = Gaussian((Prior.independent(np.full(30, 0.3), tail=1e6),)).rebuild(choices)

    def idle(belief: Belief) -> float:
        weights = np.abs(belief.arrays["mean"][:30])
        return float(np.delete(weights, 3).mean() / weights[3])

    assert idle(sparse) < 0.6 * idle(broad)


def test_facets_name_attributes_that_exist() -> None:
    assert {name for facet in FACETS.values() for name in facet} <= set(SPACE.names)
