"""What the page draws."""

from pathlib import Path

import pytest

from idiolect.schema import Profile, Taste
from idiolect.server import views
from serving import assistant_in


def profile(*tastes: tuple[str, float, float]) -> Profile:
    return Profile(
        user="ana",
        evidence=3,
        tastes=tuple(
            Taste(attribute=name, mean=mean, sd=sd, description="", confident=abs(mean) > 1.64 * sd)
            for name, mean, sd in tastes
        ),
        preferences=(),
        space="1",
    )


def test_a_bar_is_as_long_as_its_value_and_its_whisker_spans_ninety_percent() -> None:
    drawn = views.bar("length", "long answers", 0.5, 0.1, scale=1.0)
    assert (drawn.x, drawn.width) == (50, 25)
    assert (drawn.left, drawn.right) == pytest.approx((50 + 50 * 0.336, 50 + 50 * 0.664))
    assert views.bar("length", "short answers", -0.5, 0.1, scale=1.0).x == 25


def test_nothing_is_drawn_outside_of_the_picture() -> None:
    drawn = views.bar("length", "long answers", 7.0, 9.0, scale=1.0)
    assert (drawn.x + drawn.width, drawn.left, drawn.right) == (100, 0, 100)


def test_a_belief_names_the_side_that_is_preferred() -> None:
    beliefs = views.beliefs(profile(("length", -1.0, 0.2), ("length", 1.0, 2.0), ("embedding 1", 3.0, 0.1)))
    short, long = beliefs.first
    assert (short.words, short.is_sure) == ("short answers", True)
    assert (long.words, long.is_sure) == ("long answers", False)
    assert short.width == long.width
    assert beliefs.unnamed == 1


def test_numbers_have_their_sign() -> None:
    assert [views.signed(value) for value in (1.234, 0.0, -0.5)] == ["+1.23", "+0.00", "\N{MINUS SIGN}0.50"]


def test_the_shares_that_are_drawn_and_the_rest_add_up(tmp_path: Path) -> None:
    with assistant_in(tmp_path) as assistant:
        first = assistant.answer("ana", "What is a good breakfast?")
        assistant.prefer("ana", first.candidates[1], over=first.candidates[0])
        answer = assistant.answer("ana", "What is a good lunch?")
    why = views.explanation(answer, answer.id)
    assert sum(bar.value for bar in why.shares) + why.rest == pytest.approx(why.total)
    assert answer.chosen is not None
    assert why.total == pytest.approx(answer.candidates[answer.chosen].reward, abs=0.01)
    assert not why.is_of_another
    assert views.explanation(answer, answer.candidates[answer.chosen - 1].id).is_of_another


def test_two_answers_stand_in_an_order_left_to_chance(tmp_path: Path) -> None:
    with assistant_in(tmp_path, ask_above=0.0) as assistant:
        answers = [assistant.answer("ana", f"Question {number}?") for number in range(30)]
    places = [views.shown(answer).candidates[0].id == views.one(answer).candidates[0].id for answer in answers]
    assert 5 < sum(places) < 25


def test_an_error_reads_as_a_sentence() -> None:
    assert views.sentence("there is no question") == "There is no question."
    assert views.sentence("Really?") == "Really?"
