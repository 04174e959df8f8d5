"""Rewards that ask a language model: the judge with a profile, and SynthesizeMe."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from idiolect.errors import DataError
from idiolect.features.space import PreferenceSpace
from idiolect.models import LlamaCppSettings
from idiolect.models.llamacpp import LlamaCpp
from idiolect.models.protocol import Model
from idiolect.models.scripted import Scripted
from idiolect.models.starter import starter_path
from idiolect.reward.judge import (
    Judge,
    JudgeSettings,
    Umpire,
    by_logits,
    compared,
    profile_of,
    question,
    stated,
    verdict,
)
from idiolect.reward.protocol import Asked, Chosen, Evidence, Rated, Said, Tied
from idiolect.reward.records import Pick, Record, as_bytes, as_text, recorded
from idiolect.reward.synthesizeme import Found, SynthesizeMe, SynthesizeMeSettings, found_in
from idiolect.schema import Completion
from judging import Reader, shorter, the_first, told_of_short

SPACE = PreferenceSpace.shipped()
PHI = np.zeros((2, SPACE.dim))
SHORT, LONG = "Yes.", "Yes, and here is at length why that is so."


def asked(first: str, second: str, prompt: str = "Is it?") -> Asked:
    return Asked(prompt=prompt, answers=(first, second))


def chose(first: str, second: str, prompt: str = "Is it?") -> Chosen:
    return Chosen(PHI, asked=asked(first, second, prompt))


def completion(text: str, **nats: float) -> Completion:
    told = {name.removeprefix("t"): value for name, value in nats.items()}
    return Completion(text=text, finish_reason="stop", prompt_tokens=1, completion_tokens=1, first_token=told)


class TestWhatIsReadOffAModel:
    def test_logits_are_compared_with_each_other_alone(self) -> None:
        assert by_logits(completion("", t1=np.log(0.3), t2=np.log(0.1))) == pytest.approx(0.75)
        assert by_logits(completion("1")) is None

    def test_a_digit_that_is_not_told_is_as_likely_as_it_can_be(self) -> None:
        assert by_logits(completion("", t1=np.log(0.9))) == pytest.approx(0.9)
        assert by_logits(completion("", t2=np.log(0.4), tx=np.log(0.1))) == pytest.approx(0.2)

    def test_a_space_before_the_digit_is_the_same_digit(self) -> None:
        told = Completion(
            text="1",
            finish_reason="stop",
            prompt_tokens=1,
            completion_tokens=1,
            first_token={"1": np.log(0.2), " 1": np.log(0.2), "2": np.log(0.1)},
        )
        assert by_logits(told) == pytest.approx(0.8)

    @pytest.mark.parametrize(
        ("text", "read"), [("1", 1), ("Answer 2.", 2), ("1 or 2?", None), ("12", None), ("", None), ("one", None)]
    )
    def test_a_verdict_is_the_one_answer_that_is_named(self, text: str, read: int | None) -> None:
        assert verdict(text) == read

    @pytest.mark.parametrize(
        ("text", "chance"),
        [
            ('{"answer": 1, "confidence": 90}', 0.9),
            ('{"answer": 2, "confidence": 80}', 0.2),
            ('{"answer": 1, "confidence": 79}', 0.5),
            ('{"answer": 1, "confidence": 900}', 0.5),
            ('{"answer": 3, "confidence": 90}', 0.5),
            ('{"answer": null, "confidence": 90}', 0.5),
            ("[1, 90]", 0.5),
            ("surely 1", 0.5),
        ],
    )
    def test_a_stated_confidence_below_the_bar_or_out_of_form_is_an_abstention(self, text: str, chance: float) -> None:
        assert stated(text, sure=80) == pytest.approx(chance)


class TestUmpire:
    def test_both_orders_are_asked_and_meant(self) -> None:
        reader = Reader(shorter)
        assert Umpire(reader, JudgeSettings()).chance("", "Is it?", SHORT, LONG) == pytest.approx(0.8)
        assert [question("", "Is it?", *pair) in seen for pair, seen in zip(BOTH, reader.seen, strict=True)] == [
            True
        ] * 2

    @pytest.mark.parametrize("reads", ["auto", "logits", "samples", "stated"])
    @pytest.mark.parametrize("tells", [True, False])
    def test_a_judge_that_looks_at_the_place_alone_is_even(self, reads: str, tells: bool) -> None:
        settings = JudgeSettings.model_validate({"reads": reads})
        assert Umpire(Reader(the_first, tells), settings).chance("", "?", SHORT, LONG) == pytest.approx(0.5)

    @pytest.mark.parametrize("model", [Reader(shorter), Reader(shorter, tells=False), Scripted()])
    def test_the_other_way_round_is_the_complement_and_the_same_twice_is_even(self, model: Model) -> None:
        umpire = Umpire(model, JudgeSettings())
        there, back = (umpire.chance("", "Is it?", *pair) for pair in BOTH)
        assert there == pytest.approx(1 - back)
        assert umpire.chance("", "Is it?", SHORT, SHORT) == pytest.approx(0.5)

    def test_an_engine_without_log_probabilities_is_sampled(self) -> None:
        reader = Reader(shorter, tells=False)
        assert Umpire(reader, JudgeSettings(samples=3)).chance("", "Is it?", SHORT, LONG) == 1.0
        assert len(reader.seen) == 2 * (1 + 3)

    def test_log_probabilities_that_were_asked_for_and_not_given_are_an_abstention(self) -> None:
        umpire = Umpire(Reader(shorter, tells=False), JudgeSettings(reads="logits"))
        assert umpire.chance("", "Is it?", SHORT, LONG) == 0.5

    def test_a_stated_confidence_is_the_chance(self) -> None:
        settings = JudgeSettings(reads="stated")
        assert Umpire(Reader(shorter), settings).chance("", "Is it?", SHORT, LONG) == pytest.approx(0.9)
        assert Umpire(Reader(shorter, confidence=60), settings).chance("", "Is it?", SHORT, LONG) == 0.5


BOTH = ((SHORT, LONG), (LONG, SHORT))


class TestJudge:
    def test_without_evidence_nothing_is_said_of_a_person(self) -> None:
        reader = Reader(shorter)
        judge = Judge(reader, SPACE)
        judge.probability(judge.prior(), PHI, asked(SHORT, LONG))
        assert "known of the person" not in "".join(reader.seen)

    def test_what_was_chosen_rated_and_said_reaches_the_model(self) -> None:
        reader = Reader(shorter)
        judge = Judge(reader, SPACE)
        warm = np.eye(SPACE.dim)[SPACE.names.index("warmth")]
        evidence: list[Evidence] = [
            chose(SHORT, LONG, "Why not?"),
            Tied(PHI, asked=asked("A.", "B.", "Which?")),
            Rated(PHI[0], 2.0, Asked("How?", answers=("Thus.",))),
            Said(warm, -1.0, 0.25),
        ]
        judge.probability(judge.rebuild(evidence), PHI, asked("C.", "D."))
        for words in (f"They preferred: {SHORT}\n  to: {LONG}", "liked equally: A.", "gave 2 of 5 to: Thus."):
            assert words in reader.seen[0]
        assert "They want" in reader.seen[0]

    def test_a_profile_decides(self) -> None:
        judge = Judge(Reader(told_of_short), SPACE)
        known = judge.rebuild([chose("short", "the long one")])
        assert judge.probability(judge.prior(), PHI, asked(SHORT, LONG)) == pytest.approx(0.5)
        assert judge.probability(known, PHI, asked(SHORT, LONG)) == pytest.approx(0.8)

    def test_the_choices_nearest_to_the_prompt_are_shown_whatever_their_order(self) -> None:
        picks = tuple(
            Pick(prompt=f"About {topic}?", chosen="a", rejected="b") for topic in ("bread", "horses", "chess")
        )
        forwards, backwards = Record(picks=picks), Record(picks=picks[::-1])
        assert "horses" in profile_of(forwards, "What do horses eat?", 1)
        assert profile_of(forwards, "Tea?", 2) == profile_of(backwards, "Tea?", 2)

    def test_rewards_of_many_answers_fit_the_log_odds_of_every_pair(self) -> None:
        strength = {"a": 0.0, "b": 1.0, "c": 3.0}
        found = compared(list("abc"), lambda i, j: float(1 / (1 + np.exp(strength[j] - strength[i])))).mean
        assert np.diff(found) == pytest.approx([1.0, 2.0])

    def test_two_answers_chance_follows_from_their_rewards(self) -> None:
        judge = Judge(Reader(shorter), SPACE)
        mean = judge.score(judge.prior(), PHI, asked(SHORT, LONG)).mean
        assert 1 / (1 + np.exp(mean[1] - mean[0])) == pytest.approx(0.8)

    def test_answers_without_their_texts_are_told_not_scored(self) -> None:
        judge = Judge(Reader(shorter), SPACE)
        with pytest.raises(DataError, match="give them as"):
            judge.score(judge.prior(), PHI)
        with pytest.raises(DataError, match="1 texts came with 2 answers"):
            judge.probability(judge.prior(), PHI, Asked("?", answers=("one",)))

    def test_a_text_comes_back_as_it_was_kept(self) -> None:
        record = Record(picks=(Pick(prompt="Où?", chosen="là 😄", rejected=""),))
        assert as_text(as_bytes(record.model_dump_json()).astype(np.float64)) == record.model_dump_json()

    def test_evidence_without_texts_is_counted_and_leaves_no_record(self) -> None:
        belief = Judge(Scripted(), SPACE).rebuild([Chosen(PHI), Rated(PHI[0], 3.0)])
        assert belief.seen == 2
        assert recorded(belief.arrays) == Record()


@pytest.fixture(scope="module")
def starter() -> Iterator[LlamaCpp]:
    opened = LlamaCpp(starter_path(), settings=LlamaCppSettings(parallel=1, context=512))
    yield opened
    opened.close()


class TestTheStarter:
    def test_log_probabilities_of_the_first_token_are_read_and_the_same_twice_is_even(self, starter: LlamaCpp) -> None:
        umpire = Umpire(starter, JudgeSettings(reads="logits"))
        there, back = (umpire.chance("", "Is it?", *pair) for pair in BOTH)
        assert there != 0.5
        assert there == pytest.approx(1 - back, abs=1e-2)
        assert umpire.chance("", "Is it?", SHORT, SHORT) == pytest.approx(0.5, abs=1e-2)


def choices(count: int) -> list[Chosen]:
    return [chose("short" + "." * n, f"the long answer of number {n}", f"Question {n}?") for n in range(count)]


def history(count: int) -> list[Evidence]:
    return list(choices(count))


class TestSynthesizeMe:
    def test_no_history_is_the_plain_judge(self) -> None:
        reward = SynthesizeMe(Reader(shorter), SPACE)
        assert found_in(reward.prior()) == found_in(reward.rebuild([])) == Found()
        assert reward.probability(reward.prior(), PHI, asked(SHORT, LONG)) == pytest.approx(0.8)

    def test_a_persona_that_helps_is_kept_and_decides(self) -> None:
        reward = SynthesizeMe(Reader(told_of_short), SPACE)
        belief = reward.rebuild(history(10))
        found = found_in(belief)
        assert found.of_plain == 0.5
        assert found.accuracy == 1.0
        assert "short" in found.persona
        assert reward.probability(belief, PHI, asked(SHORT, LONG)) == pytest.approx(0.8)

    def test_the_plain_judge_stays_where_nothing_found_is_better(self) -> None:
        found = found_in(SynthesizeMe(Reader(shorter), SPACE).rebuild(history(10)))
        assert found.of_plain == found.accuracy == 1.0
        assert found.profile() == ""

    def test_only_reasoning_that_ends_in_the_right_answer_becomes_a_demonstration(self) -> None:
        found = found_in(SynthesizeMe(Reader(told_of_short), SPACE).rebuild(history(20)))
        reasoned = [each.pick.prompt for each in found.demonstrations if each.reasoning]
        sure_of_the_first = [
            n for n in range(14) if np.random.default_rng((42, n)).random() < 0.5
        ]  # unless told of short, it takes the first, which is right where the chosen one stands there
        assert reasoned
        assert set(reasoned) <= {f"Question {n}?" for n in sure_of_the_first}

    def test_neither_persona_nor_demonstrations_hold_a_validation_answer(self) -> None:
        reader = Reader(told_of_short)
        found = found_in(SynthesizeMe(reader, SPACE).rebuild(history(10)))
        asked_for_a_persona = [text for text in reader.seen if "short description of this person" in text]
        assert asked_for_a_persona
        for n in (7, 8, 9):
            assert f"number {n}" not in found.profile() + "".join(asked_for_a_persona)

    def test_the_same_history_gives_the_same_belief(self) -> None:
        once, again = (SynthesizeMe(Reader(told_of_short), SPACE).rebuild(history(10)) for _ in "12")
        assert all((once.arrays[name] == again.arrays[name]).all() for name in once.arrays)

    def test_dated_choices_may_come_in_any_order(self) -> None:
        reward = SynthesizeMe(Reader(told_of_short), SPACE)
        first = datetime(2026, 1, 1, tzinfo=UTC)
        dated = [replace(piece, at=first + timedelta(days=n)) for n, piece in enumerate(choices(10))]
        assert found_in(reward.rebuild(dated[::-1])) == found_in(reward.rebuild(dated)) != Found()

    def test_a_new_choice_waits_for_the_next_search(self) -> None:
        reward = SynthesizeMe(Reader(told_of_short), SPACE)
        belief = reward.rebuild(history(10))
        later = reward.update(belief, chose("short", LONG, "Later?"))
        assert found_in(later) == found_in(belief)
        assert len(recorded(later.arrays).picks) == 11

    def test_at_most_four_demonstrations_have_no_reasoning(self) -> None:
        settings = SynthesizeMeSettings(sets=3)
        found = found_in(SynthesizeMe(Reader(told_of_short), SPACE, settings).rebuild(history(30)))
        assert sum(not each.reasoning for each in found.demonstrations) <= 4

    def test_a_search_ends_where_a_set_is_good_enough(self) -> None:
        reader = Reader(shorter)
        SynthesizeMe(reader, SPACE).rebuild(history(10))
        verdicts = [text for text in reader.seen if text.endswith("nothing else.")]
        assert len(verdicts) == 3 * 2 * 3  # plain, one set without a persona, one with: three choices, both orders

    def test_a_model_that_cannot_judge_leaves_the_plain_judge(self) -> None:
        reward = SynthesizeMe(Scripted(), SPACE)
        assert found_in(reward.rebuild(history(6))).profile() == ""
