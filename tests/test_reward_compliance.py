"""Whether answers respect statements: signs, weights, words, kinds of things, a model's judgement, bad input."""

from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import pytest

from idiolect.errors import FeatureMismatch, ModelError, WeightsError
from idiolect.features.embedder import Embedder, open_embedder
from idiolect.features.minilm import MiniLM
from idiolect.models.scripted import Scripted
from idiolect.reward.compliance import AskedCompliance, Claim, Compliance, LearntCompliance
from idiolect.reward.compliance.learnt import Weights
from idiolect.reward.compliance.mentions import Mentions, mentions
from idiolect.reward.compliance.protocol import WEIGHTS, weight
from idiolect.schema import Preference, Slots, now
from yes_or_no import Judge

Kind: TypeAlias = Literal["topic", "style", "constraint", "about_me"]

PROMPT = "Where should I stay in Lisbon?"
LOUD = "A rooftop bar with a DJ, right among the clubs."
QUIET = "A cottage in an olive grove, with nothing but birds around."
NIGHTLIFE = Slots(kind="topic", object="loud nightlife", polarity=-1)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    opened = open_embedder("minilm")
    assert opened is not None
    return opened


@pytest.fixture(scope="module")
def learnt(embedder: Embedder) -> LearntCompliance:
    return LearntCompliance.shipped(embedder)


@pytest.fixture(scope="module", params=["embedded", "words alone"])
def scorer(request: pytest.FixtureRequest, embedder: Embedder) -> Compliance:
    return LearntCompliance.shipped(embedder if request.param == "embedded" else None)


def flipped(said: Slots) -> Slots:
    return said.model_copy(update={"polarity": -said.polarity})


class TestSigns:
    def test_the_opposite_statement_has_the_opposite_score(self, scorer: Compliance) -> None:
        answers = [LOUD, QUIET, "No nightlife at all, and no bars."]
        ours, theirs = (scorer.score([said], PROMPT, answers) for said in (NIGHTLIFE, flipped(NIGHTLIFE)))
        np.testing.assert_allclose(ours, -theirs, atol=1e-9)

    def test_and_the_chances_of_both_sum_to_one(self, scorer: Compliance) -> None:
        p = scorer.respects([NIGHTLIFE, flipped(NIGHTLIFE)], PROMPT, [LOUD, QUIET])
        np.testing.assert_allclose(p.sum(axis=0), 1)

    def test_preferring_one_to_the_other_is_the_opposite_of_preferring_the_other(self, scorer: Compliance) -> None:
        trains = Slots(kind="topic", object="trains", over="planes")
        planes = Slots(kind="topic", object="planes", over="trains")
        answers = ["The night train to Vienna.", "A flight with two planes."]
        np.testing.assert_allclose(
            scorer.score([trains], PROMPT, answers), -scorer.score([planes], PROMPT, answers), atol=1e-9
        )
        assert np.diff(scorer.score([trains], PROMPT, answers)) < 0

    def test_no_statements_and_no_answers_are_zeros_and_nothing(self, scorer: Compliance) -> None:
        np.testing.assert_array_equal(scorer.score([], PROMPT, [LOUD, QUIET]), [0, 0])
        assert scorer.score([NIGHTLIFE], PROMPT, []).shape == (0,)
        assert scorer.contributions([NIGHTLIFE, NIGHTLIFE], PROMPT, [LOUD]).shape == (2, 1)

    def test_statements_add_up(self, scorer: Compliance) -> None:
        bread = Slots(kind="constraint", object="bread", polarity=-1)
        answers = [LOUD, "Bread and a bar.", QUIET]
        both = scorer.score([NIGHTLIFE, bread], PROMPT, answers)
        np.testing.assert_allclose(
            both, scorer.score([NIGHTLIFE], PROMPT, answers) + scorer.score([bread], PROMPT, answers)
        )

    def test_an_answer_scores_the_same_alone_and_among_others(self, learnt: LearntCompliance) -> None:
        together = learnt.score([NIGHTLIFE], PROMPT, [LOUD, QUIET])
        alone = [learnt.score([NIGHTLIFE], PROMPT, [answer])[0] for answer in (LOUD, QUIET)]
        np.testing.assert_allclose(together, alone, atol=1e-4)


class TestWeights:
    def test_a_broken_constraint_outweighs_a_broken_taste(self, scorer: Compliance) -> None:
        taste = Slots(kind="topic", object="shrimp", polarity=-1)
        limit = taste.model_copy(update={"kind": "constraint"})
        answers = ["Shrimp scampi.", "Mashed potatoes."]
        lost = [np.ptp(scorer.score([said], "What's for dinner?", answers)) for said in (taste, limit)]
        assert lost[1] / lost[0] == pytest.approx(WEIGHTS["constraint"] / WEIGHTS["topic"])

    @pytest.mark.parametrize("kind", ["style", "about_me"])
    def test_form_and_facts_are_nothing_to_respect(self, scorer: Compliance, kind: Kind) -> None:
        assert not scorer.score([Slots(kind=kind, object="long answers")], PROMPT, ["Long answers.", "No."]).any()

    def test_a_weak_or_unsure_statement_counts_less(self) -> None:
        sure = Preference(id="evt-1", kind="topic", text="I like tea", at=now(), object="tea", strength=0.5)
        assert weight(sure) == 0.5
        assert weight(sure.model_copy(update={"confidence": 0.4})) == pytest.approx(0.2)

    def test_a_statement_about_nothing_counts_nothing(self, scorer: Compliance) -> None:
        assert not scorer.score([Slots(kind="topic", object=" ")], PROMPT, [LOUD, QUIET]).any()


class TestWords:
    @pytest.mark.parametrize(
        ("thing", "text", "found"),
        [
            ("nuts", "Granola with nuts.", Mentions(1, 0)),
            ("nuts", "Granola without any nuts.", Mentions(0, 1)),
            ("sugar", "A sugar-free cake.", Mentions(0, 1)),
            ("gluten", "It is free of gluten, and has eggs.", Mentions(0, 1)),
            ("eggs", "It is free of gluten, and has eggs.", Mentions(1, 0)),
            ("nuts", "No nuts here? There are nuts.", Mentions(1, 0)),
            ("loud nightlife", "Loud music, but no nightlife.", Mentions(0.5, 0.5)),
            ("food without meat", "Meat", Mentions(0, 0)),
            ("the", "The rest", Mentions(0, 0)),
            ("nuts", "", Mentions(0, 0)),
        ],
    )
    def test_a_thing_is_named_or_ruled_out(self, thing: str, text: str, found: Mentions) -> None:
        assert mentions(thing, text) == found

    def test_ruling_out_what_is_avoided_respects_it(self, scorer: Compliance) -> None:
        nuts = Slots(kind="constraint", object="nuts", polarity=-1)
        with_them, without = scorer.score([nuts], "A snack?", ["Granola with nuts.", "Granola without nuts."])
        assert without > with_them


class TestKindsOfThings:
    @pytest.mark.parametrize(
        ("kind", "thing", "is_one", "is_none"),
        [
            ("topic", "loud nightlife", LOUD, QUIET),
            ("topic", "noisy party places", LOUD, QUIET),
            ("constraint", "seafood", "Oysters on ice with lemon.", "Roast chicken with potatoes."),
            ("constraint", "shellfish", "A pot of mussels in white wine.", "A bowl of lentil soup."),
            ("topic", "heights", "A glass walkway over the canyon.", "A stroll through the flower market."),
            (
                "topic",
                "scary films",
                "A film about a haunted house and an exorcist.",
                "A romantic comedy set in a bakery.",
            ),
        ],
    )
    def test_things_are_known_by_their_kind_in_both_polarities(
        self, learnt: LearntCompliance, kind: Kind, thing: str, is_one: str, is_none: str
    ) -> None:
        said = Slots(kind=kind, object=thing, polarity=-1)
        breaks, respects = learnt.score([said], PROMPT, [is_one, is_none])
        assert respects > breaks
        likes = learnt.score([flipped(said)], PROMPT, [is_one, is_none])
        assert likes[0] > likes[1]

    def test_one_window_that_breaks_it_is_enough(self, learnt: LearntCompliance) -> None:
        filler = "The town has a long history, and its streets are pleasant to walk along in spring. " * 20
        broken, kept = learnt.score([NIGHTLIFE], PROMPT, [filler + 30 * (LOUD + " "), filler + 30 * (QUIET + " ")])
        assert kept > broken

    def test_an_empty_answer_is_scored_like_any_other(self, learnt: LearntCompliance) -> None:
        assert np.isfinite(learnt.score([NIGHTLIFE], PROMPT, ["", LOUD])).all()


class TestAModel:
    def test_one_that_says_the_same_to_both_questions_says_nothing(self) -> None:
        for model in (Judge("Does"), Judge()):
            assert AskedCompliance(model).score([NIGHTLIFE], PROMPT, [LOUD, QUIET]) == pytest.approx([0, 0])

    def test_its_judgement_takes_the_place_of_ours(self) -> None:
        judge = Judge("respect what the person said")
        ours: list[Claim] = [NIGHTLIFE]
        assert AskedCompliance(judge).respects(ours, PROMPT, [QUIET]) == pytest.approx(1)
        assert AskedCompliance(Judge("go against")).score(ours, PROMPT, [LOUD]) == pytest.approx(-1)
        assert all(part in judge.asked[0] for part in (PROMPT, QUIET, "I avoid loud nightlife"))

    def test_one_that_cannot_say_yes_or_no_is_told_so(self) -> None:
        with pytest.raises(ModelError, match="yes or no"):
            AskedCompliance(Scripted()).respects([NIGHTLIFE], PROMPT, [LOUD])


class TestTheWeights:
    def test_they_come_back_as_they_were_saved(self, tmp_path: Path) -> None:
        shipped = Weights.shipped()
        shipped.save(tmp_path / "again.safetensors")
        again = Weights.load(tmp_path / "again.safetensors")
        np.testing.assert_array_equal(again.matrix, shipped.matrix)
        assert again.about == shipped.about

    def test_a_file_that_is_missing_or_cut_short_is_told_with_the_way_to_mend_it(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.safetensors"
        with pytest.raises(WeightsError, match="fit-compliance"):
            Weights.load(path)
        Weights.shipped().save(path)
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(WeightsError, match="fit-compliance"):
            Weights.load(path)

    def test_another_embedder_is_refused(self) -> None:
        class Other(MiniLM):
            name = "other"

        with pytest.raises(FeatureMismatch, match="fit-compliance"):
            LearntCompliance.shipped(Other())
