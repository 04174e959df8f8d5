"""What the page says of a statement: its sentence, its tags, the message around its words, and what goes with it."""

import pytest

from idiolect.memory.consolidation import Consolidated
from idiolect.memory.records import Recorded
from idiolect.memory.rights import Receipt
from idiolect.memory.rights.following import Piece
from idiolect.schema import AnyEvent, Preference, Proposal, Slots, Statement, now
from idiolect.schema.beliefs import StatementKind
from idiolect.server import memory_views
from idiolect.server.memory_words import plain


def folded(event: AnyEvent) -> Preference:
    """The only statement that an event makes."""
    statements = Consolidated()
    statements.take(Recorded(1, event))
    [made] = (*statements.all(now()), *(() if isinstance(event, Statement) else statements.proposals()))[:1]
    return made


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("I avoid hotels with a loud nightlife.", "You avoid hotels with a loud nightlife"),
        ("I'm allergic to peanuts", "You're allergic to peanuts"),
        ("I've been a nurse since I was young!", "You've been a nurse since you were young"),
        ("My brother and I like my own bread.", "Your brother and you like your own bread"),
        ("I am often in the US", "You are often in the US"),
        ("I\N{RIGHT SINGLE QUOTATION MARK}d rather walk", "You'd rather walk"),
    ],
)
def test_the_first_person_becomes_the_second(said: str, told: str) -> None:
    slots = Slots(kind="topic", object="x", span=said)
    assert plain(folded(Statement(text=said, slots=(slots,)))) == told


@pytest.mark.parametrize(
    ("slots", "told"),
    [
        (Slots(kind="topic", object="window seats"), "You like window seats"),
        (Slots(kind="topic", object="jazz", polarity=-1), "You don't like jazz"),
        (Slots(kind="topic", object="tea", over="coffee"), "You prefer tea to coffee"),
        (Slots(kind="topic", object="tea", over="coffee", polarity=-1), "You like tea less than coffee"),
        (Slots(kind="topic", object="my own car", scope="when I travel"), "You like your own car, when you travel"),
        (Slots(kind="constraint", object="gluten", polarity=-1), "You must do without gluten"),
        (Slots(kind="constraint", object="step-free access"), "You need step-free access"),
        (Slots(kind="about_me", object="learning Italian"), "About you: learning Italian"),
        (Slots(kind="style", object="long answers", attribute="length", polarity=-1), "You want short answers"),
    ],
)
def test_what_is_in_nobodys_words_is_told_from_its_slots(slots: Slots, told: str) -> None:
    offered = Proposal(text="User's preference.", slots=slots, origin="import", source="a list")
    assert plain(folded(offered)) == told


def test_words_to_the_model_are_not_turned_into_words_of_the_person() -> None:
    slots = Slots(kind="topic", object="riddles", span="I want you to like riddles")
    assert plain(folded(Statement(text=slots.span, slots=(slots,)))) == "You like riddles"


def test_what_nothing_was_made_out_in_is_quoted() -> None:
    slots = Slots(kind="topic", object="Actually, no more", span="Actually, no more.")
    told = plain(folded(Statement(text=slots.span, slots=(slots,))))
    assert told == "You said: \N{LEFT DOUBLE QUOTATION MARK}Actually, no more\N{RIGHT DOUBLE QUOTATION MARK}"


def test_a_long_statement_is_cut() -> None:
    slots = Slots(kind="topic", object="bread " * 100)
    told = plain(folded(Proposal(text="x", slots=slots, origin="tool", source="t")))
    assert told.endswith("bread\N{HORIZONTAL ELLIPSIS}")
    assert len(told) <= 160


def tags_of(kind: StatementKind = "topic", **changes: object) -> list[str]:
    made = Preference(id="1", kind=kind, text="I like x", object="x", at=now())
    return [tag.words for tag in memory_views.told(made.model_copy(update=changes)).tags]


def test_the_tags_say_what_is_to_be_known_at_a_glance() -> None:
    assert tags_of() == ["taste"]
    assert tags_of(pinned=True, local_only=True) == ["taste", "pinned", "stays on this machine"]
    assert tags_of("constraint", sensitive="health") == ["limit", "sensitive: health"]
    assert tags_of(temporary=True, until=now().replace(2030, 3, 2)) == ["taste", "temporary, until 2 March 2030"]
    assert tags_of(origin="chosen", confidence=0.5) == ["taste", "by what you picked", "50 % sure"]
    assert tags_of(scope="when I travel") == ["taste", "when you travel"]
    assert tags_of(status="superseded") == ["taste", "replaced"]


def test_of_a_long_message_only_what_stands_around_the_words_is_shown() -> None:
    text = "a" * 500 + " I like tea " + "b" * 500
    begins = text.index("I like tea")
    piece = Piece(event="e", at=now(), how="said", text=text, begins=begins, ends=begins + 10)
    before, marked, after = memory_views.parts(piece)
    assert (marked.words, marked.is_marked) == ("I like tea", True)
    assert before.words.startswith("\N{HORIZONTAL ELLIPSIS}a")
    assert after.words.endswith("b\N{HORIZONTAL ELLIPSIS}")
    assert len(before.words) + len(after.words) < 300


def test_a_message_whose_words_stand_nowhere_in_it_is_shown_from_its_beginning() -> None:
    piece = Piece(event="e", at=now(), how="told", text="I like tea")
    assert memory_views.parts(piece) == (memory_views.Part("I like tea"),)


def test_what_goes_is_counted_in_words() -> None:
    kinds = {"statement": 1, "interaction": 2, "rating": 1, "choice": 2}
    receipt = Receipt(scope="statement", dry_run=True, rows={"embedding": 1}, kinds=kinds, statements=("evt-1",))
    assert memory_views.listed(memory_views.gone(receipt)) == (
        "1 statement, 2 messages with their answers, 3 pieces of feedback on them and 1 vector of their meaning"
    )
    assert memory_views.listed(memory_views.gone(Receipt(scope="statement", dry_run=True, rows={}))) == "nothing"
