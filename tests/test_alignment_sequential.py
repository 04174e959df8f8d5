"""Sequential best-of-N: when it stops, and what that saves."""

from math import sqrt

import numpy as np
import pytest

from idiolect.alignment.decoding.best_of_n import best
from idiolect.alignment.decoding.sequential import COST, Sequential, expected_gain, is_worth_one_more
from idiolect.assistant import Assistant
from idiolect.evaluation.toy import TASTES, WORLD
from idiolect.evaluation.toy.language import taught
from idiolect.evaluation.toy.world import kl
from idiolect.reward.protocol import Scores
from idiolect.schema import Array
from idiolect.settings import Settings

SPREAD = 1.0


def draws(seed: int, n: int) -> Array:
    return np.random.default_rng(seed).normal(size=n)


def written(scores: Array, cost: float = COST) -> int:
    """How many of the scores were drawn when it stopped."""
    n = 2
    while n < len(scores) and is_worth_one_more(scores[:n], [True] * n, SPREAD, cost):
        n += 2
    return n


def test_the_expected_gain_is_the_mean_of_what_draws_gain() -> None:
    scores = np.array([0.3, -0.8, 1.1])
    freedom = 2 + 3 - 1
    variance = (2 * SPREAD**2 + ((scores - scores.mean()) ** 2).sum()) / freedom
    t = np.random.default_rng(0).standard_t(freedom, 400_000) * sqrt(variance * (4 / 3)) + scores.mean()
    assert expected_gain(scores, SPREAD) == pytest.approx(np.maximum(t - 1.1, 0).mean(), rel=0.02)


def test_what_is_gained_moves_with_the_scale_and_not_with_the_place() -> None:
    scores = draws(1, 5)
    gain = expected_gain(scores, SPREAD)
    assert expected_gain(scores + 7, SPREAD) == pytest.approx(gain)
    assert expected_gain(3 * scores, 3 * SPREAD) == pytest.approx(3 * gain, rel=1e-6)


def test_answers_that_are_all_worth_the_same_are_not_written_again() -> None:
    assert expected_gain(np.zeros(2), 0.0) == 0.0
    assert not is_worth_one_more(np.zeros(2), [True, True], 0.0)


def test_it_goes_on_while_the_boundary_admits_none() -> None:
    assert is_worth_one_more(np.array([5.0, -5.0]), [False, False], SPREAD, cost=1e9)


def test_a_dearer_candidate_is_written_less_often() -> None:
    several = [draws(seed, 16) for seed in range(60)]
    counts = [float(np.mean([written(scores, cost) for scores in several])) for cost in (0.0, 0.1, 0.3)]
    assert counts[0] == 16
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < 4


def test_stopping_keeps_most_of_what_all_sixteen_would_have_gained_for_less_than_half_of_them() -> None:
    several = [draws(seed, 16) for seed in range(200)]
    counts = [written(scores) for scores in several]
    kept = np.mean([scores[:n].max() for scores, n in zip(several, counts, strict=True)])
    assert np.mean(counts) < 8
    # as good as a number that is fixed beforehand, and as large on average
    fixed = round(float(np.mean(counts)))
    assert kept > np.mean([scores[:fixed].max() for scores in several])
    assert kept > 0.65 * np.mean([scores.max() for scores in several])


def test_of_somebody_with_tastes_fewer_candidates_are_written_and_it_is_said() -> None:
    settings = Settings(store="sqlite://", model="scripted", embedder="none")
    with Assistant(settings=settings) as assistant:
        for _ in range(3):
            first = assistant.answer("u", "What is salt?", candidates=4, method="plain")
            ranked = sorted(first.candidates, key=lambda each: len(each.text))
            assistant.prefer("u", ranked[0], over=ranked[-1])
        answer = assistant.answer("u", "What is tea?", method="sequential+best-of-16")
        assert 2 <= len(answer.candidates) <= 16
        assert answer.trace.method == "sequential+best-of-16"


def measured_kl(n: int, probabilities: Array, reward: Array, draws_: int) -> float:
    """KL(best-of-n || ref) of the shipped chooser, by counting."""
    rng = np.random.default_rng(0)
    counts = np.zeros(len(probabilities))
    for _ in range(draws_):
        picks = rng.choice(len(probabilities), size=n, p=probabilities)
        scores = Scores(reward[picks], np.zeros(n))
        chosen = best(scores, [True] * n, 0.0)
        assert chosen is not None
        counts[picks[chosen]] += 1
    return kl(counts / draws_, probabilities)


@pytest.mark.parametrize("n", [1, 2, 4, 8])
def test_best_of_n_moves_as_far_as_its_formula_says(n: int) -> None:
    values = np.linspace(1, 2, 200)
    exact = np.diff(np.linspace(0, 1, 201) ** n)
    assert kl(exact, np.full(200, 1 / 200)) == pytest.approx(np.log(n) - (n - 1) / n, abs=0.005)
    found = measured_kl(n, np.full(200, 1 / 200), values, 5_000)
    assert found == pytest.approx(np.log(n) - (n - 1) / n, abs=0.05)


def test_best_of_n_goes_no_further_than_its_formula_where_answers_are_equally_liked() -> None:
    ref, reward = taught("how"), WORLD.reward(TASTES["warm"])
    assert measured_kl(4, ref, reward - reward.mean(), 2000) < np.log(4) - 3 / 4


def test_the_sequential_writer_has_the_cost_that_is_documented() -> None:
    assert Sequential.open(2).cost == COST == 0.1
