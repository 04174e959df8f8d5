"""Which of the offered options was picked, and what the pick says of the person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.memory.extraction import options, picked, picked_option, picks

NUMBERED = """Here are three:
1. The Harbour Inn is a quiet place by the sea.
2. Club Neon is a lively hotel.
3. Hotel Alpina has a spa."""
BULLETS = "A few ideas:\n- **Chess**: a classic.\n- **Poker**: with friends.\n- **Go**: deep and calm."
LETTERED = "Which one?\nA) Red wine\nB) White wine\nC) Water"
SENTENCE = "Would you prefer a train ticket, a rental car, or a domestic flight?"
NUMBERED_AFTER = "You could take the coast road (1), cross by ferry (2), or fly there (3)."
SENTENCES = "There are several options. You could rent a bike. Alternatively, you could take a tram. Walking is free."


@pytest.mark.parametrize(
    ("offer", "count"), [(NUMBERED, 3), (BULLETS, 3), (LETTERED, 3), (SENTENCE, 3), (NUMBERED_AFTER, 3), (SENTENCES, 3)]
)
def test_options_are_found_however_they_are_laid_out(offer: str, count: int) -> None:
    assert len(options(offer)) == count


@pytest.mark.parametrize("answer", ["Paris is the capital of France.", "", "It depends."])
def test_an_answer_without_a_list_offers_nothing(answer: str) -> None:
    assert options(answer) == ()
    assert picked(answer, "The second one, please.") == ()


@pytest.mark.parametrize(
    ("offer", "said", "place"),
    [
        (NUMBERED, "I think I'll go with the second.", 1),
        (NUMBERED, "2", 1),
        (NUMBERED, "Option 3 sounds good.", 2),
        (NUMBERED, "The last one, please.", 2),
        (NUMBERED, "The Harbour Inn sounds great. The others seem too lively.", 0),
        (NUMBERED, "Let's take Hotel Alpina rather than Club Neon.", 2),
        (NUMBERED, "I'm tempted by the spa.", 2),
        (BULLETS, "Go, because it's calm.", 2),
        (BULLETS, "Not poker. Chess for me.", 0),
        (LETTERED, "B please", 1),
        (LETTERED, "I'll have the white wine.", 1),
        (SENTENCE, "The train ticket. I don't like driving.", 0),
        (NUMBERED_AFTER, "I'd go for option 2.", 1),
        (SENTENCES, "The tram sounds best to me.", 1),
    ],
)
def test_a_pick_is_understood_by_its_place_or_its_words(offer: str, said: str, place: int) -> None:
    assert picked_option(offer, said) == place


@pytest.mark.parametrize("said", ["Which is the cheapest?", "Tell me about Rome.", "", "I don't like any of them."])
def test_what_names_no_option_picks_none(said: str) -> None:
    assert picks(NUMBERED, said) == ()


def test_two_can_be_picked() -> None:
    assert [pick.place for pick in picks(NUMBERED, "Both the first and the third, please.".replace("Both ", ""))] == [
        0,
        2,
    ]


def test_a_pick_is_a_weak_like_and_its_reason_a_weak_dislike_with_their_own_words() -> None:
    said = "The Harbour Inn sounds great. The others seem too lively for me."
    found = picked(NUMBERED, said)
    assert [(slots.object, slots.polarity, slots.strength) for slots in found] == [
        ("The Harbour Inn is a quiet place by the sea", 1, 0.5),
        ("lively", -1, 0.5),
    ]
    assert all(slots.span in said and slots.topic == "lodging" for slots in found)


def test_a_reason_for_can_be_given_too() -> None:
    assert ("calm", 1) in [(slots.object, slots.polarity) for slots in picked(BULLETS, "Go, because it's calm.")]


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_are_read_without_an_error(assistant: str, user: str) -> None:
    assert all(slots.span in user for slots in picked(assistant, user))


@given(st.text(alphabet="1234. ABab)\n-or,the option first", max_size=200))
def test_any_list_like_text_is_read_without_an_error(text: str) -> None:
    assert all(pick.option for pick in picks(text, text))
