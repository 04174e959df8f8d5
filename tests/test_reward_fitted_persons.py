"""Rewards that fit a few numbers of each person in a shared network: P-RLHF's user model and adapters."""

import numpy as np
import pytest

from idiolect.reward import adapter, networks
from idiolect.reward.adapter import Adapter, AdapterSettings
from idiolect.reward.network_reward import Course, Material
from idiolect.reward.pairs import PairReward, Rows
from idiolect.reward.personal import fitted, nats
from idiolect.reward.population import Population
from idiolect.reward.prlhf import GENERIC, PEOPLE, PRLHF, PRLHFSettings, nobody, rewards
from idiolect.reward.protocol import Chosen, Evidence, Rated, Said
from idiolect.schema import Array
from tastes import choices, people_of

torch = pytest.importorskip("torch")

D = 4


def population(people: int = 30, pairs: int = 20) -> Population:
    """All want the second feature, and every other person wants what the rest avoids: the first."""
    return people_of([np.eye(D)[1] + np.eye(D)[0] * (2 if person % 2 else -2) for person in range(people)], pairs)


SMALL = PRLHF.small().model_copy(update={"batch": 64, "epochs": 25, "jitter": 0.0, "pull": 0.1, "patience": 20})


@pytest.fixture(scope="module")
def rewarding() -> dict[str, PairReward]:
    return {
        "adapter": Adapter.fit(population(), AdapterSettings(batch=64, epochs=10, mu=0.1, jitter=0.0)),
        "individual": PRLHF.fit(population(), SMALL),
        "cluster": PRLHF.fit(population(), SMALL.model_copy(update={"model": "cluster"})),
    }


def evidence(taste: Array, count: int = 20) -> list[Evidence]:
    return [Chosen(pair) for pair in choices(taste, count, 100)]


@pytest.mark.parametrize("name", ["adapter", "individual", "cluster"])
class TestBoth:
    def test_a_new_person_is_met_by_their_choices(self, name: str, rewarding: dict[str, PairReward]) -> None:
        reward = rewarding[name]
        for sign in (2.0, -2.0):
            taste = np.eye(D)[1] + sign * np.eye(D)[0]
            belief = reward.rebuild(evidence(taste))
            assert np.mean([reward.probability(belief, each) > 0.5 for each in choices(taste, 100, 999)]) > 0.75

    def test_of_no_choice_what_all_have_in_common_decides(self, name: str, rewarding: dict[str, PairReward]) -> None:
        reward, pairs = rewarding[name], choices(np.eye(D)[1], 200, 998)
        alike = np.abs(pairs[:, 0, 0] - pairs[:, 1, 0]) < 0.3
        assert np.mean([reward.probability(reward.prior(), each) > 0.5 for each in pairs[alike]]) > 0.75

    def test_what_is_no_choice_is_counted_and_moves_nothing(self, name: str, rewarding: dict[str, PairReward]) -> None:
        reward, phi = rewarding[name], np.ones((3, D)) * np.arange(3)[:, None]
        belief = reward.rebuild([Rated(phi[1], 5.0), Said(np.eye(D)[0], 1.0, 0.25)])
        assert belief.seen == 2
        assert (reward.score(belief, phi).mean == reward.score(reward.prior(), phi).mean).all()

    def test_piece_by_piece_or_at_once_in_any_order_the_digits_are_the_same(
        self, name: str, rewarding: dict[str, PairReward]
    ) -> None:
        reward, pieces = rewarding[name], evidence(np.eye(D)[0], 6)
        live = reward.prior()
        for piece in pieces:
            live = reward.update(live, piece)
        rebuilt = reward.rebuild(pieces[::-1])
        assert live.seen == rebuilt.seen == 6
        for key, array in rebuilt.arrays.items():
            assert (live.arrays[key] == array).all()

    def test_a_person_of_fifty_choices_takes_less_than_16_kilobytes(
        self, name: str, rewarding: dict[str, PairReward]
    ) -> None:
        wide = {"adapter": Adapter.fit, "individual": PRLHF.fit, "cluster": PRLHF.fit}[name]
        phi = np.random.default_rng(0).normal(size=(8, 2, 64)).astype(np.float32)
        tiny = Population(("a",), phi, np.zeros(8, np.int32), np.ones(8, np.float32))
        reward = wide(tiny, rewarding[name].settings.model_copy(update={"epochs": 1}))
        belief = reward.rebuild([Chosen(pair) for pair in np.random.default_rng(1).normal(size=(50, 2, 64))])
        assert sum(array.nbytes for array in belief.arrays.values()) <= 16_000

    def test_what_was_saved_scores_alike(self, name: str, rewarding: dict[str, PairReward]) -> None:
        reward = rewarding[name]
        again = type(reward).restored(reward.arrays(), reward.settings)
        belief, phi = reward.rebuild(evidence(np.eye(D)[0])), np.random.default_rng(3).normal(size=(4, D))
        assert again.version == reward.version
        assert (again.score(belief, phi).mean == reward.score(belief, phi).mean).all()


class TestPRLHF:
    @pytest.mark.parametrize("model", ["individual", "cluster"])
    def test_somebody_unknown_is_nobody(self, model: str) -> None:
        settings = PRLHFSettings.model_validate({"model": model, "tokens": 2, "width": 3})
        parameters = PRLHF({}, settings).start(D)
        phi = torch.randn(5, D, generator=networks.generator(0))
        unknown = nobody(settings, 1)[0]
        tokens = parameters[GENERIC] if model == "individual" else parameters["clusters"].mean(dim=0)
        by_hand = networks.mlp(parameters, "head", torch.cat([phi, tokens.expand(5, -1)], dim=1))[:, 0]
        assert torch.allclose(rewards(parameters, settings, unknown, phi), by_hand, atol=1e-6)

    def test_one_cluster_is_nobody_whatever_its_logit(self) -> None:
        settings = PRLHFSettings(model="cluster", clusters=1, tokens=2, width=3)
        parameters = PRLHF({}, settings).start(D)
        phi = torch.randn(5, D, generator=networks.generator(0))
        logits = (torch.tensor([0.0]), torch.tensor([7.0]))
        assert torch.equal(*(rewards(parameters, settings, each, phi) for each in logits))

    def test_of_alpha_0_everybody_s_own_tokens_are_left_at_their_start(self) -> None:
        assert not slope_of_people(0.0).any()
        assert slope_of_people(0.5).any()

    def test_of_alpha_1_the_generic_copies_say_nothing(self) -> None:
        settings, training = SMALL.model_copy(update={"alpha": 1.0}), training_with(1.0)
        parameters = {**PRLHF({}, settings).start(D), PEOPLE: torch.randn(30, 16, generator=networks.generator(4))}
        phi, weight, owner = Rows(population(), range(30)).draw(np.random.default_rng((0, 2)), settings.batch)
        seen = torch.from_numpy(training.scale(phi).astype(np.float32))
        margin = rewards(parameters, settings, parameters[PEOPLE][torch.from_numpy(owner)][:, None], seen)
        by_hand = nats(margin[:, 0] - margin[:, 1], torch.from_numpy(weight)) / len(weight)
        assert float(training.loss(parameters, 0)) == pytest.approx(float(by_hand), rel=1e-5)


def training_with(alpha: float) -> Course:
    settings = SMALL.model_copy(update={"alpha": alpha, "held_out": 0.0})
    return PRLHF({}, settings).course(Material.of(population(), settings))


def slope_of_people(alpha: float) -> Array:
    """The loss's gradient by everybody's o_u."""
    people = torch.zeros(30, 16, requires_grad=True)
    training_with(alpha).loss({**PRLHF({}, SMALL).start(D), PEOPLE: people}, 0).backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    assert people.grad is not None
    return np.asarray(people.grad.numpy(), dtype=np.float64)


class TestAdapter:
    def test_at_the_start_delta_is_0_and_the_reward_the_shared_one(self, rewarding: dict[str, PairReward]) -> None:
        reward = rewarding["adapter"]
        parameters = networks.tensors(reward.arrays())
        assert not any(change.any() for change in adapter.deltas(parameters, parameters["start"], 4).values())
        phi = np.random.default_rng(0).normal(size=(5, D))
        seen = torch.from_numpy((phi - phi.mean(axis=0)) / reward.arrays()["phi.sd"].astype(np.float64))
        by_hand = networks.mlp(parameters, "head", seen)[:, 0].numpy()
        assert reward.score(reward.prior(), phi).mean == pytest.approx(by_hand - by_hand.mean())

    def test_a_delta_of_rank_one_is_the_product_of_its_two_vectors(self) -> None:
        parameters = {"head.0.weight": torch.zeros(2, 3)}
        flat = torch.tensor([1.0, 2.0, 3.0, 10.0, 20.0])
        assert adapter.deltas(parameters, flat, rank=1)["head.0.weight"].tolist() == [[10, 20, 30], [20, 40, 60]]

    def test_a_large_mu_leaves_the_shared_reward(self, rewarding: dict[str, PairReward]) -> None:
        reward = rewarding["adapter"]
        assert isinstance(reward, Adapter)
        held = Adapter(reward.shared, reward.settings.model_copy(update={"mu": 1e6}))
        phi = np.random.default_rng(1).normal(size=(5, D))
        belief = held.rebuild(evidence(-np.eye(D)[1]))
        assert held.score(belief, phi).mean == pytest.approx(held.score(held.prior(), phi).mean, abs=1e-2)


def test_fitting_a_person_finds_the_minimum_of_a_parabola() -> None:
    assert fitted(lambda x: ((x - torch.tensor([1.0, -2.0])) ** 2).sum(), np.zeros(2)) == pytest.approx([1, -2])
