import numpy as np
import pytest

from answer_files import SENTENCES
from idiolect.errors import DataError, UnknownMethod
from idiolect.evaluation.lenses import AttributeLens, ForeignLens, lexicons
from idiolect.evaluation.simulated import (
    KINDS,
    MOST_FIT,
    World,
    linear_fit,
    person,
    persons,
    temperature,
)
from idiolect.features.space import PreferenceSpace


def a_pool(prompts: int = 30, answers: int = 8) -> list[list[str]]:
    rng = np.random.default_rng(0)
    draws = [[rng.choice(SENTENCES, size=rng.integers(2, 7)) for _ in range(answers)] for _ in range(prompts)]
    return [[" ".join(sentences) for sentences in each] for each in draws]


@pytest.fixture(scope="module")
def world() -> World:
    pool, space = a_pool(), PreferenceSpace.shipped()
    return World(pool, [space.phi(answers, None) for answers in pool], space)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_seed_gives_the_same_people_again(kind: str, world: World) -> None:
    hard = World(world.pool, [np.random.default_rng(9).normal(size=each.shape) for each in world.phi], world.space)
    first, again, others, more = (persons(kind, n, seed, hard) for n, seed in ((3, 1), (3, 1), (3, 2), (25, 1)))
    assert [one.weights.tolist() for one in first] == [one.weights.tolist() for one in again]
    assert first[0].weights.tolist() != others[0].weights.tolist()
    assert [one.name for one in first] == [one.name for one in more[:3]]
    assert [one.weights.tolist() for one in first] == [one.weights.tolist() for one in more[:3]]


def test_a_reward_has_unit_spread_within_prompts(world: World) -> None:
    for one in persons("in_space", 5, 0, world):
        centred = [one.reward(answers) - one.reward(answers).mean() for answers in world.pool]
        assert np.concatenate(centred).std() == pytest.approx(1.0)


def test_a_sparse_taste_is_about_six_attributes(world: World) -> None:
    assert {int((one.weights != 0).sum()) for one in persons("in_space", 5, 0, world)} == {6}
    assert all((one.weights != 0).sum() > 6 for one in persons("in_space_correlated", 5, 0, world))


def test_people_agree_with_themselves_as_often_as_they_should(world: World) -> None:
    rng = np.random.default_rng(0)
    one = persons("in_space_correlated", 1, 0, world)[0]
    pairs = [
        (a, b) for answers in world.pool for a in answers for b in answers if one.reward([a])[0] > one.reward([b])[0]
    ]
    same = [one.prefers(a, b, rng) == one.prefers(a, b, rng) for a, b in pairs for _ in range(3)]
    assert np.mean(same) == pytest.approx(0.85, abs=0.03)


def test_more_agreement_needs_a_lower_temperature() -> None:
    rewards = [np.random.default_rng(0).normal(size=8)]
    assert temperature(rewards, 0.95) < temperature(rewards, 0.85) < temperature(rewards, 0.6)


def test_a_taste_in_our_features_fits_and_one_at_random_does_not() -> None:
    rng = np.random.default_rng(0)
    phi = [rng.normal(size=(8, 5)) for _ in range(60)]
    phi = [each - each.mean(axis=0) for each in phi]
    x = np.concatenate(phi)
    inside, outside = x @ rng.normal(size=5), rng.normal(size=len(x))
    fit = linear_fit(np.stack([inside, outside], axis=1), phi)
    assert fit[0] > 0.99
    assert abs(fit[1]) < 0.2


def test_nobody_out_of_space_is_easily_predicted(world: World) -> None:
    blind = World(world.pool, [np.random.default_rng(9).normal(size=each.shape) for each in world.phi], world.space)
    people = persons("out_of_space", 4, 0, blind)
    assert len(people) == 4
    assert all(one.fit < MOST_FIT for one in people)


def test_a_world_where_everybody_is_predictable_has_nobody_out_of_space(world: World) -> None:
    seeing = World(world.pool, [world.outside.look(answers) for answers in world.pool], world.space)
    with pytest.raises(DataError, match="larger pool"):
        persons("out_of_space", 2, 0, seeing)


def test_a_taste_by_hand_prefers_what_it_says(world: World) -> None:
    brief = person("brief", AttributeLens(world.space), {"length": -1.0})
    short, long = "Yes.", "Yes, and there is a lot more that one could say about it, word after word after word."
    assert brief.reward([short])[0] > brief.reward([long])[0]
    rng = np.random.default_rng(0)
    assert np.mean([brief.prefers(short, long, rng) for _ in range(50)]) > 0.8
    assert brief.choose([long, short, long], rng) == 1


def test_word_lists_count_what_a_text_is_about() -> None:
    lens = ForeignLens(a_pool(), waves=2)
    food, sea = lens.look(["Bake the bread and boil the soup."])[0], lens.look(["The island lies in the ocean."])[0]
    names = list(lens.names)
    assert food[names.index("food")] > sea[names.index("food")]
    assert food[names.index("nature")] < sea[names.index("nature")]


def test_no_word_stands_twice_in_a_list() -> None:
    for name, pattern in lexicons().items():
        words = pattern.pattern.split("|")
        assert len(set(words)) == len(words), name


def test_an_unknown_kind_names_those_there_are(world: World) -> None:
    with pytest.raises(UnknownMethod, match="in_space, in_space_correlated, out_of_space"):
        persons("martian", 1, 0, world)
