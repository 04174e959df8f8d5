"""Best-of-N and its soft form on a toy whose answers are equally likely and all differ in reward."""

from collections import Counter
from itertools import combinations_with_replacement
from math import factorial, log, prod

import numpy as np
import pytest

from idiolect.alignment.decoding import CHOOSERS
from idiolect.alignment.decoding.best_of_n import best
from idiolect.alignment.decoding.soft_best_of_n import probabilities, soft
from idiolect.assistant import Assistant
from idiolect.method import Method, parse
from idiolect.reward.protocol import Scores
from idiolect.schema import Array
from idiolect.settings import Settings

REWARDS = np.array([-2.0, -1.1, -0.6, 0.1, 0.7, 1.9])  # of the toy's answers, from the worst on
M = len(REWARDS)


def scores(drawn: Array) -> Scores:
    return Scores(drawn - drawn.mean(), np.zeros(len(drawn)))


def shown(n: int, beta: float | None = None) -> Array:
    """(m,) how often each answer is shown when one of n draws is, over all draws that there are."""
    found = np.zeros(M)
    for draws in combinations_with_replacement(range(M), n):
        orders = factorial(n) / prod(map(factorial, Counter(draws).values()))
        of = scores(REWARDS[list(draws)])
        if beta is None:
            found[draws[best(of, [True] * n, 0.0) or 0]] += orders
        else:
            np.add.at(found, list(draws), orders * probabilities(of, [True] * n, 0.0, beta))
    return np.asarray(found / M**n)


def kl(found: Array) -> float:
    """Nats from the model, by which all answers are equally likely."""
    return float(sum(p * log(p * M) for p in found if p > 0))


def formula(n: int, m: int) -> float:
    """KL of best-of-n exactly: the i-th worst of m is the best of n draws with p = (i/m)^n - ((i-1)/m)^n."""
    p = np.diff((np.arange(m + 1) / m) ** n)
    return float(sum(p * np.log(p * m)))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_measured_kl_of_best_of_n_is_the_formulas_and_within_its_bound(n: int) -> None:
    assert kl(shown(n)) == pytest.approx(formula(n, M), abs=1e-12)
    assert kl(shown(n)) <= log(n) - (n - 1) / n + 1e-12


def test_the_bound_is_met_where_answers_are_many() -> None:
    assert formula(4, 1000) == pytest.approx(log(4) - 3 / 4, abs=1e-5)


def test_one_candidate_is_the_model_itself_and_more_never_cost_reward() -> None:
    assert shown(1) == pytest.approx(np.full(M, 1 / M))
    expected = [float(shown(n) @ REWARDS) for n in (1, 2, 3, 4)]
    assert expected == sorted(expected)


def test_the_soft_form_lies_between_the_model_and_best_of_n() -> None:
    assert shown(3, beta=1e-3) == pytest.approx(shown(3))
    assert shown(3, beta=1e6) == pytest.approx(np.full(M, 1 / M), abs=1e-5)
    between = [kl(shown(3, beta)) for beta in (10.0, 1.0, 0.3, 0.05)]
    assert [0.0, *between, kl(shown(3))] == sorted([0.0, *between, kl(shown(3))])


def test_with_more_draws_the_soft_form_nears_the_tilted_model() -> None:
    tilted = np.exp(REWARDS / 1.0) / np.exp(REWARDS / 1.0).sum()
    apart = [float(np.abs(shown(n, beta=1.0) - tilted).sum()) for n in (1, 2, 4, 8)]
    assert apart == sorted(apart, reverse=True)
    assert apart[3] < apart[2] / 1.8 < apart[1] / 2.5  # as 1 / n in the end


def test_rewards_that_are_all_alike_leave_the_draw_to_the_model() -> None:
    alike = Scores(np.full(3, 0.7), np.zeros(3))
    assert best(alike, [False, True, True], 0.5) == 1
    assert probabilities(alike, [False, True, True], 0.5).tolist() == [0.0, 0.5, 0.5]


def test_the_same_scores_give_the_same_draw_and_others_give_what_is_likely() -> None:
    rng = np.random.default_rng(0)
    pools = [scores(np.array([1.0, 0.0]) + 1e-9 * rng.normal(size=2)) for _ in range(4000)]
    drawn = [soft(pool, [True, True], 0.0) for pool in pools]
    assert drawn == [soft(pool, [True, True], 0.0) for pool in pools]
    likely = probabilities(pools[0], [True, True], 0.0)[0]
    assert np.mean(np.array(drawn) == 0) == pytest.approx(likely, abs=4 * np.sqrt(likely * (1 - likely) / 4000))


def test_the_loop_shows_what_the_named_form_picks() -> None:
    settings = Settings(model="scripted", store="sqlite://", embedder="none", kappa=0.0)
    with Assistant(settings=settings) as assistant:
        assistant.correct("ana", "length", -0.2)
        shown = {form: set[bool]() for form in CHOOSERS}
        for form in CHOOSERS:
            for number in range(12):
                answer = assistant.answer("ana", f"Which tea, number {number}?", method=f"plain+{form}-4")
                assert answer.trace.method == f"plain+{form}-4"
                rewards = [candidate.reward for candidate in answer.candidates]
                shown[form].add(rewards[answer.chosen or 0] == max(rewards))
    assert shown == {"best-of": {True}, "soft-best-of": {True, False}}


def test_both_forms_are_methods_by_name() -> None:
    assert parse("profile+soft-best-of-4") == Method(("profile",), 4, chooser="soft-best-of")
    assert parse("profile+soft-best-of-4").name == "profile+soft-best-of-4"
    assert parse("best-of-4").chooser == "best-of"


def test_rewards_too_large_to_compare_leave_a_draw_among_the_admitted() -> None:
    huge = Scores(np.array([1e308, 1.7e308, -1e308, np.nan]), np.zeros(4))
    assert probabilities(huge, [True] * 4, 0).tolist() == [0.5, 0.5, 0, 0]
    assert soft(huge, [False, False, True, False], 0) == 2
