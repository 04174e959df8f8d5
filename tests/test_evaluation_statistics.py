import numpy as np
import pytest

from idiolect.evaluation.statistics import (
    distinct,
    macro,
    over_clusters,
    over_users,
    paired,
    quantile,
    ratio,
    repetition,
    root,
    wins,
)


def test_a_tie_counts_half() -> None:
    assert wins(np.array([2.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0])).tolist() == [1.0, 0.5, 0.0]


def test_a_user_with_many_rows_counts_once() -> None:
    assert macro(np.array([1.0, 1.0, 1.0, 0.0]), ["a", "a", "a", "b"]) == 0.5


def test_a_cluster_counts_by_its_rows() -> None:
    figure = over_clusters(np.array([1.0, 1.0, 1.0, 0.0]), ["a", "a", "a", "b"])
    assert (figure.value, figure.n) == (0.75, 4)
    assert (figure.low, figure.high) == (0.0, 1.0)  # with two clusters a resample may hold only one


def test_the_interval_over_users_is_about_two_standard_errors() -> None:
    values = np.random.default_rng(1).normal(size=400)
    figure = over_users(values, [str(i) for i in range(400)], resamples=4000)
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_copies_of_a_row_do_not_narrow_the_interval() -> None:
    values = np.random.default_rng(2).normal(size=50)
    users = [str(i) for i in range(50)]
    once, copied = over_users(values, users), over_users(np.tile(values, 20), users * 20)
    assert (once.low, once.high) == pytest.approx((copied.low, copied.high))


def test_what_two_rows_share_leaves_their_difference() -> None:
    luck = np.random.default_rng(3).normal(scale=10, size=60)
    figure = paired(luck + 1, luck, [str(i) for i in range(60)])
    assert (figure.value, figure.low, figure.high) == pytest.approx((1.0, 1.0, 1.0))


def test_a_ratio_is_of_means() -> None:
    assert ratio(np.array([1.0, 3.0]), np.array([2.0, 2.0]), ["a", "b"]).value == 1.0


def test_the_median_of_times_lies_in_its_interval() -> None:
    figure = quantile(np.arange(101.0), 0.5)
    assert figure.low < figure.value == 50.0 < figure.high


def test_a_seed_gives_the_same_interval_again() -> None:
    values, users = np.random.default_rng(4).normal(size=30), [str(i) for i in range(30)]
    assert over_users(values, users, seed=7) == over_users(values, users, seed=7) != over_users(values, users, seed=8)


def test_repetition_is_the_share_of_four_grams_seen_before() -> None:
    assert repetition("one two three four") == 0.0
    assert repetition("a b c d a b c d") == pytest.approx(1 / 5)
    assert repetition("no no no no no no") == pytest.approx(2 / 3)
    assert repetition("too short") == repetition("") == 0.0


def test_distinct_counts_different_bigrams_over_all() -> None:
    assert distinct(["a b a b"]) == pytest.approx(2 / 3)
    assert distinct(["a b", "a b"]) == 0.5
    assert distinct([]) == 0.0


def test_the_root_of_a_decreasing_function() -> None:
    assert root(lambda x: 3 - x, 1e-3, 1e3) == pytest.approx(3.0)
