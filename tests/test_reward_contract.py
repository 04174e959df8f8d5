"""What every personal reward keeps, whatever it learns by: being registered is being tested."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from idiolect.errors import DataError, FeatureMismatch, IdiolectError, WeightsError
from idiolect.memory.arrays import packed, unpacked
from idiolect.reward import PERSONAL
from idiolect.reward.population import Population
from idiolect.reward.protocol import Belief, Chosen, Evidence, FittedReward, LinearReward, PersonalReward, Tied, scores
from idiolect.reward.shelf import Card, Source, open_reward, save_reward
from idiolect.schema import Array
from rewards import SPACE, choice, evidence_of, made, population, tastes

FITTED = sorted(name for name, method in PERSONAL.items() if issubclass(method, FittedReward))
LINEAR = sorted(name for name, method in PERSONAL.items() if issubclass(method, LinearReward))
MOST_BYTES = 16_384


def online(reward: PersonalReward, evidence: list[Evidence]) -> Belief:
    belief = reward.prior()
    for piece in evidence:
        belief = reward.update(belief, piece)
    return belief


def predictions(reward: PersonalReward, belief: Belief, seed: int = 50, pairs: int = 40) -> Array:
    """Chances on pairs that no belief has seen."""
    rng = np.random.default_rng(seed)
    asked = [choice(rng) for _ in range(pairs)]
    return np.array([reward.probability(belief, each.phi, each.asked) for each in asked])


def fitted(name: str) -> FittedReward:
    reward = made(name)
    assert isinstance(reward, FittedReward)
    return reward


def card(name: str, method: type[FittedReward]) -> Card:
    settings = method.brief().model_dump(mode="json")
    source = Source(sha256="0" * 64, people=30, choices=240)
    return Card(method=name, settings=settings, space=SPACE.version, dim=SPACE.dim, source=source, at=datetime.now(UTC))


@pytest.mark.parametrize("name", sorted(PERSONAL))
class TestEveryReward:
    def test_no_evidence_is_the_prior(self, name: str) -> None:
        reward = made(name)
        assert reward.prior().seen == reward.rebuild([]).seen == 0
        assert predictions(reward, reward.rebuild([])) == pytest.approx(predictions(reward, reward.prior()))

    def test_the_order_of_the_evidence_does_not_change_a_rebuild(self, name: str) -> None:
        reward, evidence = made(name), evidence_of(1)
        forwards, backwards = reward.rebuild(evidence), reward.rebuild(evidence[::-1])
        assert forwards.seen == len(evidence)
        assert predictions(reward, backwards) == pytest.approx(predictions(reward, forwards), abs=1e-4)

    def test_asking_the_other_way_round_gives_the_complement(self, name: str) -> None:
        reward = made(name)
        belief, pair = reward.rebuild(evidence_of(2)), choice(np.random.default_rng(3))
        assert pair.asked is not None
        swapped = replace(pair.asked, answers=pair.asked.answers[::-1])
        p = reward.probability(belief, pair.phi, pair.asked)
        assert reward.probability(belief, pair.phi[::-1], swapped) == pytest.approx(1 - p, abs=1e-6)

    def test_a_tie_is_the_same_whichever_stands_first(self, name: str) -> None:
        reward, pair = made(name), choice(np.random.default_rng(4))
        assert pair.asked is not None
        other = Tied(pair.phi[::-1], asked=replace(pair.asked, answers=pair.asked.answers[::-1]))
        one = reward.rebuild([*evidence_of(5, 5), Tied(pair.phi, asked=pair.asked)])
        assert predictions(reward, reward.rebuild([*evidence_of(5, 5), other])) == pytest.approx(
            predictions(reward, one), abs=1e-4
        )

    def test_identical_answers_are_even(self, name: str) -> None:
        reward = made(name)
        pair = choice(np.random.default_rng(6))
        assert pair.asked is not None
        asked = replace(pair.asked, answers=(pair.asked.answers[0],) * 2)
        same = np.stack([pair.phi[0], pair.phi[0]])
        assert reward.probability(reward.rebuild(evidence_of(7)), same, asked) == pytest.approx(0.5, abs=1e-6)

    def test_piece_by_piece_and_at_once_predict_alike(self, name: str) -> None:
        """The stated tolerance: predictive probabilities within .05 on average after 30 choices."""
        reward, rng = made(name), np.random.default_rng(8)
        evidence: list[Evidence] = [choice(rng) for _ in range(30)]
        live, rebuilt = online(reward, evidence), reward.rebuild(evidence)
        assert live.seen == rebuilt.seen == 30
        assert np.abs(predictions(reward, live) - predictions(reward, rebuilt)).mean() < 0.05

    def test_a_belief_that_was_stored_and_read_predicts_the_same(self, name: str) -> None:
        reward = made(name)
        belief = reward.rebuild(evidence_of(9))
        again = Belief(unpacked(*packed(belief.arrays)), belief.seen)
        assert predictions(reward, again) == pytest.approx(predictions(reward, belief))
        piece = choice(np.random.default_rng(10))
        assert predictions(reward, reward.update(again, piece)) == pytest.approx(
            predictions(reward, reward.update(belief, piece)), abs=1e-6
        )

    def test_features_of_another_space_are_refused(self, name: str) -> None:
        reward = made(name)
        odd = np.zeros((2, SPACE.dim + 1))
        with pytest.raises(FeatureMismatch, match=f"{SPACE.dim + 1} directions"):
            reward.score(reward.prior(), odd)

    def test_choices_that_contradict_each_other_or_tie_leave_finite_numbers(self, name: str) -> None:
        reward, pair = made(name), choice(np.random.default_rng(11))
        assert pair.asked is not None
        swapped = replace(pair.asked, answers=pair.asked.answers[::-1])
        both: list[Evidence] = [pair, Chosen(pair.phi[::-1], asked=swapped)] * 10
        ties: list[Evidence] = [Tied(pair.phi, asked=pair.asked)] * 20
        for evidence in (both, ties, [pair] * 20):
            chances = predictions(reward, reward.rebuild(evidence))
            assert np.isfinite(chances).all()
            assert ((chances >= 0) & (chances <= 1)).all()


@pytest.mark.parametrize("name", FITTED)
class TestEveryFittedReward:
    def test_what_was_saved_predicts_the_same(self, name: str, tmp_path: Path) -> None:
        reward, path = fitted(name), tmp_path / "reward.safetensors"
        save_reward(reward, card(name, type(reward)), path)
        again = open_reward(path).reward_for(SPACE)
        assert again.version == reward.version
        for evidence in ([], evidence_of(12)):
            assert predictions(again, again.rebuild(evidence)) == pytest.approx(
                predictions(reward, reward.rebuild(evidence)), abs=1e-6
            )

    def test_a_file_that_was_cut_short_is_told(self, name: str, tmp_path: Path) -> None:
        reward, path = fitted(name), tmp_path / "reward.safetensors"
        save_reward(reward, card(name, type(reward)), path)
        path.write_bytes(path.read_bytes()[:-9])
        with pytest.raises(WeightsError, match="cut short"):
            open_reward(path)

    def test_arrays_of_another_form_are_told(self, name: str) -> None:
        reward = fitted(name)
        missing = dict(list(reward.arrays().items())[1:])
        with pytest.raises(IdiolectError):
            type(reward).restored(missing, type(reward).brief())

    def test_the_same_people_and_seed_give_the_same_arrays(self, name: str) -> None:
        method = type(fitted(name))
        once, again = (method.fit(population(24, 4), method.brief()).arrays() for _ in "12")
        for key, array in once.items():
            assert (again[key] == array).all()

    def test_a_belief_of_fifty_choices_is_small(self, name: str) -> None:
        reward, rng = fitted(name), np.random.default_rng(13)
        belief = reward.rebuild([choice(rng) for _ in range(50)])
        assert sum(array.nbytes for array in belief.arrays.values()) <= MOST_BYTES

    def test_a_single_person_can_be_fitted_on(self, name: str) -> None:
        method = type(fitted(name))
        reward = method.fit(population(1, 6), method.brief())
        assert np.isfinite(predictions(reward, reward.prior())).all()

    def test_numbers_that_are_not_finite_are_told(self, name: str) -> None:
        method, good = type(fitted(name)), population()
        phi = good.phi.copy()
        phi[3, 1, 2] = np.nan
        with pytest.raises(DataError, match="not finite"):
            method.fit(replace(good, phi=phi), method.brief())

    def test_people_without_embeddings_of_their_prompts_can_be_fitted_on(self, name: str) -> None:
        method = type(fitted(name))
        reward = method.fit(replace(population(24, 4), asked=None), method.brief())
        assert np.isfinite(predictions(reward, reward.rebuild(evidence_of(14)))).all()

    def test_it_predicts_people_whom_it_was_not_fitted_on_better_than_chance(self, name: str) -> None:
        reward, fresh = fitted(name), population(30, 8, seed=1)
        assert accuracy(reward, fresh, choices=4) > 0.5


@pytest.mark.parametrize("name", LINEAR)
class TestEveryLinearReward:
    def test_the_weights_add_up_to_the_difference(self, name: str) -> None:
        reward, pair = made(name), choice(np.random.default_rng(15))
        assert isinstance(reward, LinearReward)
        belief = reward.rebuild(evidence_of(16))
        mean, sd = reward.weights(belief)
        assert mean.shape == sd.shape == (SPACE.dim,)
        assert mean @ (pair.phi[0] - pair.phi[1]) == pytest.approx(reward.difference(belief, pair.phi)[0])

    def test_many_people_and_answers_are_scored_in_one_product(self, name: str) -> None:
        reward, rng = made(name), np.random.default_rng(17)
        assert isinstance(reward, LinearReward)
        beliefs = [reward.rebuild(evidence_of(seed, 4)) for seed in range(3)]
        phi = rng.normal(size=(5, SPACE.dim))
        together = scores(reward.weight_matrix(beliefs), phi.astype(np.float32))
        for belief, row in zip(beliefs, together, strict=True):
            assert row - row.mean() == pytest.approx(reward.score(belief, phi).mean, abs=1e-4)


def accuracy(reward: PersonalReward, people: Population, choices: int) -> float:
    """On the later choices of each, from the first ones."""
    right = []
    for user in range(len(people.users)):
        rows = np.flatnonzero(people.owner == user)
        belief = reward.rebuild([Chosen(people.phi[row].astype(np.float64)) for row in rows[:choices]])
        right += [reward.probability(belief, people.phi[row].astype(np.float64)) > 0.5 for row in rows[choices:]]
    return float(np.mean(right))


def test_the_population_disagrees_so_that_one_reward_for_all_is_not_enough() -> None:
    kinds = tastes() / np.linalg.norm(tastes(), axis=1, keepdims=True)
    assert np.abs((kinds @ kinds.T)[np.triu_indices(len(kinds), 1)]).max() < 0.6
