"""The named attributes: each moves with what it is named after, and no text is too odd to be measured."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.features.attributes import ATTRIBUTES, measure
from idiolect.features.words import lists, word

PLAIN = "The kettle stands on the table. It holds a litre of water. The lid is made of steel."

MORE_AND_LESS = {
    "length": (PLAIN + " " + PLAIN.replace("kettle", "pan"), PLAIN),
    "sentence_length": ("The kettle stands on the table and it holds a litre of water under a lid of steel.", PLAIN),
    "word_length": ("Contemporary manufacturing necessitates considerable standardisation.", PLAIN),
    "long_words": ("Contemporary manufacturing necessitates considerable standardisation.", PLAIN),
    "grade": ("Contemporary manufacturing necessitates considerable standardisation of components.", PLAIN),
    "paragraphs": (PLAIN.replace(". ", ".\n\n"), PLAIN),
    "list_items": ("- rice\n- eggs\n- spinach", "rice, eggs and spinach"),
    "headings": ("## Kettle\n" + PLAIN, PLAIN),
    "code": ("```python\nprint(1)\n```\n" + PLAIN, PLAIN),
    "emphasis": (PLAIN.replace("litre", "**litre**"), PLAIN),
    "emoji": (PLAIN + " 😀", PLAIN),
    "exclamations": (PLAIN.replace(".", "!"), PLAIN),
    "questions": ("Does the kettle stand here? Is it full?", PLAIN),
    "asides": (PLAIN.replace("a litre", "(about) a litre"), PLAIN),
    "quotes": (PLAIN.replace("kettle", '"kettle"'), PLAIN),
    "first_person": ("I put my kettle on the table.", PLAIN),
    "we": ("We put our kettle on the table.", PLAIN),
    "you": ("You put your kettle on the table.", PLAIN),
    "contractions": ("It's here and it doesn't leak, so don't worry.", "It is here and it does not leak."),
    "formality": (
        "Consequently, the utilisation of this apparatus is subject to certain conditions.",
        "Yeah, it's kinda cool stuff.",
    ),
    "hedging": ("Perhaps it might hold a litre, but I think it probably varies.", PLAIN),
    "certainty": ("It certainly holds a litre, without a doubt, always.", PLAIN),
    "caveats": ("Keep in mind the risk, and be careful: consult a professional.", PLAIN),
    "politeness": ("Please, would you take the kettle? Thank you.", PLAIN),
    "warmth": ("Welcome, dear friend! I hope you enjoy this lovely kettle together.", PLAIN),
    "empathy": ("I understand how hard it is when you feel lonely and anxious.", PLAIN),
    "positivity": ("A wonderful, beautiful kettle; a joy to use.", "A terrible, ugly kettle; a danger and a waste."),
    "enthusiasm": ("An absolutely amazing, truly incredible kettle!", PLAIN),
    "humour": ("Haha, just kidding! A silly joke of a kettle walks into a bar.", PLAIN),
    "directness": (PLAIN, "Sure, here is an answer. " + PLAIN),
    "closing_offer": (PLAIN + " Let me know if you need more.", PLAIN),
    "rare_words": ("The samovar's spigot dribbles tepid infusion.", PLAIN),
    "jargon": ("The algorithm optimises parameters by regression on the covariance matrix.", PLAIN),
    "numbers": ("It holds 1.5 litres, weighs 900 grams and costs 25.", PLAIN),
    "examples": ("Some things, such as a kettle, hold water. For example, a pan.", PLAIN),
    "contrast": ("It holds a litre, but unlike the pan it is slow; on the other hand, it is safe.", PLAIN),
    "reasons": ("It is slow because the coil is small; therefore you wait.", PLAIN),
    "steps": ("First fill it. Then close the lid. Finally, after a while, pour.", PLAIN),
    "imperatives": ("Fill the kettle. Close the lid. Then wait a while.", PLAIN),
    "analogies": ("It sings like a bird, as if it were alive; imagine a choir.", PLAIN),
    "vividness": ("A gleaming silver kettle, hissing steam, warm and smooth as velvet.", PLAIN),
    "storytelling": ("Once upon a time a king found a kettle. He smiled, and she said nothing.", PLAIN),
    "diversity": (
        "One kettle, two pans, many cups and several spoons stood there.",
        "the pot the pot the pot the pot the pot the pot",
    ),
    "repetition": (PLAIN + " " + PLAIN, PLAIN),
}


def value(name: str, text: str) -> float:
    return float(measure(text)[list(ATTRIBUTES).index(name)])


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_more_of_what_an_attribute_names_is_more_of_the_attribute(name: str) -> None:
    more, less = MORE_AND_LESS[name]
    assert value(name, more) > value(name, less)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_has_a_unit_a_line_two_words_and_a_step(name: str) -> None:
    attribute = ATTRIBUTES[name]
    assert attribute.name == name
    assert attribute.unit
    assert attribute.definition.endswith(".")
    assert "\n" not in attribute.definition
    assert "answers" in attribute.low
    assert "answers" in attribute.high
    assert attribute.low != attribute.high
    assert attribute.step > 0


def test_there_are_as_many_attributes_as_a_person_can_look_through() -> None:
    assert 24 <= len(ATTRIBUTES) <= 48


def test_length_is_the_log_of_words_and_twenty() -> None:
    assert value("length", "one two three " * 4) == 5


def test_an_empty_line_makes_a_paragraph() -> None:
    assert value("paragraphs", "a\n\nb\n\n\nc") == 2  # log2(1 + 3)


def test_a_numbered_list_counts_as_items_and_steps_and_not_as_numbers() -> None:
    numbered = "1. Boil the water\n2. Add the rice\n3. Serve"
    assert value("list_items", numbered) == 2
    assert value("steps", numbered) > value("steps", "Boil the water\nAdd the rice\nServe")
    assert value("numbers", numbered) <= value("numbers", PLAIN[:20])


def test_code_in_a_fence_is_no_prose() -> None:
    fenced = f"```\nfor kettle in kettles: wait(); stop() or maybe()\n```\n{PLAIN}"
    assert value("length", fenced) == value("length", PLAIN)


def test_an_abbreviation_ends_no_sentence() -> None:
    title, without = "Ask Dr. Smith about the pan.", "Ask Dr Smith about the pan."
    assert value("sentence_length", title) == value("sentence_length", without)


def test_curly_apostrophes_are_apostrophes() -> None:
    assert np.array_equal(measure("It’s here, isn’t it?"), measure("It's here, isn't it?"))


def test_a_phrase_counts_where_its_words_alone_would_not() -> None:
    assert value("examples", "the lamp is such as this") > value("examples", "the lamp is as such this")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\n",
        "Yes.",
        "😀",
        "???",
        "```",
        "```\n",
        "日本語。テスト。",
        "Привет, как дела? 你好 hello",
        "\x00\ud800",
        "a" * 100_000,
        "word " * 20_000,
        "!" * 100_000,
        "**x " * 25_000,
        "\n- " * 30_000,
        "'" * 1000,
    ],
    ids=range(17),
)
def test_any_text_has_finite_figures(text: str) -> None:
    figures = measure(text)
    assert figures.shape == (len(ATTRIBUTES),)
    assert np.isfinite(figures).all()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_a_text_measured_twice_has_the_same_figures(text: str) -> None:
    first = measure(text)
    assert np.isfinite(first).all()
    assert np.array_equal(first, measure(text))


def test_every_list_in_the_file_is_read_by_an_attribute() -> None:
    parts = {
        "formal",
        "informal",
        "positive",
        "negative",
        "third_person",
        "imperative",
        "before_imperative",
        "preamble",
        "offer",
    }
    table = lists()
    named = {
        name
        for turned in (table.words, table.prefixes, table.pairs, table.triples)
        for names in turned.values()
        for name in names
    }
    assert named - parts <= set(ATTRIBUTES)
    assert parts <= named


@pytest.mark.parametrize(
    ("text", "syllables"),
    [("cat", 1), ("water", 2), ("made", 1), ("table", 2), ("banana", 3), ("jumped", 1), ("wanted", 2)],
)
def test_syllables_are_groups_of_vowels_without_a_silent_e(text: str, syllables: int) -> None:
    assert word(text).syllables == syllables
