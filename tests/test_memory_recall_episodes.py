from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from idiolect.errors import NotFound
from idiolect.memory.recall import Episode, Episodes, RecallSettings, recall_episodes, spoken

START = datetime(2026, 1, 1, tzinfo=UTC)
TALK = [
    ("Ann", "How was your holiday?"),
    ("Ben", "We sailed to Corsica for a week."),
    ("Ann", "Lovely! I have been digging in the garden."),
    ("Ben", "Did you plant the roses?"),
    ("Ann", "Yes, seven of them, all yellow."),
    ("Ben", "My sister got a puppy called Biscuit."),
]


def turn(number: int, speaker: str, text: str, talk: str = "t") -> Episode:
    at = START + timedelta(minutes=number)
    return Episode(id=f"{talk}{number}", text=text, speaker=speaker, at=at, talk=talk)


def remembered(*skipped: int) -> Episodes:
    episodes = Episodes()
    for number, (speaker, text) in enumerate(TALK):
        if number not in skipped:
            episodes.add(turn(number, speaker, text))
    return episodes


def test_a_turn_is_found_by_its_words_and_comes_with_its_neighbours() -> None:
    best = recall_episodes("What is the name of the puppy?", None, remembered())[0]
    assert best.episode.id == "t5"
    assert [each.id for each in best.before] == ["t4"]
    assert best.after == ()
    assert best.score == pytest.approx(sum(best.parts.values()))


def test_an_answer_is_found_by_the_words_of_the_question_before_it() -> None:
    with_it, without = (
        episodes.scores("Tell me of the roses.", None)["close"] for episodes in (remembered(), remembered(3))
    )
    assert with_it[4] > 0 > with_it[0]
    assert not without.any()


def test_the_speaker_whom_the_prompt_names_is_preferred() -> None:
    episodes = remembered()
    named = episodes.scores("What did Ben do?", None)["named"]
    assert [bool(each) for each in named] == [speaker == "Ben" for speaker, _ in TALK]
    assert not episodes.scores("What did Ben and Ann do?", None)["named"].any()


def test_a_turn_is_found_by_its_meaning_alone() -> None:
    episodes, rows = Episodes(dim=4), np.eye(4, dtype=np.float32)
    for number, text in enumerate(("alpha beta", "gamma delta", "epsilon zeta", "eta theta")):
        episodes.add(turn(number, "user", text, talk=str(number)), rows[number])
    assert recall_episodes("nothing shared", rows[2], episodes)[0].episode.text == "epsilon zeta"


def test_what_was_forgotten_is_in_nobodys_neighbourhood() -> None:
    less, never = remembered(), remembered(2)
    less.remove("t2")
    assert len(less) == len(never) == 5
    query = "digging in the garden, a week in Corsica"
    ours, theirs = recall_episodes(query, None, less), recall_episodes(query, None, never)
    assert [each.episode.id for each in ours] == [each.episode.id for each in theirs]
    assert [each.before for each in ours] == [each.before for each in theirs]
    with pytest.raises(NotFound, match="t2"):
        less.remove("t2")


def test_a_talk_goes_on_after_its_newest_turn_was_forgotten() -> None:
    episodes = remembered()
    episodes.remove("t5")
    episodes.add(turn(6, "Ann", "A puppy!"))
    assert [each.id for each in episodes.beside(6, 1)[0]] == ["t4"]


def test_only_what_was_said_before_is_recalled() -> None:
    found = recall_episodes("puppy", None, remembered(), at=START + timedelta(minutes=3))
    assert {each.episode.id for each in found} <= {"t0", "t1", "t2", "t3"}


def test_neighbours_of_other_talks_are_not_neighbours() -> None:
    episodes = remembered()
    episodes.add(turn(9, "Ann", "Bananas are yellow.", talk="u"))
    best = recall_episodes("bananas", None, episodes)[0]
    assert (best.episode.id, best.before, best.after) == ("u9", (), ())


def test_number_and_budget_are_kept_and_no_turn_is_shown_twice() -> None:
    settings = RecallSettings(most_episodes=2, neighbours=2)
    found = recall_episodes("garden roses yellow", None, remembered(), settings=settings)
    assert len(found) <= 2
    shown = [turn.id for each in found for turn in (*each.before, each.episode, *each.after)]
    assert len(shown) == len(set(shown))
    assert recall_episodes("roses", None, remembered(), settings=RecallSettings(episode_tokens=0)) == ()


def test_nothing_is_recalled_from_no_episodes() -> None:
    assert recall_episodes("anything", None, Episodes()) == ()


def test_the_speaker_is_part_of_what_is_embedded() -> None:
    assert spoken(turn(1, "Ben", "Hello.")) == "Ben: Hello."
