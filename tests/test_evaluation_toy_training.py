"""The bench of trainings in the toy world: less regret after more steps, and known answers as people and experts."""

from pathlib import Path

import numpy as np
import pytest
import torch

from idiolect.evaluation import BENCHES
from idiolect.evaluation.toy.language import save_toy
from idiolect.evaluation.toy.trainers import TRAINERS, School
from idiolect.evaluation.toy_training import ToyTraining


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_toy(tmp_path_factory.mktemp("toy") / "model")


def test_labels_of_a_school_come_in_both_orders_and_follow_the_reward(model: Path, tmp_path: Path) -> None:
    school = School(model, tmp_path, pairs=30)
    reward = school.world.reward((1.0, 0.0, 0.0, 0.0))
    pairs = school.labelled(reward)
    worth = dict(zip(school.world.texts, reward, strict=True))
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        assert (first.chosen, first.rejected) == (second.rejected, second.chosen)
        assert first.weight + second.weight == pytest.approx(1)
        assert (first.weight > 0.5) == (worth[first.chosen] > worth[first.rejected])


def test_a_short_training_gains_and_the_figures_are_of_the_cases_alone(model: Path, tmp_path: Path) -> None:
    bench = ToyTraining(methods=("dpo",), share=0.06)
    school = School(model, tmp_path / "dpo", bench.pairs, bench.seed, bench.share)
    for each in TRAINERS["dpo"](school):
        ref = school.ref[each.question]
        assert float(each.policy.sum()) == pytest.approx(1)
        assert school.world.objective(each.policy, ref, each.own) > school.world.objective(ref, ref, each.own)


def test_a_person_s_vectors_alone_make_their_policy(model: Path, tmp_path: Path) -> None:
    found = TRAINERS["p-dpo"](School(model, tmp_path / "p-dpo", pairs=20, share=0.01))
    policies = {each.name: each.policy for each in found if each.question == "how"}
    assert len(policies) == 4
    assert not np.allclose(policies["p-dpo, warm"], policies["p-dpo, formal"])


def test_the_bench_is_listed() -> None:
    assert BENCHES["toy-training"] is ToyTraining
