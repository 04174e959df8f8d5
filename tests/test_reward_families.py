"""The identities of each family of fitted rewards, by arithmetic that can be done by hand."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from idiolect.reward.choices import Choices
from idiolect.reward.dpa import DPA, DPASettings
from idiolect.reward.lore import LoRe, LoReSettings
from idiolect.reward.minimise import in_unit_ball, lbfgs, newton, on_simplex
from idiolect.reward.pal_a import PALA
from idiolect.reward.pal_b import PALB
from idiolect.reward.population import Population
from idiolect.reward.pref import PReF, PReFSettings
from idiolect.reward.protocol import Asked, Belief, Chosen, FittedReward, Tied, scores
from idiolect.reward.prototypes import PALSettings, PrototypeReward, softmax
from idiolect.reward.universal import Universal, UniversalSettings
from idiolect.schema import Array
from rewards import population

FREE = LoReSettings(held_out=0.0)  # everybody is fitted on, so that numbers can be compared


def pairs(deltas: Array, owner: list[int] | None = None) -> Population:
    """Choices with these differences (m, d), each of one person unless it is said of whom."""
    owners = owner if owner is not None else [0] * len(deltas)
    phi = np.stack([deltas, np.zeros_like(deltas)], axis=1)
    people = tuple(f"u{number}" for number in range(max(owners) + 1))
    return Population(people, phi.astype(np.float32), np.array(owners, np.int32), np.ones(len(deltas), np.float32))


# --- minimisers ------------------------------------------------------------------------------------------------------


def test_a_quadratic_is_solved_by_newton_at_once_and_by_lbfgs_soon() -> None:
    curve, target = np.diag([1.0, 4.0, 9.0]), np.array([3.0, -2.0, 1.0])

    def value(x: Array) -> tuple[float, Array, Array]:
        return float(0.5 * (x - target) @ curve @ (x - target)), curve @ (x - target), curve

    assert newton(value, np.zeros(3), steps=1) == pytest.approx(target)
    assert lbfgs(lambda x: value(x)[:2], np.zeros(3), steps=30) == pytest.approx(target, abs=1e-5)


def test_weights_held_to_the_simplex_go_to_the_corner_or_the_middle() -> None:
    def linear(w: Array) -> tuple[float, Array, Array]:
        slope = np.array([1.0, 0.0, 2.0])
        return float(slope @ w), slope, np.zeros((3, 3))

    def square(w: Array) -> tuple[float, Array, Array]:
        return float(w @ w), 2 * w, 2 * np.eye(3)

    start = np.array([0.2, 0.3, 0.5])
    assert on_simplex(linear, start) == pytest.approx([0, 1, 0], abs=1e-6)
    assert on_simplex(square, start) == pytest.approx([1 / 3] * 3, abs=1e-6)


def test_weights_held_to_the_unit_ball_stop_at_the_sphere_or_inside() -> None:
    def away(target: Array) -> Array:
        return in_unit_ball(lambda w: (float((w - target) @ (w - target)), 2 * (w - target)), np.zeros(2), 2.0)

    assert away(np.array([3.0, 4.0])) == pytest.approx([0.6, 0.8])
    assert away(np.array([0.3, 0.4])) == pytest.approx([0.3, 0.4])


# --- the likelihood of choices ---------------------------------------------------------------------------------------


def test_nothing_known_costs_ln_2_a_pair_and_ln_k_among_k() -> None:
    rng = np.random.default_rng(0)
    chosen = [Chosen(rng.normal(size=(2, 3))), Chosen(rng.normal(size=(5, 3)))]
    value, _ = Choices.of(chosen, lambda phi: phi, 3).loss(np.zeros(3))
    assert value == pytest.approx(np.log(2) + np.log(5))


def test_a_tie_has_no_slope_where_both_are_worth_the_same() -> None:
    tie = Choices.of([Tied(np.array([[1.0, 2.0], [0.0, 0.0]]))], lambda phi: phi, 2)
    assert tie.loss(np.array([2.0, -1.0]))[1] == pytest.approx([0, 0])


def test_the_slope_and_the_curvature_are_those_of_the_loss() -> None:
    rng = np.random.default_rng(1)
    some = [Chosen(rng.normal(size=(n, 4)), weight=w) for n, w in ((2, 1.0), (4, 0.3), (3, 0.7))]
    choices, w, step = Choices.of(some, lambda phi: phi, 4), rng.normal(size=4), 1e-5
    _, slope, curve = choices.curved_loss(w)
    for j, axis in enumerate(np.eye(4)):
        up, down = choices.loss(w + step * axis), choices.loss(w - step * axis)
        assert slope[j] == pytest.approx((up[0] - down[0]) / (2 * step), abs=1e-6)
        assert curve[j] == pytest.approx((up[1] - down[1]) / (2 * step), abs=1e-6)
    assert np.linalg.eigvalsh(curve).max() <= choices.curvature()


# --- universal -------------------------------------------------------------------------------------------------------


def test_universal_finds_the_log_odds_of_one_feature() -> None:
    """Three of four choices for it: w = ln 3."""
    deltas = np.array([[1.0], [1.0], [1.0], [-1.0]])
    reward = Universal.fit(pairs(deltas), UniversalSettings(ridge=0))
    assert reward.head == pytest.approx([np.log(3)], abs=1e-6)


def test_universal_learns_nothing_from_ties_and_opposites() -> None:
    assert Universal.fit(pairs(np.array([[2.0, 1.0], [-2.0, -1.0]]))).head == pytest.approx([0, 0], abs=1e-8)


def test_a_constant_that_all_answers_share_changes_no_universal_reward_without_centring() -> None:
    here = population()
    there = replace(here, phi=here.phi + np.float32(0.5))
    for centre, same in ((0.0, True), (0.01, False)):
        heads = [Universal.fit(each, UniversalSettings(centre=centre)).head for each in (here, there)]
        assert np.allclose(heads[0], heads[1], atol=1e-4) == same


def test_choices_of_one_person_change_nothing_in_the_universal_reward() -> None:
    reward = Universal(np.array([1.0, -1.0]))
    belief = reward.rebuild([Chosen(np.array([[0.0, 9.0], [9.0, 0.0]]))] * 20)
    assert reward.weights(belief)[0] == pytest.approx([1, -1])


# --- LoRe ------------------------------------------------------------------------------------------------------------


def test_lore_of_rank_nought_is_the_universal_head() -> None:
    reward = LoRe.fit(population(), LoReSettings(rank=0, held_out=0))
    assert reward.basis[0] == pytest.approx(Universal.fit(population()).head)
    assert reward.rebuild([]).arrays["z"] == pytest.approx([1])


def test_lore_of_rank_one_is_one_bradley_terry_model_for_all() -> None:
    """On people with as many choices each, so that a mean over people is one over choices."""
    people = population(60, 8)
    lore = LoRe.fit(people, LoReSettings(rank=1, held_out=0, steps=2000, tolerance=1e-9))
    universal = Universal.fit(people, UniversalSettings(ridge=0))
    assert lore.basis[0] == pytest.approx(universal.head, rel=1e-3, abs=1e-3)


def test_a_person_without_choices_is_the_mean_of_the_people_and_weights_sum_to_one() -> None:
    reward = LoRe.fit(population(), FREE)
    assert reward.mean.sum() == pytest.approx(1)
    assert reward.rebuild([]).arrays["z"] == pytest.approx(reward.mean)
    after = reward.rebuild([Chosen(population().phi[row].astype(float)) for row in range(8)]).arrays["z"]
    assert after.sum() == pytest.approx(1)
    assert (after >= 0).all()


def test_lore_finds_the_shared_reward_that_a_person_follows() -> None:
    reward = LoRe(np.eye(3), np.full(3, 1 / 3))
    more_of_the_second = [Chosen(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))] * 50
    assert reward.rebuild(more_of_the_second).arrays["z"] == pytest.approx([0, 1, 0], abs=1e-5)


def test_the_order_of_lores_directions_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    basis, order = rng.normal(size=(3, 5)), [2, 0, 1]
    mean = np.array([0.5, 0.3, 0.2])
    evidence = [Chosen(rng.normal(size=(2, 5))) for _ in range(6)]
    one, other = LoRe(basis, mean), LoRe(basis[order], mean[order])
    assert other.rebuild(evidence).arrays["z"] == pytest.approx(one.rebuild(evidence).arrays["z"][order], abs=1e-6)


def test_a_strong_pull_keeps_lores_directions_at_the_reference() -> None:
    for pull in (
        LoReSettings(rank=3, alpha=1e6, held_out=0),
        LoReSettings(rank=3, alpha=1e4, penalty="cosine", held_out=0),
    ):
        reward = LoRe.fit(population(), pull)
        reference = Universal.fit(population()).head
        cosines = reward.basis @ reference / np.linalg.norm(reward.basis, axis=1) / np.linalg.norm(reference)
        assert cosines == pytest.approx(np.ones(3), abs=1e-3)


def test_the_temperature_only_scales_lores_directions() -> None:
    """V / T is what is scored: at a hundred times the temperature the numbers in V are a hundred times larger."""
    settings = LoReSettings(rank=1, held_out=0, steps=2000, tolerance=1e-10)
    cool = LoRe.fit(population(), settings)
    warm = LoRe.fit(population(), settings.model_copy(update={"temperature": 100.0}))
    assert warm.basis == pytest.approx(cool.basis, rel=1e-2, abs=1e-3)


# --- PAL -------------------------------------------------------------------------------------------------------------


def points(rewards: PrototypeReward, logits: Array) -> Belief:
    return Belief({**rewards.prior().arrays, "logits": logits}, 0)


@pytest.mark.parametrize("kind", [PALA, PALB])
def test_one_prototype_is_the_same_for_everybody(kind: type[PrototypeReward]) -> None:
    reward = kind.fit(population(), PALSettings(prototypes=1, epochs=1, batch=32, width=8))
    asked = Asked(embedding=np.ones(8))
    phi = population().phi[:6].astype(float)
    chosen = [Chosen(pair, asked=asked) for pair in phi[:5]]
    new, known = reward.prior(), reward.rebuild(chosen)
    assert reward.probability(known, phi[5], asked) == pytest.approx(reward.probability(new, phi[5], asked))


def test_all_the_weight_on_one_prototype_is_the_distance_to_it() -> None:
    reward = PALA.fit(population(), PALA.brief())
    phi = population().phi[0].astype(float)
    mapped, _ = reward.f.forward(reward.shared, np.vstack([phi, reward.shared["prototypes"]]))
    distance = np.linalg.norm(mapped[:2] - mapped[2], axis=1)
    scored = reward.score(points(reward, np.array([50.0, -50.0])), phi).mean
    assert scored[0] - scored[1] == pytest.approx(reward.gain * (distance[1] - distance[0]), abs=1e-2)


def test_the_gradient_of_pal_is_that_of_its_loss() -> None:
    """By finite differences of what a belief's logits are fitted by."""
    rng = np.random.default_rng(3)
    for kind in (PALA, PALB):
        reward = kind.fit(population(), PALSettings(prototypes=3, epochs=1, batch=32, width=8))
        kept = reward.looked(rng.normal(size=(4, population().dim)), Asked(embedding=rng.normal(size=8)))
        w, sizes, by = softmax(rng.normal(size=3)), np.array([4]), rng.normal(size=4)
        slope = reward.scored(w, kept, sizes)[1](by)
        for k, axis in enumerate(np.eye(3)):
            up, down = (by @ reward.scored(w + step * axis, kept, sizes)[0] for step in (1e-5, -1e-5))
            assert slope[k] == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-4)


def test_pal_b_does_not_look_at_lengths() -> None:
    """Twice the prototype's length is the same direction, so the same reward."""
    reward = PALB.fit(population(), PALB.brief())
    longer = dict(reward.shared)
    for k in range(2):
        longer |= {f"g{k}.2.w": 2 * longer[f"g{k}.2.w"], f"g{k}.2.b": 2 * longer[f"g{k}.2.b"]}
    asked, phi = Asked(embedding=np.ones(8)), population().phi[0].astype(float)
    twice = replace(reward, shared=longer)
    assert twice.score(twice.prior(), phi, asked).mean == pytest.approx(
        reward.score(reward.prior(), phi, asked).mean, abs=1e-5
    )


# --- attributes ------------------------------------------------------------------------------------------------------


def test_a_weight_on_one_attribute_is_that_attribute_and_none_is_indifference() -> None:
    reward = DPA(2 * np.eye(3), np.array([0.0, 1.0, 0.0]), 1.0)
    phi = np.array([[5.0, 1.0, -3.0], [0.0, 0.0, 9.0]])
    assert reward.score(reward.prior(), phi).mean == pytest.approx([1, -1])
    nothing = Belief({**reward.prior().arrays, "z": np.zeros(3)}, 0)
    assert reward.probability(nothing, phi) == pytest.approx(0.5)


def test_length_is_taken_out_of_the_other_attributes() -> None:
    """The second direction is three times length, with something of its own: that alone is left of it."""
    rng = np.random.default_rng(4)
    length, own = rng.normal(size=(400, 1)), rng.normal(size=(400, 1))
    people = pairs(np.hstack([length, 3 * length + own]))
    without = DPA.fit(people, DPASettings(length=0, scale=1.0, concentration=1.0)).basis
    left = people.deltas() @ without.T
    assert left[:, 0] @ left[:, 1] / 400 == pytest.approx(0, abs=1e-3)
    assert np.corrcoef(left[:, 1], own[:, 0])[0, 1] > 0.99


def test_a_persons_direction_stays_within_the_unit_ball() -> None:
    reward = DPA.fit(population(), DPASettings(scale=2.0, concentration=1.0))
    belief = reward.rebuild([Chosen(pair.astype(float)) for pair in population().phi[:8]])
    assert np.linalg.norm(belief.arrays["z"]) <= 1 + 1e-9


def test_pref_starts_where_the_imputed_preferences_have_their_singular_vectors() -> None:
    """Half the people want more of the first feature, half less: one direction, two signs."""
    deltas = np.vstack([np.tile([1.0, 0.0], (20, 1)), np.tile([-1.0, 0.0], (20, 1))])
    people = pairs(deltas, [0] * 10 + [1] * 10 + [2] * 10 + [3] * 10)
    reward = PReF.fit(people, PReFSettings(rank=1, steps=0, held_out=0))
    assert abs(reward.basis[0, 0]) > 100 * abs(reward.basis[0, 1])
    assert reward.mean == pytest.approx([0], abs=1e-9)


def test_pref_knows_more_after_each_choice() -> None:
    reward = PReF.fit(population(), PReFSettings(steps=50))
    few, many = ([Chosen(pair.astype(float)) for pair in population().phi[:n]] for n in (2, 8))
    spread = [np.linalg.eigvalsh(reward.rebuild(some).arrays["cov"]).sum() for some in ([], few, many)]
    assert spread[0] > spread[1] > spread[2]


# --- size ------------------------------------------------------------------------------------------------------------


def test_a_hundred_thousand_people_fit_into_200_megabytes() -> None:
    rng, people = np.random.default_rng(5), 100_000
    phi = rng.normal(size=(people, 2, 8)).astype(np.float32)
    crowd = Population(
        tuple(map(str, range(people))), phi, np.arange(people, dtype=np.int32), np.ones(people, np.float32)
    )
    tracemalloc.start()
    rewards: list[FittedReward] = [LoRe.fit(crowd, LoReSettings(rank=2, steps=3)), Universal.fit(crowd)]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 200e6  # bytes; a person of LoRe takes two numbers, of which L-BFGS keeps twenty
    rewards.append(PReF.fit(crowd, PReFSettings(rank=2, steps=3)))  # untraced: one regression for each person
    for reward in rewards:
        assert all(np.isfinite(array).all() for array in reward.arrays().values())


def test_a_population_is_fitted_the_same_on_disk_and_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = population()
    there = np.memmap(tmp_path / "phi", np.float32, "w+", shape=here.phi.shape)
    there[:] = here.phi
    brief: dict[type[FittedReward], BaseModel] = {
        Universal: UniversalSettings(),
        LoRe: LoReSettings(steps=5, held_out=0),
        PReF: PReFSettings(steps=5),
    }
    whole = {kind: kind.fit(here, settings).arrays() for kind, settings in brief.items()}
    monkeypatch.setattr("idiolect.reward.population.KEPT", 0)
    monkeypatch.setattr("idiolect.reward.population.BLOCK", 7 * 2 * here.dim)
    in_blocks = replace(here, phi=there)
    assert len(list(in_blocks.blocks())) == 35
    for kind, settings in brief.items():
        for name, array in kind.fit(in_blocks, settings).arrays().items():
            assert array == pytest.approx(whole[kind][name], rel=1e-2, abs=1e-3)


@pytest.mark.parametrize("method", [LoRe, PReF, Universal])
def test_a_fit_has_the_same_digits_for_any_number_of_threads(
    method: type[FittedReward], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idiolect.reward.population.PIECE", 7 * population().dim)
    found = []
    for cores in (1, 3):
        monkeypatch.setattr("idiolect.reward.population.cores", lambda cores=cores: cores)
        found.append(method.fit(replace(population()), method.brief()).arrays())
    assert {name: array.tobytes() for name, array in found[0].items()} == {
        name: array.tobytes() for name, array in found[1].items()
    }


def test_some_people_of_a_population_on_disk_are_on_disk_too(tmp_path: Path) -> None:
    here = population()
    there = np.memmap(tmp_path / "phi", np.float32, "w+", shape=here.phi.shape)
    there[:] = here.phi
    some, alike = replace(here, phi=there).of([3, 1]), here.of([3, 1])
    assert isinstance(some.phi, np.memmap)
    assert some.phi.tolist() == alike.phi.tolist()
    assert (some.users, some.owner.tolist()) == (alike.users, alike.owner.tolist())
    assert [each.name for each in tmp_path.iterdir()] == ["phi"]


def test_a_thousand_answers_are_scored_for_a_thousand_people_as_one_by_one() -> None:
    reward = LoRe.fit(population(), FREE)
    beliefs = [reward.rebuild([Chosen(pair.astype(float))]) for pair in population().phi[:3]] * 300
    phi = np.random.default_rng(6).normal(size=(1000, population().dim)).astype(np.float32)
    found = scores(reward.weight_matrix(beliefs), phi)
    assert found.shape == (900, 1000)
    assert found[4] - found[4].mean() == pytest.approx(
        reward.score(beliefs[4], phi.astype(float)).mean, rel=1e-3, abs=1e-2
    )
