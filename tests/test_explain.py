"""The sentences that say why an answer was given."""

import numpy as np
import pytest

from idiolect.features.space import PreferenceSpace
from idiolect.schema import Answer, Candidate, Otherwise, Share, Trace, Verdict
from idiolect.turn import otherwise

FINE = Verdict(score=1.0)


def answer(*contributions: float) -> Answer:
    """One of two candidates was chosen; each contribution is of another attribute."""
    shares = tuple(
        Share(attribute=f"a{i}", words=f"word {i}", weight=1.0, value=each, contribution=each)
        for i, each in enumerate(contributions)
    )
    trace = Trace(method="plain", model="scripted", request_verdict=FINE, shares=shares, evidence=3)
    candidates = tuple(Candidate(id=f"c-{i}", text="Soup.", reward=sum(contributions), verdict=FINE) for i in range(2))
    return Answer(id="a", user="ana", text="Soup.", candidates=candidates, chosen=0, trace=trace)


def test_what_spoke_against_the_chosen_answer_is_told_apart_and_the_numbers_add_up() -> None:
    told = "What counted: word 0 (+0.50); against it word 1 (-0.30); all else +0.00."
    assert told in answer(0.5, -0.3).why()


def test_an_answer_that_only_less_was_held_against_says_so() -> None:
    assert "What counted: against it word 0 (-0.25); all else +0.01." in answer(-0.25, 0.01).why()


@pytest.mark.parametrize(("sd", "said"), [(0.1, False), (0.5, True)])
def test_a_wide_interval_is_told_as_not_knowing(sd: float, said: bool) -> None:
    shown = Candidate(id="c-0", text="Soup.", reward=0.5, sd=sd, verdict=FINE)
    told = answer(0.5).model_copy(update={"candidates": (shown, shown)}).why()
    assert ("I don't know yet whether you prefer it: between -0.32 and +1.32." in told) is said


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Candidate(id="c-1", text="Tea.", reward=0.9, sd=1.4, verdict=FINE), True),
        (Candidate(id="c-1", text="Tea.", reward=0.4, sd=1.4, verdict=FINE), False),  # it scores less anyhow
        (Candidate(id="c-1", text="Tea.", reward=0.9, sd=1.4, verdict=Verdict(score=0.0, action="refuse")), False),
    ],
)
def test_an_answer_that_scores_more_and_was_left_for_caution_is_told(other: Candidate, said: bool) -> None:
    shown = Candidate(id="c-0", text="Soup.", reward=0.5, sd=0.1, verdict=FINE)
    told = answer(0.5).model_copy(update={"candidates": (shown, other)}).why()
    assert ("Candidate 2 scores more, +0.90, but that is less sure, give or take 1.40: caution decided" in told) is said


def test_what_would_have_changed_the_choice_is_told() -> None:
    found = answer(0.5)
    trace = found.trace.model_copy(update={"otherwise": Otherwise(attribute="a0", words="short answers", candidate=1)})
    told = found.model_copy(update={"trace": trace}).why()
    assert "Without your taste for short answers, candidate 2 would have been chosen." in told


def test_the_strongest_taste_without_which_another_answer_wins_is_found() -> None:
    """By hand: rewards 1.5 and .9; without the first attribute .5 and .9, without the second 1 and 0."""
    space = PreferenceSpace.shipped()
    weights, phi = np.zeros(space.dim), np.zeros((2, space.dim))
    weights[:2] = 1.0
    phi[0, :2], phi[1, :2] = (1.0, 0.5), (0.0, 0.9)
    found = otherwise(space, weights, phi, phi @ weights, [True, True], 0)
    assert found is not None
    assert (found.attribute, found.candidate) == (space.names[0], 1)
    assert otherwise(space, weights, phi, phi @ weights, [True, False], 0) is None
    assert otherwise(space, weights * 0, phi, phi @ weights * 0, [True, True], 0) is None


def test_where_nothing_tells_the_candidates_apart_it_is_not_said_that_nothing_is_believed() -> None:
    alike = answer()
    told = alike.model_copy(update={"trace": alike.trace.model_copy(update={"evidence": 0})}).why()
    assert "The first of 2 candidates: they don't differ in what is known of your taste." in told
    assert "You have judged no answer yet." in told
