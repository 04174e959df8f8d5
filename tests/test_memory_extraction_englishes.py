"""What people say of themselves is read in other Englishes too, and ordinary talk in them still says nothing."""

import pytest

from idiolect.memory.extraction import extract
from idiolect.memory.extraction.englishes import put

SAID = {  # text: what it is about, and whether it is liked
    "I cannae eat dairy.": ("dairy", False),
    "I dinnae watch the fitba.": ("fitba", False),
    "I'm no into camping.": ("camping", False),
    "I fair love a ceilidh.": ("ceilidh", True),
    "I'm feart o' spiders.": ("spiders", False),
    "I'm feart ae dugs.": ("dugs", False),
    "I love canna lilies.": ("canna lilies", True),
    "I can't say no to cake, I love cake.": ("cake", True),
    "I don't be watching no football.": ("football", False),
    "I ain't into camping like that.": ("camping", False),
    "I love me a good barbecue.": ("barbecue", True),
    "I don't never eat no meat.": ("meat", False),
    "Long movies be boring me.": ("movies", False),
    "I am loving poems.": ("poems", True),
    "I am not at all drinking soda.": ("soda", False),
    "I am preferring window seats.": ("window seats", True),
    "I am having fear of spiders.": ("spiders", False),
    "I no eat dairy.": ("dairy", False),
    "I not like camping.": ("camping", False),
    "I drink never soda.": ("soda", False),
    "I can't to eat shellfish.": ("shellfish", False),
    "I am engineer.": ("engineer", True),
    "I have allergy with cats.": ("cats", False),
    "I should like to mention that I am allergic to cats.": ("cats", False),
    "I derive no pleasure from camping.": ("camping", False),
    "don't like camping": ("camping", False),
    "prefer window seats": ("window seats", True),
    "allergic to cats": ("cats", False),
}
OF_NOBODY = (
    "I'm loving this update!",
    "We are avoiding the question.",
    "I am not using that printer today.",
    "Never eat before a swim? Is that true?",
    "Prefer tabs to spaces: reformat the file below.",
    "don't like it",
    "I am like my father.",
    "Is he aye reading?",
    "By what means might I sleep better following a night shift?",
    "With which herbs could I eat pumpkin soup?",
    "My sister is not liking school.",
    "She be loving jazz.",
    "Write a story in which I be loving jazz.",
)


@pytest.mark.parametrize("text", SAID)
def test_a_taste_is_read_in_the_english_that_it_is_said_in(text: str) -> None:
    about, liked = SAID[text]
    assert [(about in slots.object, slots.polarity > 0) for slots in extract(text)] == [(True, liked)]


@pytest.mark.parametrize("text", SAID)
def test_what_is_kept_of_it_is_the_persons_own_words(text: str) -> None:
    assert all(slots.span and slots.span in text for slots in extract(text))


@pytest.mark.parametrize("text", OF_NOBODY)
def test_what_says_nothing_lasting_of_the_person_is_left_alone(text: str) -> None:
    assert extract(text) == ()


def test_a_style_is_read_in_other_englishes() -> None:
    texts = ("Gonnae keep your answers short fae now on.", "Please to keep your answers short from now onwards.")
    assert [[(slots.attribute, slots.polarity) for slots in extract(text)] for text in texts] == [[("length", -1)]] * 2


def test_text_that_no_rule_knows_is_as_before_and_every_character_knows_its_place() -> None:
    text = "I love quiet hotels."
    assert put(text).text == text
    assert put(text).original("quiet hotels", text) == "quiet hotels"


def test_what_is_beyond_the_longest_is_left_as_it_is_and_keeps_its_place() -> None:
    text = "The bus came late. " * 300 + "I cannae thole olives."
    assert put(text).text == text
    assert put("I cannae swim. " + text).original("thole olives", "I cannae swim. " + text) == "thole olives"


def test_a_span_of_the_new_text_is_found_in_the_old_one() -> None:
    text = "Weel, I cannae thole olives, ken."
    there = put(text)
    assert "can't stand olives" in there.text
    assert there.original("can't stand olives", text) == "cannae thole olives"
