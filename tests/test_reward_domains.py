"""Tastes that depend on what is asked about: they are found where they are, and cost nothing where they are not."""

from importlib.resources import files

import numpy as np
import pytest

from idiolect.assistant import Assistant
from idiolect.features.embedder import open_embedder
from idiolect.reward.domains import Domains, Sites, departures, fitted_centres
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.posterior import Likelihood, posterior
from idiolect.reward.prior import Prior
from idiolect.reward.protocol import Asked, Belief, Chosen, Evidence, Rated, sigmoid
from idiolect.schema import Array
from idiolect.settings import Settings

DIM = 12
REWARD = Gaussian((Prior.independent(np.full(DIM, 0.3)),), domains=Domains(np.eye(3)))
CODE, RECIPES, TRAVEL = (Asked(embedding=row) for row in np.eye(3))


def taste(sign: float) -> Array:
    weights = np.zeros(DIM)
    weights[:2] = 2.0, 2.0 * sign
    return weights


def lived(tastes: list[tuple[Asked, Array]], seed: int) -> list[Evidence]:
    rng, found = np.random.default_rng(seed), list[Evidence]()
    for asked, weights in tastes:
        phi = rng.normal(size=(2, DIM))
        won = rng.random() < sigmoid(np.array((phi[0] - phi[1]) @ weights))
        found.append(Chosen(phi if won else phi[::-1], asked=asked))
    return found


def second_weight(belief: Belief, asked: Asked) -> float:
    return float(REWARD.weights(REWARD.about(belief, asked))[0][1])


def test_a_taste_that_is_opposite_in_two_domains_is_found_in_each() -> None:
    belief = REWARD.rebuild(lived([(CODE, taste(1)), (RECIPES, taste(-1))] * 80, 0))
    assert second_weight(belief, CODE) > 0.5
    assert second_weight(belief, RECIPES) < -0.5
    assert abs(second_weight(belief, TRAVEL)) < 0.2  # of which nothing is known
    assert abs(REWARD.weights(belief)[0][1]) < 0.2


def test_one_taste_stays_one_and_chances_follow_the_prompt() -> None:
    belief = REWARD.rebuild(lived([(CODE, taste(1)), (RECIPES, taste(1))] * 40, 1))
    mean, _ = REWARD.weights(belief)
    apart = [REWARD.weights(REWARD.about(belief, asked))[0] - mean for asked in (CODE, RECIPES)]
    assert np.abs(apart).max() < 0.1 * np.abs(mean).max()
    pair = np.stack([np.eye(DIM)[1], np.zeros(DIM)])
    alone = REWARD.probability(REWARD.about(belief, CODE), pair)
    assert REWARD.probability(belief, pair, CODE) == pytest.approx(alone)
    assert REWARD.score(belief, pair, CODE).mean == pytest.approx(REWARD.score(REWARD.about(belief, CODE), pair).mean)


def test_where_no_prompt_is_known_or_all_are_of_one_domain_nothing_is_kept_of_domains() -> None:
    pieces = lived([(CODE, taste(1))] * 10, 2)
    assert "domains" not in REWARD.rebuild(pieces).arrays
    unknown = [Chosen(piece.phi) for piece in pieces if isinstance(piece, Chosen)]
    assert REWARD.rebuild(unknown).arrays["mean"] == pytest.approx(REWARD.rebuild(pieces).arrays["mean"])


def test_the_order_of_the_evidence_changes_no_domain_and_ratings_count() -> None:
    evidence = lived([(CODE, taste(1)), (RECIPES, taste(-1))] * 10, 3)
    rng = np.random.default_rng(4)
    evidence += [Rated(rng.normal(size=DIM), value, asked=CODE) for value in (1.0, 4.0, 5.0)]
    found = REWARD.rebuild(evidence).arrays["domains"]
    assert REWARD.rebuild(evidence[::-1]).arrays["domains"] == pytest.approx(found, abs=1e-5)
    assert REWARD.rebuild(evidence[:-3]).arrays["domains"] != pytest.approx(found, abs=1e-3)


def test_the_small_problem_has_the_solution_of_the_whole_one() -> None:
    """A process of n numbers, against the weights of all domains side by side."""
    rng, tau, count = np.random.default_rng(5), 0.7, 3
    rows, of = rng.normal(size=(30, DIM)), rng.integers(2, size=30)
    root = rng.normal(size=(DIM, DIM)) / 4
    sites = Sites(rows, np.zeros(30), np.ones(30), of.tolist())
    parts = [np.where(of[:, None] == each, rows * tau, 0.0) for each in range(count)]
    wide = np.concatenate([rows, *parts], axis=1) / np.sqrt(1 + tau**2)
    lift: Array = np.kron(np.eye(count + 1), root).astype(np.float64)
    prior = Prior(np.ones((count + 1) * DIM), lift, np.inf)

    def mode(prior: Prior, rows: Array) -> Array:
        k = rows.shape[1]
        likelihood = Likelihood([(-rows[:, None], np.ones(len(rows)))], np.zeros((k, k)), np.zeros(k))
        return posterior(prior, likelihood).mean

    blocks = mode(prior, wide).reshape(count + 1, DIM) / np.sqrt(1 + tau**2)
    one = mode(Prior(np.ones(DIM), root, np.inf), rows)
    found = departures(sites, count, np.zeros(DIM), root.T @ root, one, taus=(0.0, tau), odds=(1e-200, 1.0))
    assert found == pytest.approx(blocks[0] + tau * blocks[1:] - one, abs=5e-3)


def test_a_turn_keeps_the_domain_of_its_prompt_so_that_what_is_replayed_is_what_was_learnt() -> None:
    settings = Settings(model="scripted", store="sqlite://", embedder="minilm", candidates=2)
    asked_for = "How do I make a good cup of coffee?"
    with Assistant(settings=settings) as assistant:
        answer = assistant.answer("ana", asked_for)
        person, learner = assistant.store.user("ana"), assistant.learner
        (row,) = person.vectors([answer.candidates[0].id], learner.version).values()
        assert learner.embedder is not None
        assert row[-1] == Domains.shipped().of(Asked(embedding=learner.embedder.embed([asked_for])[0]))
        other = assistant.answer("ana", "What were the causes of the French Revolution?")
        for each in (answer, other, answer, other, answer):
            assistant.prefer("ana", each.candidates[1], over=each.candidates[0])
        live, replayed = learner.belief(person), learner.rebuild(person)
        assert "domains" in replayed.arrays
        assert live.arrays["domains"] == pytest.approx(replayed.arrays["domains"])


def test_the_shipped_centres_are_those_of_the_projects_prompts() -> None:
    text = files("idiolect").joinpath("resources/prompts.txt").read_text(encoding="utf-8")
    embedder, shipped = open_embedder("minilm"), Domains.shipped().centres
    assert embedder is not None
    rows = embedder.embed([line for line in text.split("\n") if line.strip()])
    assert fitted_centres(rows, len(shipped)) == pytest.approx(shipped, abs=2e-3)
