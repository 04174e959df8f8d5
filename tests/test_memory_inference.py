"""What is inferred: only what is allowed, from the person's own turns, and the same live as replayed."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from failing import failing
from idiolect.errors import StoreError
from idiolect.features.attributes import ATTRIBUTES
from idiolect.memory.consolidation import Consolidated
from idiolect.memory.extraction import admitted
from idiolect.memory.extraction.topics import sensitive_of, topics
from idiolect.memory.inference.inferring import infer
from idiolect.memory.inference.repeats import subjects, subjects_in
from idiolect.memory.inference.writing import MIRRORS
from idiolect.memory.records import Recorded
from idiolect.memory.rights import export, import_again
from idiolect.memory.rights.asking import Forgetting, forgotten
from idiolect.memory.store import Store, UserStore, open_store
from idiolect.schema import AnyEvent, Consent, Rating
from inferring import (
    KINDS,
    KNITTING,
    MINUTE,
    SHORT,
    allow,
    asked,
    attempts,
    hints,
    live,
    offered,
    on_days,
    prefix_of,
    waiting,
)
from lives import MONDAY


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store("sqlite://") as opened:
        yield opened


@pytest.fixture
def ana(store: Store) -> UserStore:
    return store.user("ana")


# --- repeats -------------------------------------------------------------------------------------------------------


def test_a_subject_of_several_days_is_offered_with_the_turns_that_show_it(ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING))
    (offer,) = waiting(ana)
    assert (offer.kind, offer.object, offer.origin, offer.source) == (
        "topic",
        "knitting",
        "inferred",
        "repeats, 4 questions on 4 days",
    )
    (event,) = offered(ana)
    assert event.inferred is not None
    assert event.inferred.turns == ("t0", "t1", "t2", "t3")


def test_one_day_is_no_repetition_and_a_turn_sent_again_is_one_turn(ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *(asked(f"t{number}", prompt, MONDAY + number * MINUTE) for number, prompt in enumerate(KNITTING * 2)))
    live(ana, *(asked(f"u{number}", KNITTING[0], MONDAY, before="x") for number in range(9)))
    assert offered(ana) == []


@pytest.mark.parametrize(
    "said",
    [
        "Explain: “I asked my mother about knitting a scarf for the first time in her life, and she was so glad.”",
        "> knitting",
        "```\nknitting\n```",
        "### Task:\nGenerate a concise title for the chat history: knitting",
        "Here is the text:\n\n" + "Knitting is a method for production of textile fabrics by interlacing loops. " * 6,
        "I have epilepsy, can I go on knitting?",  # of a special category: passed over with all it says
    ],
)
def test_pastes_quotations_background_calls_and_special_categories_show_nothing(ana: UserStore, said: str) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*(f"{said}{' ' * number}" for number in range(6))))
    assert offered(ana) == []


def test_of_a_turn_whose_own_words_the_client_marked_only_those_are_read(ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *(asked(f"t{n}", KNITTING[n], MONDAY + timedelta(days=n), own="And this?") for n in range(4)))
    assert offered(ana) == []


def test_no_subject_is_of_a_special_category_and_each_may_be_kept() -> None:
    assert len(subjects()) > 400
    for subject in subjects().values():
        assert sensitive_of(subject.words) is None, subject
        assert subject.area in topics()
        assert subject.area not in ("health", "faith", "news")
        assert admitted(f"I often ask about {subject.words}")


@pytest.mark.parametrize(
    "text",
    [
        "I'm running late.",
        "Fix this bug.",
        "A plan for my mother",
        "Insulin and church",
        "the related work",
        "Improve it",
        "awful physical pain",
    ],
)
def test_words_of_other_senses_are_no_subject(text: str) -> None:
    assert subjects_in(text) == []


# --- reactions -----------------------------------------------------------------------------------------------------


def test_the_attempt_that_the_conversation_goes_on_from_was_kept(ana: UserStore) -> None:
    allow(ana, "reactions")
    live(ana, *attempts(), asked("c", "Another by them?", MONDAY + 5 * MINUTE, before="a"))
    (hint,) = hints(ana)
    assert (hint.chosen, hint.over, hint.weight) == ("a-0", "b-0", 0.25)  # the earlier one, in spite of the second
    assert set(hint.inferred.turns) == {"a", "b", "c"}


def test_gone_on_from_none_of_them_the_last_was_kept_if_weakly(ana: UserStore) -> None:
    allow(ana, "reactions")
    live(ana, *attempts())
    assert hints(ana) == []
    live(ana, asked("c", "Good morning.", MONDAY + timedelta(days=1)))
    (hint,) = hints(ana)
    assert (hint.chosen, hint.over, hint.weight) == ("b-0", "a-0", 0.12)


def test_that_a_conversation_ended_at_an_answer_says_nothing(ana: UserStore) -> None:
    allow(ana, "reactions")
    live(ana, *on_days("Name a song.", "Name a river.", "Name a tree."))
    assert hints(ana) == []


def test_an_attempt_that_could_not_be_read_yet_is_no_attempt(ana: UserStore) -> None:
    allow(ana, "reactions")
    live(ana, *attempts(timedelta(seconds=1)), asked("c", "And?", MONDAY + MINUTE, before="b"))
    assert hints(ana) == []


def test_attempts_of_which_the_person_said_something_count_by_that_alone(ana: UserStore) -> None:
    allow(ana, "reactions")
    live(ana, *attempts())
    with ana.transaction() as transaction:
        transaction.append(Rating(candidate="a-0", value=5))
    live(ana, asked("c", "And?", MONDAY + 2 * MINUTE, before="b"))
    assert hints(ana) == []


# --- style ---------------------------------------------------------------------------------------------------------


def test_five_short_messages_are_a_hint_and_fifteen_an_offer(ana: UserStore) -> None:
    allow(ana, "style")
    live(ana, *on_days(*SHORT))
    assert {(hint.attribute, hint.target) for hint in hints(ana)} >= {("length", -0.4)}
    assert waiting(ana) == []
    live(ana, *on_days(*SHORT, *SHORT, start=MONDAY + timedelta(days=9), name="more"))
    lengths = [each for each in waiting(ana) if each.attribute == "length"]
    assert [(each.text, each.polarity, each.source) for each in lengths] == [
        ("I write short messages, so I may like short answers", -1, "style, 15 messages")
    ]


def test_messages_like_anybodys_say_nothing(ana: UserStore) -> None:
    allow(ana, "style")
    usual = (
        "How do I boil an egg so that the yolk stays soft?",
        "What should I pack for a week in Lisbon in May?",
        "Write a short birthday message for my neighbour.",
        "My laptop does not start after the update. What can I try?",
        "Is it better to rent or to buy a flat in a small town?",
    )
    live(ana, *on_days(*usual))
    assert hints(ana) == []


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (
            (
                "Could you please provide a comprehensive summary of the regulatory requirements for data retention?",
                "I would appreciate a detailed explanation of the underlying methodology.",
                "Furthermore, kindly elaborate on the implications for international organisations.",
                "Please confirm whether the aforementioned provisions apply to subsidiaries.",
                "I should be grateful for a revised version of the correspondence.",
            ),
            {("formality", 0.4), ("long_words", 0.4)},
        ),
        (
            (
                "hey, what's up with my wifi? it's super slow \N{GRINNING FACE}",
                "yeah that didn't work",
                "ok i'll try it, thanks! \N{GRINNING FACE}",
                "can you make it shorter? it's kinda boring \N{GRINNING FACE}",
                "cool, gonna use that",
            ),
            {("formality", -0.4), ("emoji", 0.4)},
        ),
    ],
)
def test_how_somebody_writes_is_read_in_the_named_attributes(
    ana: UserStore, messages: Sequence[str], expected: set[tuple[str, float]]
) -> None:
    allow(ana, "style")
    live(ana, *on_days(*messages))
    assert expected <= {(hint.attribute, hint.target) for hint in hints(ana)}


def test_every_mirrored_attribute_is_one_of_the_space_and_its_words_may_be_kept() -> None:
    for name, mirror in MIRRORS.items():
        known = ATTRIBUTES[name]
        for writes, likes in ((mirror.writes_low, known.low), (mirror.writes_high, known.high)):
            assert admitted(f"I write {writes or 'so'}, so I may like {likes}")


# --- live and replayed, forgotten, exported ------------------------------------------------------------------------

PROMPTS = (*KNITTING, *SHORT, "Name a song.", "Name a song.")
STEPS = st.one_of(
    st.tuples(st.just("turn"), st.integers(0, len(PROMPTS) - 1), st.integers(0, 4), st.integers(0, 90)),
    st.tuples(st.just("consent"), st.sampled_from(KINDS), st.booleans()),
    st.tuples(st.just("rate"), st.integers(0, 9)),
    st.tuples(st.just("forget")),
)


def life(steps: Sequence[tuple[object, ...]]) -> Iterator[AnyEvent | Forgetting]:
    """A person asks, goes on from what they were answered, rates, allows, takes back, and forgets what was inferred."""
    at, names = MONDAY, list[str]()
    for number, step in enumerate(steps):
        match step:
            case ("turn", int(prompt), int(back), int(hours)):
                at += timedelta(hours=hours / 3)
                before = names[-back] if 0 < back <= len(names) else ""
                names.append(f"t{number}")
                yield asked(names[-1], PROMPTS[prompt], at, before=before)
            case ("consent", str(kind), bool(is_given)):
                yield Consent.model_validate({"id": f"c{number}", "at": at, "inference": kind, "given": is_given})
            case ("rate", int(which)) if names:
                yield Rating(id=f"r{number}", at=at, candidate=f"{names[which % len(names)]}-0", value=4)
            case ("forget",):
                yield Forgetting(source="inferred")


def append(person: UserStore, *events: AnyEvent) -> None:
    with person.transaction() as transaction:
        for event in events:
            transaction.append(event)


def forget(person: UserStore, asked: Forgetting) -> list[AnyEvent]:
    """Which kinds of inference begin anew by it."""
    known = {each.event.id for each in person.events("restart")}
    forgotten(person, asked)
    return [each.event for each in person.events("restart") if each.event.id not in known]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=60))
def test_what_is_found_live_is_found_by_a_replay_and_once(steps: list[tuple[object, ...]]) -> None:
    with open_store("sqlite://") as store:
        lively, late = store.user("lively"), store.user("late")
        allowed = [Consent(id=f"first-{kind}", at=MONDAY, inference=kind, given=True) for kind in KINDS]
        for event in (*allowed, *life(steps)):
            if isinstance(event, Forgetting):
                append(late, *forget(lively, event))
            else:
                append(lively, event)
                append(late, event)
            infer(lively)
        infer(late)
        in_force = lively.ask(lambda statements: statements.consents.copy())
        for found in (hints, offered):
            told = [each for each in found(lively) if in_force.covers(each.inferred)]
            assert sorted(told, key=lambda each: each.id) == sorted(found(late), key=lambda each: each.id)
        before = len(lively.events())
        infer(store.user("lively"))
        assert len(lively.events()) == before
        refolded = Consolidated()
        for recorded in lively.events():
            refolded.take(recorded)
        assert refolded.proposals() == lively.proposals()
        assert refolded.consents == in_force
        imported, exported = store.user("imported"), export(lively)
        import_again(imported, exported)
        infer(imported)
        assert export(imported) == exported


def test_a_forgotten_turn_takes_what_was_inferred_from_it(ana: UserStore) -> None:
    allow(ana, "repeats")
    allow(ana, "reactions")
    live(ana, *on_days(*KNITTING), *attempts(), asked("c", "And?", MONDAY + 2 * MINUTE, before="b"))
    assert (len(offered(ana)), len(hints(ana))) == (1, 1)
    ana.forget(["evt-t1", "evt-b"])
    infer(ana)
    assert (offered(ana), hints(ana)) == ([], [])


def test_a_forgotten_subject_goes_with_its_turns_and_so_does_not_come_again(ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING))
    receipt = forgotten(ana, Forgetting(statement=waiting(ana)[0].id))
    assert receipt.kinds == {"interaction": 4, "proposal": 1}
    infer(ana)
    assert offered(ana) == []


def test_all_that_was_inferred_can_be_forgotten_at_once(ana: UserStore) -> None:
    for kind in KINDS:
        allow(ana, kind)
    live(ana, *on_days(*SHORT), *attempts(), asked("c", "And?", MONDAY + 2 * MINUTE, before="b"))
    assert hints(ana)
    for kind in KINDS:
        allow(ana, kind, given=False)
    forgotten(ana, Forgetting(source="inferred"))
    assert [each.event.kind for each in ana.events() if each.event.kind in ("hint", "proposal")] == []


def test_of_a_person_who_is_erased_while_something_is_inferred_nothing_is_kept(
    store: Store, ana: UserStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING[:3]))
    with ana.transaction() as transaction:
        transaction.append(asked("last", KNITTING[3], MONDAY + timedelta(days=8)))
    read_events, found = UserStore.events, list[Recorded]()

    def then_erased(reader: UserStore, *kinds: str, after: int = 0) -> list[Recorded]:
        events = read_events(reader, *kinds, after=after)
        if "interaction" in kinds:
            found.extend(events)
            reader.erase()
        return events

    monkeypatch.setattr(UserStore, "events", then_erased)
    assert infer(ana) == ()
    assert [each.event.id for each in found] == ["evt-last"]
    assert store.users() == 0


def test_to_forget_that_a_consent_was_taken_back_gives_no_consent(ana: UserStore) -> None:
    allow(ana, "style")
    taken_back = allow(ana, "style", given=False)
    ana.forget([taken_back.id])
    assert ana.ask(lambda statements: statements.consents.allowed) == {}


def test_what_was_inferred_and_allowed_survives_export_and_import(store: Store, ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING))
    data = export(ana)
    ben = store.user("ben")
    import_again(ben, data)
    assert export(ben) == data
    infer(ben)
    assert [each.text for each in waiting(ben)] == [each.text for each in waiting(ana)]
    assert len(ben.events()) == len(ana.events())


def test_a_person_never_learns_from_anothers_turns(store: Store, ana: UserStore) -> None:
    ben = store.user("ben")
    allow(ana, "repeats")
    allow(ben, "repeats")
    live(ana, *on_days(*KNITTING))
    infer(ben)
    assert [each.event.kind for each in ben.events()] == ["consent"]


def test_where_the_database_fails_all_that_was_found_is_kept_or_nothing_and_then_it_is_found_again(
    tmp_path: Path,
) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        ana = store.user("ana")
        for kind in KINDS:
            allow(ana, kind)
        live(ana, *on_days(*KNITTING[:3]))
        with ana.transaction() as transaction:
            for each in (*on_days(*SHORT, name="s"), asked("last", KNITTING[3], MONDAY + timedelta(days=8))):
                transaction.append(each)
        before, calls = len(ana.events()), 0
        while True:
            calls += 1
            with failing(calls) as made, suppress(StoreError):
                infer(ana)
            if made[0] < calls:
                break
            assert len(ana.events()) in (before, before + 2)
        assert calls > 5
        assert (len(hints(ana)), len(offered(ana))) == (1, 1)


def test_the_prefix_of_a_conversation_tells_it_from_others() -> None:
    assert prefix_of("a") != prefix_of("b") != ""
