"""What was done fades, what was said does not, and a taste that flips is noticed without erasing anything."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from idiolect.reward.drift import CHANGED, changes, followed
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.prior import Prior
from idiolect.reward.protocol import Chosen, Evidence, Rated, Said
from idiolect.schema import Array

DIM = 20
REWARD = Gaussian((Prior.independent(np.full(DIM, 0.3)),))
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def taste() -> Array:
    weights = np.zeros(DIM)
    weights[[0, 5, 9]] = 3.0, -3.0, 2.0
    return weights


def lived(weights: Sequence[Array], seed: int) -> list[Evidence]:
    """A choice by each of these tastes in turn, a minute apart."""
    rng, found = np.random.default_rng(seed), list[Evidence]()
    for number, each in enumerate(weights):
        phi = rng.normal(size=(2, DIM))
        first = (phi[0] - phi[1]) @ each + rng.logistic() > 0
        found.append(Chosen(phi if first else phi[::-1], at=NOW - timedelta(minutes=len(weights) - number)))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_a_taste_that_flips_is_noticed_within_twenty_choices(seed: int) -> None:
    found = changes(REWARD, lived([taste()] * 60 + [-taste()] * 20, seed))
    assert [alarm for alarm in found if alarm.told >= 60]


def test_steady_people_alarm_less_than_once_in_a_hundred_and_fifty_choices() -> None:
    alarms = [len(changes(REWARD, lived([taste()] * 150, seed))) for seed in range(4)]
    assert np.mean(alarms) < 1


def test_after_a_change_the_new_taste_is_learnt_sooner_and_the_old_choices_are_still_there() -> None:
    evidence = lived([taste()] * 60 + [-taste()] * 25, 1)
    found = followed(REWARD, evidence, NOW)
    assert found.changes == 1
    assert found.since is not None and found.since < 25
    assert len(found.evidence) == len(evidence)
    with_the_test = REWARD.weights(REWARD.rebuild(found.evidence))[0] @ -taste()
    assert with_the_test > REWARD.weights(REWARD.rebuild(evidence))[0] @ -taste()
    weakest = min(piece.weight for piece in found.evidence if isinstance(piece, Chosen))
    assert weakest == pytest.approx(CHANGED)


def test_the_order_in_which_the_pieces_are_given_does_not_matter() -> None:
    evidence = lived([taste()] * 60 + [-taste()] * 25, 2)
    forwards, backwards = followed(REWARD, evidence, NOW), followed(REWARD, evidence[::-1], NOW)
    assert forwards.changes == backwards.changes
    assert REWARD.rebuild(forwards.evidence).arrays["mean"] == pytest.approx(
        REWARD.rebuild(backwards.evidence).arrays["mean"]
    )


def test_half_of_a_choice_is_left_after_ninety_days_and_a_statement_never_fades() -> None:
    phi = np.random.default_rng(0).normal(size=(2, DIM))
    said = Said(np.eye(DIM)[0], 1.0, 0.25)
    old: list[Evidence] = [
        Chosen(phi, at=NOW - timedelta(days=90)),
        Rated(phi[0], 4.0, at=NOW - timedelta(days=180)),
        said,
    ]
    found = followed(REWARD, old, NOW).evidence
    assert [piece.weight for piece in found if not isinstance(piece, Said)] == pytest.approx([0.25, 0.5])
    assert said in found


def test_today_nothing_has_faded_and_long_ago_only_the_prior_is_left() -> None:
    evidence = lived([taste()] * 5, 3)
    assert list(followed(REWARD, evidence, NOW).evidence) == evidence
    nothing = followed(REWARD, evidence, NOW + timedelta(days=3650)).evidence
    assert REWARD.rebuild(nothing).arrays["mean"] == pytest.approx(REWARD.prior().arrays["mean"])


def test_a_rating_of_half_the_power_counts_half_whichever_road() -> None:
    gaussian = REWARD
    phi = np.random.default_rng(1).normal(size=DIM)
    once = gaussian.rebuild([Rated(phi, 5.0)])
    halves = gaussian.rebuild([Rated(phi, 5.0, weight=0.5)] * 2)
    assert halves.arrays["mean"] == pytest.approx(once.arrays["mean"])
    assert halves.arrays["cov"] == pytest.approx(once.arrays["cov"], abs=1e-6)
