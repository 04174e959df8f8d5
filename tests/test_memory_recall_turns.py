from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from idiolect.memory.recall import Episode, PastTurns, RecallSettings, spoken
from idiolect.memory.recall.turns import BESIDE, bearing, known_by
from idiolect.memory.recall.utterances import Utterances

START = datetime(2026, 1, 1, tzinfo=UTC)
TALK = [
    ("Ann", "How was your holiday?"),
    ("Ben", "We sailed to Corsica for a week."),
    ("Ann", "Lovely! I have been digging in the garden."),
    ("Ben", "Did you plant the roses?"),
    ("Ann", "Yes, seven of them, all yellow."),
    ("Ben", "My sister got a puppy called Biscuit."),
]
ROSES = "What did I tell you about the roses in the garden?"


def heard(*skipped: int, talk: int = 0) -> Utterances:
    utterances = Utterances(0)
    for number, (speaker, text) in enumerate(TALK):
        if number not in skipped:
            utterances.add(talk, speaker, text)
    return utterances


def lived(*conversations: int) -> PastTurns:
    """Turns about roses, so many in each conversation."""
    turns = PastTurns(0)
    for number, count in enumerate(conversations):
        for step in range(count):
            said = f"My roses in the garden, number {number} {step}."
            texts = [("you", said), ("assistant", "Water them.")]
            known = frozenset((known_by(said),))
            turns.add(f"{number}/{step}", START + timedelta(days=number), texts, known, goes_on=step > 0)
    return turns


def answers(held: PastTurns, **settings: float) -> list[tuple[str, bool]]:
    """What is found, and whether it only stands beside it."""
    found = bearing(held, ROSES, None, frozenset(), RecallSettings.model_validate(settings))
    return [(held.turns[each.place].answer, each.why == BESIDE) for each in found]


def test_an_utterance_is_found_by_its_words() -> None:
    scores = heard().scores("What is the name of the puppy?", None)
    assert np.sum(list(scores.values()), axis=0).argmax() == 5


def test_an_answer_is_found_by_the_words_of_the_question_before_it() -> None:
    with_it, without = (each.scores("Tell me of the roses.", None)["close"] for each in (heard(), heard(3)))
    assert with_it[4] > 0 > with_it[0]
    assert not without.any()


def test_what_stands_beside_it_in_another_talk_does_not_count() -> None:
    utterances = heard()
    utterances.add(1, "Ann", "Bananas are yellow.")
    close = utterances.scores("bananas", None)["close"]
    assert close[6] > 0
    assert close[5] == close[0]


def test_bm25_of_windows_is_that_of_their_words_written_out() -> None:
    from idiolect.memory.recall.bm25 import BM25
    from idiolect.memory.recall.words import stems

    index, query = BM25(k1=0.9, b=0.4), "Did you plant roses in the garden with Ben?"
    for place in range(len(TALK)):
        index.add([term for _, text in TALK[max(place - 2, 0) : place + 3] for term in stems(text)])
    expected = index.scores(stems(query))
    wide = heard().scores(query, None)["wide"]
    assert wide == pytest.approx((expected - expected.mean()) / expected.std(), abs=1e-4)


def test_the_speaker_whom_the_prompt_names_is_preferred() -> None:
    named = heard().scores("What did Ben do?", None)["named"]
    assert [bool(each) for each in named] == [speaker == "Ben" for speaker, _ in TALK]
    assert not heard().scores("What did Ben and Ann do?", None)["named"].any()


def test_an_utterance_is_found_by_its_meaning_alone() -> None:
    utterances, rows = Utterances(4), np.eye(4, dtype=np.float32)
    for number, text in enumerate(("alpha beta", "gamma delta", "epsilon zeta", "eta theta")):
        utterances.put(utterances.add(number, "you", text), rows[number])
    scores = utterances.scores("nothing shared", utterances.cosines(rows[2]))
    assert np.sum(list(scores.values()), axis=0).argmax() == 2


def test_the_mean_with_what_stands_beside_follows_embeddings_that_come_later() -> None:
    late, early = Utterances(4), Utterances(4)
    rows = np.eye(4, dtype=np.float32)
    for number in range(4):
        early.put(early.add(0, "you", f"word{number}"), rows[number])
        late.add(0, "you", f"word{number}")
    late.scores("word1", late.cosines(rows[1]))
    for number in range(4):
        late.put(number, rows[number])
    ours, theirs = (each.scores("word1", each.cosines(rows[1]))["around"] for each in (late, early))
    assert ours == pytest.approx(theirs)


def test_a_turn_brings_those_beside_it_in_its_conversation() -> None:
    turns = lived(1)
    for said in ("And the soil?", "And the frost?"):
        turns.add(said, START, [("you", said), ("assistant", "Add sand.")], goes_on=True)
    turns.add("other", START + timedelta(days=9), [("you", "What a day!"), ("assistant", "Indeed.")])
    assert answers(turns) == [("0/0", False), ("And the soil?", True)]
    assert answers(turns, neighbours=2)[1:] == [("And the soil?", True), ("And the frost?", True)]
    assert answers(turns, neighbours=0) == [("0/0", False)]


def test_no_conversation_fills_more_than_its_share() -> None:
    talks = [answer.split("/")[0] for answer, _ in answers(lived(4, 1), turns=2, neighbours=0)]
    assert sorted(talks) == ["0", "1"]
    whole = answers(lived(4, 1), turns=2, neighbours=0, share_of_one_source=1)
    assert len([answer for answer, _ in whole if answer.startswith("0/")]) == 2


def test_what_the_request_holds_is_not_given_back() -> None:
    turns = lived(1)
    known = frozenset((known_by("My roses in the garden, number 0 0."),))
    assert bearing(turns, ROSES, None, known, RecallSettings()) == []


def test_nothing_is_recalled_where_nothing_was_said() -> None:
    assert bearing(PastTurns(0), ROSES, None, frozenset(), RecallSettings()) == []


def test_the_speaker_is_part_of_what_is_embedded() -> None:
    assert spoken(Episode(id="t", text="Hello.", speaker="Ben", at=START)) == "Ben: Hello."
