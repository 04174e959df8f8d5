"""What is read from a person's own words, what is left alone, and how long it takes."""

import re
import time
from collections.abc import Callable
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idiolect.memory.extraction import extract, stated
from idiolect.memory.extraction.topics import sensitive_of, topic_of, topics
from idiolect.schema import Slots

LIKES = ("like", "love", "enjoy", "prefer", "appreciate")
THINGS = ("quiet hotels", "spicy food", "horror films", "crowded beaches", "jazz")

GRAMMAR = re.findall(
    r"\S+",
    """I we don't never like hate prefer to over the , . ? cats no more my favourite is not for me as a vegan have an
    allergy find boring and but rather than " ' ’ would only eat""",
)


def only(text: str) -> Slots:
    """The one statement that is read from a text."""
    (slots,) = extract(text)
    return slots


def lines(name: str) -> list[str]:
    text = files("idiolect").joinpath("resources", name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", lines("extraction_key.txt"))
def test_every_statement_of_the_key_is_read_with_its_kind_polarity_and_object(line: str) -> None:
    kind, polarity, about, text = line.split(" | ")
    found = extract(text)
    near = [
        slots
        for slots in found
        if (
            slots.attribute == about
            if kind == "style"
            else about.split()[-1].lower().rstrip("s") in slots.object.lower()
        )
    ]
    assert [(slots.kind, "like" if slots.polarity > 0 else "dislike") for slots in near][:1] == [(kind, polarity)]


@pytest.mark.parametrize("text", [line[2:] for line in lines("own_statements.txt") if line.startswith("- ")])
def test_what_says_nothing_lasting_of_the_person_is_left_alone(text: str) -> None:
    assert extract(text) == ()


def test_two_thirds_of_the_varied_statements_are_read_by_patterns_alone() -> None:
    said = [line[2:] for line in lines("own_statements.txt") if line.startswith("+ ")]
    assert sum(bool(extract(text)) for text in said) >= 2 / 3 * len(said)


@pytest.mark.parametrize("verb", LIKES)
@pytest.mark.parametrize("thing", THINGS)
def test_a_negation_turns_the_polarity_round(verb: str, thing: str) -> None:
    assert (only(f"I {verb} {thing}.").polarity, only(f"I don't {verb} {thing}.").polarity) == (1, -1)
    assert only(f"I {verb} {thing}.").object == only(f"I don't {verb} {thing}.").object == thing


def test_a_denied_dislike_is_a_weak_like() -> None:
    denied = only("I don't mind long walks.")
    assert (denied.polarity, denied.strength, denied.object) == (1, 0.3, "long walks")


def test_adverbs_say_how_strong_it_is() -> None:
    strengths = [only(f"I {adverb}dislike opera.").strength for adverb in ("slightly ", "", "strongly ")]
    assert strengths == sorted(strengths)
    assert len(set(strengths)) == 3


@pytest.mark.parametrize(
    ("text", "about", "over"),
    [
        ("I'd rather cycle than drive.", "cycle", "drive"),
        ("I prefer tea to coffee.", "tea", "coffee"),
        ("I prefer reading over watching TV.", "reading", "watching TV"),
        ("I prefer small cinemas instead of multiplexes.", "small cinemas", "multiplexes"),
        ("I like trains more than planes.", "trains", "planes"),
        ("I prefer hotels close to the station.", "hotels close to the station", ""),
        ("I prefer films over two hours long.", "films over two hours long", ""),
    ],
)
def test_a_comparison_names_what_is_preferred_and_what_to(text: str, about: str, over: str) -> None:
    slots = only(text)
    assert (slots.polarity, slots.object, slots.over) == (1, about, over)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("When I travel, I prefer trains.", "When I travel"),
        ("I prefer trains when I travel for work.", "when I travel for work"),
        ("For breakfast I like something salty.", "For breakfast"),
        ("I like spicy food.", ""),
    ],
)
def test_a_condition_is_the_scope(text: str, scope: str) -> None:
    assert only(text).scope == scope


def test_what_holds_for_a_time_is_temporary() -> None:
    assert only("This week I avoid dairy.").temporary
    assert not only("I avoid dairy.").temporary


@pytest.mark.parametrize(
    "text", ["Actually, no more meat for me.", "I no longer eat meat.", "I don't like meat any more."]
)
def test_a_change_of_mind_is_a_correction(text: str) -> None:
    slots = only(text)
    assert (slots.corrects, slots.polarity, slots.object) == (True, -1, "meat")


def test_the_last_word_on_a_thing_counts() -> None:
    slots = only("I used to love sushi but now I hate it.")
    assert (slots.object, slots.polarity) == ("sushi", -1)


def test_a_message_can_say_many_things_beside_a_request() -> None:
    text = (
        "I usually prefer quiet hotels away from the centre, as I can't stand nightclubs. I'm vegan and I work as a "
        "nurse. Do you know a good place in Porto?"
    )
    assert [(slots.kind, slots.polarity, slots.object) for slots in extract(text)] == [
        ("topic", 1, "quiet hotels away from the centre"),
        ("topic", -1, "nightclubs"),
        ("constraint", 1, "vegan"),
        ("about_me", 1, "work as a nurse"),
    ]


def test_a_second_verb_shares_the_subject() -> None:
    found = extract("I love fish but never eat shellfish, and avoid raw egg.")
    assert [(slots.object, slots.polarity) for slots in found] == [("fish", 1), ("shellfish", -1), ("raw egg", -1)]


@pytest.mark.parametrize(
    ("text", "attribute", "polarity"),
    [
        ("Keep it short from now on.", "length", -1),
        ("Your answers are too long.", "length", -1),
        ("Never use emoji.", "emoji", -1),
        ("I prefer bullet points in your answers.", "list_items", 1),
    ],
)
def test_a_lasting_wish_about_answers_is_style(text: str, attribute: str, polarity: int) -> None:
    slots = only(text)
    assert (slots.kind, slots.attribute, slots.polarity, slots.span) == ("style", attribute, polarity, text)


@pytest.mark.parametrize("text", ["Make it shorter.", "Give me an example.", "shorter", "Explain this answer simply."])
def test_a_wish_about_the_answer_at_hand_is_left_alone_but_counts_when_told_to_the_memory(text: str) -> None:
    assert extract(text) == ()
    assert {slots.kind for slots in stated(text)} == {"style"}


def test_what_is_told_to_the_memory_always_says_something() -> None:
    (slots,) = stated("quiet hotels in the hills")
    assert (slots.kind, slots.object, slots.span) == ("topic", "quiet hotels in the hills", "quiet hotels in the hills")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("I'm diabetic.", "health"),
        ("I have a nut allergy.", "health"),
        ("I follow a halal diet.", "faith"),
        ("I'm gay.", "sexuality"),
        ("I'm a socialist.", "politics"),
        ("I avoid long stairs due to my arthritis.", "health"),
        ("I'm vegan.", None),
        ("I'm afraid of heights.", None),
        ("I love black coffee.", None),
    ],
)
def test_a_special_category_is_flagged_only_where_it_is_said_in_so_many_words(text: str, category: str | None) -> None:
    assert only(text).sensitive == category
    assert sensitive_of("quiet hotels") is None


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("I love quiet hotels with a gym.", "lodging"),
        ("I hate romantic comedies.", "film_tv"),
        ("I prefer manual transmission.", "vehicles"),
        ("I never eat pork.", "food"),
        ("I avoid crowded subways.", "transport"),
        ("I like turn-based games.", "games"),
        ("I don't read thriller novels.", "books"),
        ("I'm allergic to cats.", "pets"),
        ("I dislike group workouts.", "fitness"),
        ("I prefer open-source software.", "technology"),
    ],
)
def test_words_name_the_area_of_life(text: str, topic: str) -> None:
    assert topic in topics()
    assert only(text).topic == topic


def test_no_word_of_an_area_is_no_area() -> None:
    assert topic_of("zzz") == ""


def test_a_sentence_in_quotation_marks_is_the_persons_own_only_where_it_is_the_whole_message() -> None:
    assert only('"I avoid noisy bars."').object == "noisy bars"
    assert extract('The reviewer wrote "I avoid noisy bars" about it.') == ()


@given(st.text(max_size=300))
@settings(max_examples=300)
def test_any_text_is_read_without_an_error_and_spans_are_its_own_words(text: str) -> None:
    assert all(slots.span in text and slots.object for slots in extract(text))


@given(st.lists(st.sampled_from(GRAMMAR), max_size=40))
@settings(max_examples=300)
def test_any_row_of_the_grammars_own_words_is_read_without_an_error(words: list[str]) -> None:
    text = " ".join(words)
    assert all(slots.span in text and slots.object for slots in extract(text))


@pytest.mark.parametrize(
    "piece",
    [
        *("I like ", "i ", " ", "\n", "I find ", '"a', "I have a ", "> ", "```", "<document>", "I don't never ", "; "),
        *("Bob: ", "I love a, ", "\t", "my favourite ", "no more ", "(", "I'm a\n"),
    ],
)
def test_time_grows_with_the_length_of_a_hostile_text_and_no_faster(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    extract(text[:100])
    start = time.thread_time()
    extract(text)
    assert time.thread_time() - start < 2


@pytest.mark.parametrize("read", [extract, stated])
@pytest.mark.parametrize(
    "text",
    [
        "I have a nut allergy and I like very short answers.",
        "I like very short answers, and I have a nut allergy.",
        "I have a nut allergy, please keep your answers short.",
    ],
)
def test_a_limit_beside_a_wish_about_answers_is_a_limit_by_itself(
    read: Callable[[str], tuple[Slots, ...]], text: str
) -> None:
    wish, limit = read(text)
    assert (wish.kind, wish.attribute, wish.polarity, wish.sensitive) == ("style", "length", -1, None)
    assert (limit.kind, limit.object, limit.sensitive) == ("constraint", "nut allergy", "health")
    assert "allergy" not in wish.span
    assert "short" not in limit.span
