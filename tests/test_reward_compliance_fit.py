"""The text that compliance is fitted from, the fit, and the command."""

from pathlib import Path

import numpy as np
import pytest

from idiolect.cli import main
from idiolect.errors import DataError
from idiolect.reward.compliance.corpus import Corpus, made, parse, shipped_corpus
from idiolect.reward.compliance.fit import Batch, Embedded, Fitted, _batches, _of_batch, fit_compliance, fitted
from idiolect.reward.compliance.learnt import Weights

TEXT = """
# a comment
+ {0} and {1}.
* {0}, with {name}.
- {0}, without {name}.

= food
? What's for dinner?
seafood | fish | !a shellfish allergy :: oysters ; salmon ; clams
meat | beef :: steak ; mince ; brisket

nuts :: pecans ; pesto

= lodging
loud places :: a disco hotel ; a party hostel ; a bar hotel
quiet places :: a monastery ; a farmhouse ; a hut
"""
DIM = 5


def small() -> Embedded:
    """Vectors in which each side has a direction of its own, and names another than their things."""
    corpus = made(parse(TEXT), seed=0)
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(2, 9, DIM))

    def rows(
        side: np.ndarray[tuple[int], np.dtype[np.int64]], of: int
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        drawn = directions[of][side] + 0.1 * rng.normal(size=(len(side), DIM))
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)

    names, answers = rows(corpus.names.side, 0), rows(corpus.answers.side, 1)
    return Embedded(corpus, names, answers)


def all_pairs(corpus: Corpus) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.bool_]], ...]:
    own, contrast, weights = corpus.pairs(np.arange(len(corpus.names)), np.arange(len(corpus.answers)))
    return own, contrast, weights > 0


class TestTheText:
    def test_what_is_of_one_side_is_not_of_another_of_its_block(self) -> None:
        corpus = made(parse(TEXT), seed=0)
        own, contrast, _ = all_pairs(corpus)
        seafood, oysters, steak = (
            corpus.names.texts.index("seafood"),
            *map(corpus.answers.texts.index, ("oysters", "steak")),
        )
        assert own[seafood, oysters] and contrast[seafood, steak]
        pecans = corpus.answers.texts.index("pecans")
        assert not own[seafood, pecans] and not contrast[seafood, pecans]  # of another block: nobody has said
        assert corpus.names.marked[corpus.names.texts.index("a shellfish allergy")]

    def test_an_answer_that_rules_its_side_out_is_none_of_it(self) -> None:
        corpus = made(parse(TEXT), seed=0)
        own, contrast, counts = all_pairs(corpus)
        denying = next(index for index, text in enumerate(corpus.answers.texts) if text.endswith("without beef."))
        name = corpus.names.texts.index("beef")
        assert contrast[name, denying] and not own[name, denying]
        assert not counts[corpus.names.texts.index("seafood"), denying]  # whether it is seafood, nobody has said

    def test_a_line_of_no_known_form_is_told_with_its_number(self) -> None:
        with pytest.raises(DataError, match="line 3"):
            parse("= food\nfish :: cod\nfish and chips")

    def test_the_same_seed_draws_the_same_answers(self) -> None:
        assert made(parse(TEXT), 1).answers.texts == made(parse(TEXT), 1).answers.texts

    def test_the_shipped_text_has_many_sides_and_names_none_twice_in_a_block(self) -> None:
        corpus = shipped_corpus()
        assert len(corpus.areas) >= 30
        assert len(np.unique(corpus.names.side)) >= 700
        named = list(zip(corpus.names.block.tolist(), corpus.names.texts, strict=True))
        assert len(set(named)) == len(named)


class TestTheFit:
    def test_the_gradient_is_that_of_the_loss(self) -> None:
        batch = next(_batches(small(), np.arange(2), np.random.default_rng(0)))
        place = np.random.default_rng(1).normal(size=4 + DIM + DIM * DIM)
        _, slope = _of_batch(batch, Fitted.of(place, DIM))
        for index in range(len(place)):
            step = np.zeros_like(place)
            step[index] = 1e-2
            above, below = (_of_batch(batch, Fitted.of(place + sign * step, DIM))[0] for sign in (1, -1))
            assert slope[index] == pytest.approx((above - below) / 2e-2, abs=2e-3)

    def test_things_come_to_be_near_what_they_are_called(self) -> None:
        given = small()
        made_ = fitted(given, np.arange(2), np.random.default_rng(0))
        batch: Batch
        for batch in _batches(given, np.arange(2), np.random.default_rng(0)):
            scores = made_.ranks(batch.names, batch.answers, batch.named, batch.denied)
            lowest = np.where(batch.own, scores, np.inf).min(axis=1)
            highest = np.where(batch.contrast, scores, -np.inf).max(axis=1)
            assert (lowest > highest).all()

    def test_the_same_text_gives_the_same_weights_and_figures_of_what_was_left_out(self) -> None:
        ours, again = (fit_compliance(small(), "minilm", lambda _: None) for _ in range(2))
        np.testing.assert_array_equal(ours.matrix, again.matrix)
        assert ours.about == again.about
        assert set(ours.about.held_out) == {"likes", "dislikes", "cosine/likes", "cosine/dislikes"}


def test_the_shipped_weights_know_more_of_areas_that_they_never_saw_than_the_cosine() -> None:
    figures = Weights.shipped().about.held_out
    for polarity in ("likes", "dislikes"):
        assert figures[polarity] > figures[f"cosine/{polarity}"] + 0.05


def test_the_command_needs_an_embedder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "idiolect.toml"
    config.write_text('embedder = "none"\n')
    with pytest.raises(SystemExit) as stopped:
        main(["reward", "fit-compliance", "-o", str(tmp_path / "w.safetensors"), "--config", str(config)])
    assert stopped.value.code == 1
    assert "minilm" in capsys.readouterr().err
