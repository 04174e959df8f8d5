"""The toy world: its optimum is one, and the tiny transformer speaks its language."""

from pathlib import Path

import numpy as np
import pytest

from idiolect.evaluation.toy import TASTES, WORLD
from idiolect.evaluation.toy.language import distribution, messages, save_toy, taught
from idiolect.evaluation.toy.world import kl
from idiolect.schema import Array


@pytest.fixture
def ref() -> Array:
    """What the model is taught to say to a question."""
    return taught("how")


@pytest.mark.parametrize("taste", sorted(TASTES))
def test_no_policy_is_better_than_the_optimum(taste: str, ref: Array) -> None:
    reward = WORLD.reward(TASTES[taste])
    best = WORLD.optimum(ref, reward)
    rng = np.random.default_rng(0)
    for scale in (0.01, 0.1, 1.0):
        other = best * np.exp(scale * rng.normal(size=len(best)))
        assert WORLD.objective(other / other.sum(), ref, reward) < WORLD.objective(best, ref, reward)


def test_regret_is_nought_at_the_optimum_and_one_where_nothing_changed(ref: Array) -> None:
    reward = WORLD.reward(TASTES["warm"])
    inside = WORLD.within(ref)
    assert WORLD.regret(ref, ref, reward) == pytest.approx(1.0)
    assert WORLD.regret(WORLD.optimum(inside, reward), ref, reward) == pytest.approx(0.0, abs=1e-9)


def test_a_distribution_taken_apart_by_tokens_and_put_together_is_the_same(ref: Array) -> None:
    assert WORLD.joint(WORLD.conditionals(ref)) == pytest.approx(ref)


def test_a_value_is_the_mean_reward_of_the_answers_that_go_on_so(ref: Array) -> None:
    reward = WORLD.reward(TASTES["careful"])
    first = WORLD.values(ref, reward)[0]
    begun = np.array([answer[0] == 1 for answer in WORLD.answers])
    assert first[1] == pytest.approx(float(ref[begun] @ reward[begun] / ref[begun].sum()))


def test_no_sum_over_words_is_the_order_of_an_answer() -> None:
    counts = np.array([[answer.count(word) for word in range(4)] + [1] for answer in WORLD.answers])
    order = WORLD.phi[:, WORLD.objectives.index("order")]
    left = order - counts @ np.linalg.lstsq(counts.astype(float), order, rcond=None)[0]
    assert np.abs(left).max() > 0.3


def test_the_transformer_leans_to_a_taste_that_a_system_message_names(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    folder = save_toy(tmp_path)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    plain = distribution(model, tokenizer, messages("how"))
    told = distribution(model, tokenizer, messages("how", "brief"))
    reward = WORLD.reward(TASTES["brief"])
    assert kl(taught("how"), plain) < 0.3
    assert 0.0 < WORLD.regret(told, plain, reward) < 0.7
