"""Methods of training: what each is in a limit that is known, and a short form of all on a tiny model."""

import json
import math
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from idiolect.alignment.training.data import Pair, Split
from idiolect.alignment.training.inner.gradient import Scalar, advantages
from idiolect.alignment.training.inner.losses import GroupPreference, PersonalPreference, Preference, Simplex
from idiolect.alignment.training.inner.policy import People, Policy
from idiolect.alignment.training.inner.rows import Rows, collated, padded
from idiolect.alignment.training.inner.users import UserTokens
from idiolect.alignment.training.items import Item, Said, Tokens
from idiolect.alignment.training.methods import TRAINING
from idiolect.alignment.training.methods.maxmin import MaxMinSettings, expected
from idiolect.alignment.training.methods.ric import Scale, parsed, rendered
from idiolect.alignment.training.methods.sft import SFT, SFTSettings
from idiolect.alignment.training.objectives import SCORERS
from idiolect.alignment.training.preference import set_to
from idiolect.alignment.training.protocol import Job
from idiolect.alignment.training.runs import settings_of, train
from idiolect.alignment.training.settings import TrainingSettings
from idiolect.errors import BadInput, UnknownMethod
from idiolect.models import WhiteBoxSettings
from idiolect.models.white_box.weights import Loaded, load
from training import FAST, plan, preferring, tiny

WEIGHTS = "adapter_model.safetensors"
LONG, SHORT = "Dear friend, what a lovely day", "No"
MORE: dict[str, dict[str, object]] = {  # what a method cannot do without, and what makes it short
    "p-dpo": {"user_tokens": 2, "least_each": 2},
    "modpo": {"others": {"length": 0.5}},
    "group-dpo": {"least_each": 2},
    "maxmin": {"kinds": 1, "objectives": ["length", "warmth"], "answers": 2},
    "soups": {"objectives": ["length", "warmth"]},
    "rewards-in-context": {"objectives": ["length", "warmth"], "rounds": 1, "answers": 8},
    "rloo": {"weights": {"length": 1}, "answers": 2},
    "grpo": {"weights": {"length": 0.5, "warmth": 0.5}, "answers": 2, "join": "chebyshev"},
    "panacea": {"objectives": ["length", "warmth"]},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.set_num_threads(1)
    return tiny(tmp_path_factory.mktemp("model") / "tiny")


def opened(model: str) -> Loaded:
    return load(model.removeprefix("transformers:"), WhiteBoxSettings(dtype="float32", device="cpu"))


def opposed(count: int = 8) -> tuple[Pair, ...]:
    return (*preferring(LONG, SHORT, count), *preferring(SHORT, LONG, count, "bob"))


def rows_of(h: list[list[float]], **more: object) -> tuple[Tensor, Rows]:
    """Log ratios (n, width) as a batch whose answers have one token each."""
    flat = torch.tensor(h).reshape(-1, 1)
    rows = {"plain": torch.zeros(len(flat)), "weight": torch.ones(len(h)), "margin": torch.zeros(len(h))}
    return flat, rows | {name: torch.as_tensor(value) for name, value in more.items()}


@pytest.mark.parametrize("method", sorted(TRAINING))  # being registered is being tested
def test_every_method_trains_a_tiny_model_and_leaves_finite_weights(method: str, model: str, tmp_path: Path) -> None:
    agreed = (*preferring(LONG, SHORT, 4), *preferring(LONG, SHORT, 4, "bob"))  # or one reward for both is nought
    pairs = agreed if method == "maxmin" else opposed(4)
    card = train(plan(method, model, pairs, held_out=0.25, **MORE.get(method, {})), tmp_path / "out")
    assert card.results
    for result in card.results:
        weights = load_file(tmp_path / "out" / result.name / WEIGHTS)
        assert any(float(each.abs().max()) > 0 for name, each in weights.items() if "lora_B" in name)
        assert all(bool(torch.isfinite(each).all()) for each in weights.values())


def test_dpo_begins_at_ln_2_and_pulls_the_answers_apart() -> None:
    nats, rows = rows_of([[0.0, 0.0]])
    nats.requires_grad_()
    loss = Preference(0.1)(nats, rows)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert nats.grad is not None and float(nats.grad[0]) < 0 < float(nats.grad[1])


def test_dpo_is_the_same_where_both_answers_are_likelier_by_as_much() -> None:
    preference = Preference(0.3)
    assert float(preference(*rows_of([[1.0, -2.0]]))) == pytest.approx(float(preference(*rows_of([[6.0, 3.0]]))))


def test_dpo_is_trl_s_on_the_same_pairs(model: str, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    pairs = preferring(LONG, SHORT, 4)
    loaded = opened(model)
    settings = settings_of("dpo", FAST | {"answer_tokens": 100, "prompt_tokens": 100})
    job = Job(Split(pairs), Tokens(loaded, settings), lambda: loaded.module)
    policy = Policy(loaded.module, Preference(0.1), settings)

    def move(scale: float) -> None:
        chance = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for name, each in sorted(policy.named_parameters()):
                if "lora_B.default" in name:
                    each.copy_(scale * torch.randn(each.shape, generator=chance))

    move(1.0)
    items = [Item(job.pair(pair)) for pair in pairs]
    plain = policy.plain(padded([said for item in items for said in item.said])).sum(-1).view(-1, 2).tolist()
    ours = policy(collated(list(zip(items, plain, strict=True)))["rows"])["loss"].item()
    move(0.0)  # TRL takes the adapter as it finds it for its reference
    turns = [
        {
            "prompt": [{"role": "user", "content": pair.prompt}],
            "chosen": [{"role": "assistant", "content": pair.chosen}],
            "rejected": [{"role": "assistant", "content": pair.rejected}],
        }
        for pair in pairs
    ]
    wanted = DPOConfig(output_dir=str(tmp_path), beta=0.1, use_cpu=True, bf16=False, report_to=[], max_length=None)
    trainer: Any = DPOTrainer(  # it annotates less than it could
        model=policy.network, args=wanted, train_dataset=Dataset.from_list(turns), processing_class=loaded.tokenizer
    )
    batch = trainer.data_collator([trainer.train_dataset[at] for at in range(len(pairs))])
    trainer.model.eval()
    move(1.0)
    assert ours == pytest.approx(trainer.compute_loss(trainer.model, batch).item(), abs=1e-5)
    assert abs(ours - math.log(2)) > 0.01


def test_p_dpo_without_vectors_is_dpo_for_every_share(model: str) -> None:
    said = (Said((3, 4, 5), (6, 7, 1)), Said((3, 4, 5), (8, 1)))
    for share in (0.0, 0.3, 1.0):
        policies = [
            Policy(opened(model).module, loss, TrainingSettings(rank=4, alpha=8), people)
            for loss, people in (
                (PersonalPreference(0.5, share), People(("ada",), tokens=0)),
                (Preference(0.5), None),
            )
        ]
        items = [Item((*said, *said)), Item(said)]
        losses = [
            policy(collated([(item, [-1.0, -2.0] * (len(item.said) // 2))])["rows"])["loss"]
            for policy, item in zip(policies, items, strict=True)
        ]
        assert float(losses[0]) == pytest.approx(float(losses[1]), abs=1e-6)


def test_a_person_that_nothing_is_known_of_is_anybody_and_one_cluster_is_too() -> None:
    start = torch.randn(1, 2, 4)
    own = UserTokens(2, 2, 0, start)
    with torch.no_grad():
        own.own.normal_()
    assert torch.equal(own(torch.tensor([0])), start)
    assert not torch.equal(own(torch.tensor([1])), start)
    one = UserTokens(2, 2, 1, start)
    with torch.no_grad():
        one.own.normal_()
    assert torch.allclose(one(torch.tensor([0, 1, 2])), start.expand(3, 2, 4))


def test_p_dpo_of_anybody_s_half_alone_leaves_every_person_where_they_began(model: str, tmp_path: Path) -> None:
    for share, moved in ((0.0, False), (0.5, True)):
        wanted = plan("p-dpo", model, opposed(), share=share, user_tokens=2, least_each=4, weight_decay=0, held_out=0)
        train(wanted, tmp_path / str(share))
        anybody, ada, bob = load_file(tmp_path / str(share) / "policy/users.safetensors")["vectors"]
        assert (not torch.equal(anybody, ada)) is moved and (not torch.equal(ada, bob)) is moved


def test_modpo_with_all_weight_on_one_objective_is_dpo_to_the_bit(model: str, tmp_path: Path) -> None:
    pairs = preferring(LONG, SHORT, 12)
    train(plan("modpo", model, pairs, weight=1, others={"length": 0}), tmp_path / "modpo")
    train(plan("dpo", model, pairs), tmp_path / "dpo")
    one, other = load_file(tmp_path / "modpo/policy" / WEIGHTS), load_file(tmp_path / "dpo/policy" / WEIGHTS)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_modpo_with_equal_margins_is_dpo_of_a_stronger_pull() -> None:
    nats, rows = rows_of([[1.0, -1.5], [0.2, 0.1]])
    assert float(Preference(0.1, 1 / 0.4)(nats, rows)) == pytest.approx(float(Preference(0.1 / 0.4)(nats, rows)))


def test_a_margin_of_modpo_makes_up_for_what_the_other_objectives_gain() -> None:
    nats, rows = rows_of([[2.0, 0.0]], margin=[0.2])
    assert float(Preference(0.1)(nats, rows)) == pytest.approx(math.log(2))


def test_group_dpo_of_one_group_is_dpo_and_of_equal_losses_keeps_its_weights() -> None:
    nats, rows = rows_of([[1.0, -1.5], [0.2, 0.1]], group=[0, 0])
    assert float(GroupPreference(0.1, [2], 0.5)(nats, rows)) == pytest.approx(float(Preference(0.1)(nats, rows)))
    even = GroupPreference(0.1, [1, 1], 0.5)
    even(*rows_of([[1.0, 0.0], [1.0, 0.0]], group=[0, 1]))
    assert even.q.tolist() == pytest.approx([0.5, 0.5])


def test_group_dpo_counts_a_rare_group_in_full_and_then_the_worse_one_more() -> None:
    nats, rows = rows_of([[3.0, 0.0], [3.0, 0.0], [3.0, 0.0], [-2.0, 0.0]], group=[0, 0, 0, 1])
    each = Preference(0.1).each(nats, rows)
    fixed = GroupPreference(0.1, [3, 1], 0.0)
    assert float(fixed(nats, rows)) == pytest.approx(float((each[:3].mean() + each[3]) / 2))
    robust = GroupPreference(0.1, [3, 1], 0.5)
    robust(nats, rows)
    assert float(robust.q[1]) > 0.5 and float(robust.q.sum()) == pytest.approx(1)


def test_an_expert_of_a_soup_is_dpo_on_the_pairs_as_its_objective_prefers_them(model: str, tmp_path: Path) -> None:
    train(plan("soups", model, opposed(), objectives=["length"], held_out=0), tmp_path / "soups")
    as_length_prefers = tuple(pair if pair.chosen.startswith(LONG) else pair.turned() for pair in opposed())
    train(plan("dpo", model, as_length_prefers, held_out=0), tmp_path / "dpo")
    expert, dpo = load_file(tmp_path / "soups/length" / WEIGHTS), load_file(tmp_path / "dpo/policy" / WEIGHTS)
    assert all(torch.equal(expert[name], dpo[name]) for name in dpo)


def test_rewards_in_context_asks_for_the_ends_that_a_preference_names() -> None:
    scale = Scale.of(("warm", "concise"), np.array([[0.0, 5.0], [1.0, 7.0], [2.0, 9.0]]))
    assert scale.wanted({"warm": 1.0}).tolist() == pytest.approx([scale.high[0], scale.low[1]])
    assert scale.wanted({"warm": 0.5, "concise": 0.5}).tolist() == pytest.approx(scale.high.tolist())
    some = scale.wanted({"warm": 0.8, "concise": 0.2})
    assert some[1] == pytest.approx(scale.low[1] + 0.4 * (scale.high[1] - scale.low[1]))
    text = rendered("How?", scale.names, np.array([0.7, -1.2]))
    assert parsed(text) == ("How?", {"warm": 0.7, "concise": -1.2})
    assert parsed("How?") == ("How?", {})


def test_advantages_sum_to_nought_and_of_two_answers_are_opposite() -> None:
    reward = torch.tensor([[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]])
    for kind, is_scaled in (("rloo", False), ("grpo", False), ("grpo", True)):
        found = advantages(reward, kind, is_scaled=is_scaled)
        assert found.sum(-1).tolist() == pytest.approx([0, 0], abs=1e-5)
    others = [(2 + 6) / 2, (1 + 6) / 2, (1 + 2) / 2]
    assert advantages(reward, "rloo", is_scaled=False)[0].tolist() == pytest.approx(
        [1 - others[0], 2 - others[1], 6 - others[2]]
    )
    first, second = advantages(torch.tensor([[1.0, 4.0]]), "rloo", is_scaled=False)[0]
    assert float(first) == -float(second) == -3


def test_one_objective_alone_is_itself_and_chebyshev_turns_to_the_one_that_lags() -> None:
    rewards = torch.tensor([[1.0, 0.0], [3.0, 0.5]])
    assert Scalar([1.0, 0.0], [0.0, 0.0], "linear")(rewards).tolist() == [1.0, 3.0]
    lagging = Scalar([0.5, 0.5], [3.0, 1.0], "chebyshev")(rewards)  # means 2 and .25: the first lags by 1, not .75
    assert lagging.tolist() == pytest.approx([0.5 * 1 + 0.05 * 0.5, 0.5 * 3 + 0.05 * 1.75])
    assert Scalar([1.0, 1.0], [0.0, 0.0], "worst")(rewards).tolist() == [0.0, 0.5]


def test_em_finds_two_kinds_of_people_with_opposite_tastes() -> None:
    chance = np.random.default_rng(0)
    user = np.repeat(np.arange(10), 20)
    sign = np.where(user < 6, 1.0, -1.0)
    raw = chance.normal(size=(200, 3))
    deltas = raw * np.where(raw[:, :1] * sign[:, None] > 0, 1.0, -1.0)  # everybody chose by the first column
    found = expected(deltas, user, MaxMinSettings(kinds=2))
    assert len(set(found.kind[:6])) == len(set(found.kind[6:])) == 1 and found.kind[0] != found.kind[9]
    assert found.heads[found.kind[0], 0] > 1 and found.heads[found.kind[9], 0] < -1


def test_panacea_begins_as_the_model_is_and_a_preference_for_one_objective_learns_that_one_alone(model: str) -> None:
    said = (Said((3, 4, 5), (6, 7, 1)), Said((3, 4, 5), (8, 1)))
    settings = TrainingSettings(rank=4, alpha=8)
    policy = Policy(opened(model).module, Simplex(0.1, "linear"), settings, objectives=("first", "second"))
    rows = collated([(Item(said, odds=(1.0, 0.0)), [0.0, 0.0])])["rows"]
    assert torch.allclose(policy.nats(rows), policy.plain(rows), atol=1e-6)
    nats = policy.nats(rows).detach()
    rows["plain"] = policy.plain(rows).sum(-1) + torch.tensor([0.0, 4.0])
    one, other = (policy.loss(nats, rows | {"mix": torch.tensor(mix)}) for mix in ((1.0, 0.0), (0.0, 1.0)))
    assert float(one) == pytest.approx(float(Preference(0.1)(nats, rows | {"margin": torch.zeros(1)})))
    assert float(other) > math.log(2) > float(one)


def test_a_preference_set_in_the_files_is_the_one_set_in_the_policy(model: str, tmp_path: Path) -> None:
    loaded = opened(model)
    settings = TrainingSettings(rank=4, alpha=8)
    policy = Policy(loaded.module, Simplex(0.1, "linear"), settings, objectives=("first", "second"))
    assert policy.spectrum is not None
    with torch.no_grad():
        policy.spectrum.sigma.normal_(generator=torch.Generator().manual_seed(1))
        policy.spectrum.scale.normal_(generator=torch.Generator().manual_seed(2))
    policy.eval()
    policy.save(tmp_path / "policy", "tiny")
    policy.spectrum.mix.copy_(torch.tensor([0.25, 0.75]))
    rows = padded([Said((3, 4, 5), (6, 7, 1))])
    live = policy.nats(rows)
    from peft import PeftModel

    place = set_to(tmp_path / "policy", {"first": 1, "second": 3}, tmp_path / "set")
    served = PeftModel.from_pretrained(opened(model).module, str(place))
    plain = Policy(opened(model).module, Preference(0.1), settings)
    plain.network = served  # type: ignore[assignment]  # a stand-in for the engine
    assert torch.allclose(plain.nats(rows), live, atol=1e-5)
    assert not torch.allclose(plain.plain(rows), live, atol=1e-3)
    with pytest.raises(BadInput, match="first, second"):
        set_to(tmp_path / "policy", {"third": 1}, tmp_path / "other")


def test_sft_balances_people_or_answers_and_leaves_some_without_what_is_told_of_the_person(model: str) -> None:
    pairs = (*preferring(LONG, SHORT, 30, profile="Likes it long."), *preferring(LONG, SHORT, 10, "bob"))
    loaded = opened(model)
    for balance, share in ((1.0, 0.75), (0.0, 0.5)):
        settings = SFTSettings.model_validate(FAST | {"balance": balance, "without": 0.5, "prompt_tokens": 99})
        items = SFT(settings).items(Job(Split(pairs), Tokens(loaded, settings), lambda: loaded.module))
        assert sum(item.weight for item in items) == pytest.approx(40)
        assert sum(item.weight for item in items[:30]) / 40 == pytest.approx(share)
        told = sum(len(item.said[0].prompt) > 40 for item in items[:30])
        assert 5 < told < 25


def test_rl_that_is_killed_goes_on_to_the_same_weights(model: str, tmp_path: Path) -> None:
    wanted = plan("rloo", model, opposed(6), weights={"length": 1}, answers=2, save_every=2, batch=2, at_once=2)

    def die(share: float, what: str) -> None:
        if "step 5 " in what:
            os.kill(os.getpid(), signal.SIGKILL)

    child = multiprocessing.get_context("fork").Process(target=train, args=(wanted, tmp_path / "killed", die))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    for name in ("killed", "straight"):
        train(wanted, tmp_path / name)
    killed, straight = (load_file(tmp_path / name / "policy" / WEIGHTS) for name in ("killed", "straight"))
    assert max(float((killed[name] - straight[name]).abs().max()) for name in killed) <= 1e-6


def test_objectives_and_weights_that_do_not_do_are_told(model: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownMethod, match=r"'warmht'.*warmth"):
        train(plan("soups", model, opposed(), objectives=["warmht"]), tmp_path / "a")
    with pytest.raises(BadInput, match="worth the same to the objective 'headings'"):
        train(plan("soups", model, opposed(), objectives=["headings"]), tmp_path / "b")
    with pytest.raises(BadInput, match="not negative"):
        train(plan("rloo", model, opposed(), weights={"length": -1}), tmp_path / "c")
    with pytest.raises(BadInput, match="needs 2 people with 10 pairs each, and here are 0: `dpo`"):
        train(plan("p-dpo", model, opposed(4)), tmp_path / "d")
    card = train(plan("modpo", model, opposed(), weight=2, others={"length": 2}), tmp_path / "e")
    assert card.notes == ("the weights summed to 4, and were divided by it",)


def test_rewards_of_a_file_come_before_measured_ones(model: str, tmp_path: Path) -> None:
    pairs = tuple(
        Pair(each.user, each.prompt, each.chosen, each.rejected, rewards={"length": (-1.0, 1.0)})
        for each in preferring(LONG, SHORT, 8)
    )
    train(plan("soups", model, pairs, objectives=["length"], held_out=0), tmp_path / "file")
    train(plan("dpo", model, tuple(pair.turned() for pair in pairs), held_out=0), tmp_path / "dpo")
    one, other = load_file(tmp_path / "file/length" / WEIGHTS), load_file(tmp_path / "dpo/policy" / WEIGHTS)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert SCORERS["less:length"]("?", ["a b c"])[0] == -SCORERS["length"]("?", ["a b c"])[0]
    assert json.loads((tmp_path / "file/length/adapter_config.json").read_text(encoding="utf-8"))["r"] == 4
