"""Rewards that are networks: VPL and GPO, by identities and by people whose taste is known."""

import sys
from subprocess import run

import numpy as np
import pytest

from idiolect.errors import DataError, FeatureMismatch
from idiolect.reward import networks
from idiolect.reward.gpo import BEND, GPO, GPOSettings
from idiolect.reward.pairs import PairReward, Sampler, Scale, few_or_many
from idiolect.reward.population import Population
from idiolect.reward.protocol import Belief, Chosen, Evidence, Tied
from idiolect.reward.vpl import VPL, VPLSettings, annealed, decoded, divergence, encoded
from tastes import choices, people_of

torch = pytest.importorskip("torch")

D = 4
CONTEXTUAL: list[type[PairReward]] = [GPO, VPL]


def divided(people: int = 40, pairs: int = 20) -> Population:
    """Every other person wants what the rest avoids: the first feature."""
    return people_of([np.eye(D)[0] * (1 if person % 2 else -1) for person in range(people)], pairs)


@pytest.fixture(scope="module")
def fitted() -> dict[type[PairReward], PairReward]:
    vpl = VPL.small().model_copy(update={"epochs": 10, "patience": 20, "jitter": 0.0, "hidden": 32})
    gpo = GPO.small().model_copy(update={"steps": 400, "width": 32, "jitter": 0.0, "patience": 20})
    return {VPL: VPL.fit(divided(), vpl), GPO: GPO.fit(divided(), gpo)}


def evidence(sign: float, count: int = 10, seed: int = 100) -> list[Evidence]:
    return [Chosen(pair) for pair in choices(sign * np.eye(D)[0], count, seed)]


def accuracy(reward: PairReward, belief: Belief, sign: float) -> float:
    asked = choices(sign * np.eye(D)[0], 100, 999)
    return float(np.mean([reward.probability(belief, pair) > 0.5 for pair in asked]))


@pytest.mark.parametrize("method", CONTEXTUAL)
class TestWhatReadsAContext:
    def test_ten_choices_tell_which_half_a_new_person_belongs_to(
        self, method: type[PairReward], fitted: dict[type[PairReward], PairReward]
    ) -> None:
        reward = fitted[method]
        for sign in (1.0, -1.0):
            assert accuracy(reward, reward.rebuild(evidence(sign)), sign) > 0.8

    def test_of_no_choice_everybody_is_the_population_and_half_of_them_want_the_other(
        self, method: type[PairReward], fitted: dict[type[PairReward], PairReward]
    ) -> None:
        reward = fitted[method]
        asked = choices(np.eye(D)[0], 100, 999)
        assert np.mean([reward.probability(reward.prior(), pair) for pair in asked]) == pytest.approx(0.5, abs=0.1)

    def test_the_order_of_the_context_changes_not_a_digit(
        self, method: type[PairReward], fitted: dict[type[PairReward], PairReward]
    ) -> None:
        reward, pieces = fitted[method], evidence(1.0)
        phi = np.random.default_rng(5).normal(size=(5, D))
        forwards, backwards = reward.rebuild(pieces), reward.rebuild(pieces[::-1])
        assert (reward.score(forwards, phi).mean == reward.score(backwards, phi).mean).all()

    def test_a_tie_is_the_same_whichever_answer_comes_first(
        self, method: type[PairReward], fitted: dict[type[PairReward], PairReward]
    ) -> None:
        reward = fitted[method]
        phi = np.random.default_rng(6).normal(size=(2, D))
        ties = [reward.rebuild([*evidence(1.0), Tied(each)]) for each in (phi, phi[::-1])]
        assert reward.probability(ties[0], phi) == reward.probability(ties[1], phi)

    def test_what_was_saved_scores_alike_and_what_was_cut_short_is_refused(
        self, method: type[PairReward], fitted: dict[type[PairReward], PairReward]
    ) -> None:
        reward = fitted[method]
        again = method.restored(reward.arrays(), reward.settings)
        phi = np.random.default_rng(7).normal(size=(5, D))
        belief = reward.rebuild(evidence(1.0))
        assert again.version == reward.version
        assert (again.score(belief, phi).mean == reward.score(belief, phi).mean).all()
        for name in reward.arrays():
            cut = {key: array for key, array in reward.arrays().items() if key != name}
            with pytest.raises(DataError, match=f"holds no array '{name}'"):
                method.restored(cut, reward.settings)

    def test_features_of_another_space_and_numbers_that_are_none_are_refused(
        self, method: type[PairReward], fitted: dict[type[PairReward], PairReward]
    ) -> None:
        reward = fitted[method]
        with pytest.raises(FeatureMismatch, match="5 directions"):
            reward.score(reward.prior(), np.zeros((2, 5)))
        with pytest.raises(FeatureMismatch, match="5 directions"):
            reward.rebuild([Chosen(np.zeros((2, 5)))])
        with pytest.raises(DataError, match="not finite"):
            reward.rebuild([Chosen(np.full((2, D), np.nan))])

    def test_the_same_seed_gives_the_same_network(
        self, method: type[PairReward], fitted: dict[type[PairReward], PairReward]
    ) -> None:
        population, settings = divided(people=6, pairs=4), method.brief()
        assert method.fit(population, settings).version == method.fit(population, settings).version


class TestVPL:
    def test_kl_of_the_prior_is_0_and_of_a_mean_of_one_half_a_nat_a_number(self) -> None:
        zero = torch.zeros(3)
        assert float(divergence(zero, zero)) == 0
        assert float(divergence(torch.ones(3), zero)) == pytest.approx(1.5)

    def test_kl_is_never_negative(self) -> None:
        mean, log_variance = torch.randn(2, 1000, 8, generator=networks.generator(0)).clamp(-1, 1)
        assert float(divergence(mean, log_variance).min()) >= 0

    def test_annealing_goes_from_the_baseline_to_all_of_lambda_and_begins_anew(self) -> None:
        settings = VPLSettings(kl_period=100, kl_baseline=0.1)
        assert annealed(0, settings) == pytest.approx(0.1)
        assert annealed(50, settings) == pytest.approx(0.55)
        assert annealed(99, settings) == pytest.approx(1.0, abs=1e-3)
        assert annealed(100, settings) == pytest.approx(0.1)

    def test_an_empty_context_is_z_of_0_with_the_prior_s_spread(
        self, fitted: dict[type[PairReward], PairReward]
    ) -> None:
        belief = fitted[VPL].prior()
        assert not belief.arrays["mean"].any()
        assert (belief.arrays["sd"] == 1).all()

    def test_choices_make_less_uncertain_what_z_decides(self, fitted: dict[type[PairReward], PairReward]) -> None:
        reward = fitted[VPL]
        phi = np.stack([np.eye(D)[0], -np.eye(D)[0]])
        known = reward.score(reward.rebuild(evidence(1.0)), phi).sd
        assert (known < reward.score(reward.prior(), phi).sd).all()

    def test_padding_changes_nothing(self) -> None:
        parameters = VPL({}, VPLSettings(latent=3, hidden=5)).start(D)
        phi = torch.randn(2, 4, 2, D, generator=networks.generator(1))
        padded = torch.cat([phi, torch.full((2, 3, 2, D), 9.0)], dim=1)
        weight = torch.tensor([1.0, 1, 1, 1, 0, 0, 0]).expand(2, -1)
        alone, among = encoded(parameters, phi, torch.ones(2, 4)), encoded(parameters, padded, weight)
        assert torch.allclose(alone[0], among[0], atol=1e-6)

    def test_without_its_latent_half_the_decoder_is_one_reward_for_all(self) -> None:
        parameters = VPL({}, VPLSettings(latent=3, hidden=5)).start(D)
        parameters["decoder.0.weight"][:, D:] = 0
        phi, z = torch.randn(6, D, generator=networks.generator(2)), torch.randn(4, 3, generator=networks.generator(3))
        rewards = decoded(parameters, phi, z[:, None])
        assert torch.equal(rewards[0], rewards[3])

    def test_z_is_used_and_somebody_else_s_choices_serve_no_better_than_none(
        self, fitted: dict[type[PairReward], PairReward]
    ) -> None:
        reward = fitted[VPL]
        assert isinstance(reward, VPL)
        assert reward.figures["kl"] > 0.1
        assert reward.figures["accuracy"] > 0.8
        assert reward.figures["accuracy_shuffled"] < reward.figures["accuracy"] - 0.2

    def test_a_large_lambda_leaves_one_reward_for_all(self) -> None:
        small = VPL.small().model_copy(update={"kl": 1e3, "kl_baseline": 1.0, "epochs": 3, "held_out": 0.0})
        reward = VPL.fit(divided(people=10), small)
        one, other = reward.rebuild(evidence(1.0)), reward.rebuild(evidence(-1.0))
        assert np.abs(one.arrays["mean"] - other.arrays["mean"]).max() < 0.05


class TestGPO:
    def test_an_option_s_score_does_not_depend_on_the_other_options_asked_about(self) -> None:
        settings = GPO.small().model_copy(update={"centred": False, "steps": 1})
        reward = GPO.fit(divided(people=6, pairs=4), settings)
        belief = reward.rebuild(evidence(1.0))
        phi = np.random.default_rng(8).normal(size=(3, D))
        changed = np.vstack([phi[:2], phi[2:] + 1])
        assert reward.score(belief, phi).mean[:2] == pytest.approx(reward.score(belief, changed).mean[:2], abs=1e-12)

    def test_two_options_chances_are_their_scores_shares(self, fitted: dict[type[PairReward], PairReward]) -> None:
        reward, phi = fitted[GPO], np.random.default_rng(9).normal(size=(2, D))
        belief = reward.rebuild(evidence(1.0))
        scores = np.exp(reward.score(belief, phi).mean)
        assert reward.probability(belief, phi) == pytest.approx(scores[0] / scores.sum())

    def test_a_score_well_above_the_bend_is_what_the_head_says(self) -> None:
        bent = BEND * np.logaddexp(0.0, np.array([0.4, -1.0]) / BEND)
        assert bent[0] == pytest.approx(0.4, rel=1e-3)
        assert 0 < bent[1] < 1e-9

    def test_a_width_that_the_heads_cannot_share_is_refused(self) -> None:
        from idiolect.errors import SettingsError

        with pytest.raises(SettingsError, match="a multiple"):
            GPO.fit(divided(people=6, pairs=4), GPOSettings(width=30, steps=1))


class TestTheParts:
    def test_attention_to_no_key_is_0_and_to_one_key_is_its_value(self) -> None:
        query, key, value = (torch.randn(2, n, 3, generator=networks.generator(n)) for n in (4, 1, 1))
        one = networks.attend(query, key, value, torch.ones(2, 1))
        assert torch.allclose(one, value.expand(-1, 4, -1))
        assert not networks.attend(query, key[:, :0], value[:, :0], torch.ones(2, 0)).any()
        assert not networks.attend(query, key, value, torch.zeros(2, 1)).any()

    def test_a_key_that_counts_twice_is_two_keys(self) -> None:
        query, key, value = (torch.randn(n, 3, generator=networks.generator(n)) for n in (4, 2, 5))
        value = value[:2]
        twice = networks.attend(query, key[[0, 1, 1]], value[[0, 1, 1]], torch.ones(3))
        assert torch.allclose(networks.attend(query, key, value, torch.tensor([1.0, 2.0])), twice, atol=1e-6)

    def test_the_rate_rises_in_a_line_and_falls_along_a_cosine(self) -> None:
        rates = [networks.pace(step, 100, 0.1) for step in range(100)]
        assert rates[9] == pytest.approx(10 / 11)
        assert rates[10] == 1.0
        assert rates[55] == pytest.approx(0.5)

    def test_what_is_asked_was_never_shown_and_everybody_is_asked_something(self) -> None:
        batch = Sampler(divided(people=4, pairs=3), range(4)).draw(np.random.default_rng(0), 4, known=5, asked=2)
        assert (batch.known, batch.phi.shape) == (2, (4, 4, 2, D))
        assert batch.weight.tolist() == [[1, 1, 1, 0]] * 4
        for phi in batch.phi:
            assert len(np.unique(phi[:3], axis=0)) == 3

    def test_few_and_many_are_both_drawn_and_nothing_beyond(self) -> None:
        rng = np.random.default_rng(0)
        drawn = [few_or_many(rng, 0, 50) for _ in range(5000)]
        assert (min(drawn), max(drawn)) == (0, 50)
        assert np.median(drawn) == pytest.approx(6, abs=1)

    def test_a_centred_scale_sees_no_more_than_the_difference(self) -> None:
        population = divided()
        scale = Scale.of(population, centred=True)
        seen = scale(population.phi.astype(np.float64))
        assert seen[:, 0] == pytest.approx(-seen[:, 1])
        assert seen.std(axis=(0, 1)) == pytest.approx(1.0, rel=0.5)
        assert scale(population.phi + 3.0) == pytest.approx(seen, abs=1e-5)

    def test_no_choice_at_all_is_an_error_that_says_so(self) -> None:
        with pytest.raises(DataError, match="not one choice"):
            Scale.of(divided().of([]), centred=False)

    def test_without_torch_a_fit_names_the_extra_that_brings_it(self) -> None:
        code = "import sys; sys.modules['torch'] = None; from idiolect.reward.networks import load; load()"
        done = run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
        assert done.returncode
        assert "MissingExtra" in done.stderr
        assert "pip install 'idiolect[local]'" in done.stderr

    def test_the_room_is_imported_without_torch(self) -> None:
        code = "import sys; import idiolect.reward; sys.exit('torch' in sys.modules)"
        assert run([sys.executable, "-c", code], check=False).returncode == 0
