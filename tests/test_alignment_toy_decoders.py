"""Decoders in the toy world, by the code that decodes with a model: each reaches what it seeks."""

import numpy as np
import pytest

from idiolect.evaluation.toy import TASTES, WORLD
from idiolect.evaluation.toy.decoders import DECODERS, Scene
from idiolect.evaluation.toy.language import QUESTIONS
from idiolect.evaluation.toy.world import kl
from idiolect.evaluation.toy_world import ToyWorld, measured

SEEKING = {"mod": 0.02, "autoregressive-rewards": 0.02, "pad": 0.02, "context-steering": 0.07, "amulet": 0.07}


@pytest.mark.parametrize("name", sorted(SEEKING))
@pytest.mark.parametrize("taste", sorted(TASTES))
def test_a_decoder_comes_as_near_to_the_best_whole_answers_as_words_one_by_one_can(name: str, taste: str) -> None:
    for question in QUESTIONS:
        scene = Scene(taste, question)
        assert measured(scene, DECODERS[name](scene))["own"] < SEEKING[name]


def test_the_model_as_it_is_has_all_of_the_regret() -> None:
    scene = Scene("warm", "what")
    assert measured(scene, DECODERS["plain"](scene))["regret"] == pytest.approx(1.0)


def test_values_that_see_the_state_are_nearer_to_the_best_than_those_that_do_not_where_order_counts() -> None:
    scene = Scene("careful", "how")
    seeing, blind = (measured(scene, DECODERS[name](scene))["regret"] for name in ("value-guided", "token-values"))
    assert seeing < 0.15
    assert seeing < blind / 4


def test_values_of_weight_nought_leave_the_model_as_it_is() -> None:
    from idiolect.alignment.decoding.value_guided import Guide
    from idiolect.evaluation.toy.decoders import _values

    scene = Scene("warm", "how")
    values = _values(scene, state=True)
    assert scene.added(Guide(values, values.of(np.zeros(4)))) == pytest.approx(scene.ref, abs=1e-6)


def test_values_of_two_people_are_their_sum() -> None:
    from idiolect.evaluation.toy.decoders import _values

    values = _values(Scene("warm", "how"), state=True)
    one, other = (np.array(TASTES[name]) for name in ("warm", "brief"))
    assert values.of(one) + values.of(other) == pytest.approx(values.of(one + other))


def test_no_decoder_brings_an_answer_from_outside_the_boundary_back() -> None:
    scene = Scene("warm", "how")
    outside = scene.reward + 100.0 * ~WORLD.admitted  # whatever it were worth
    policy = WORLD.optimum(scene.ref, outside)
    assert policy[~WORLD.admitted].sum() > 0.99
    assert WORLD.within(policy)[~WORLD.admitted].sum() == 0.0
    assert kl(WORLD.within(policy), WORLD.within(policy)) == 0.0


def test_the_bench_has_a_row_for_each_measure_of_each_method() -> None:
    class Quiet:
        def track(self, items: object, *_: object) -> object:
            return items

    bench = ToyWorld(methods=("plain", "mod"))
    figures = bench.figures(bench.cases(None, Quiet()))  # type: ignore[arg-type] # all that this bench uses of a run
    assert set(figures) == {
        *(f"plain/{measure}" for measure in ("regret", "reward", "kl")),
        *(f"mod/{measure}" for measure in ("regret", "reward", "kl", "own")),
    }
    assert figures["mod/regret"].value < 0.02
    assert figures["plain/regret"].n == 8
