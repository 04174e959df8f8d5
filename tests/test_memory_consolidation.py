"""From events to the statements that hold: merging, supersession, conflicts, expiry, decay, proposals, consent."""

import pytest

from folds import DAY, day, folded, ids, slots
from idiolect.memory.consolidation import Consolidated
from idiolect.memory.consolidation.lasting import lasts
from idiolect.memory.records import Recorded
from idiolect.schema import (
    AnyEvent,
    Correction,
    Decision,
    Proposal,
    Revision,
    Slots,
    Statement,
)


def said(name: str, *things: Slots, at: float = 0, source: str = "conversation") -> Statement:
    fields = {"id": name, "text": "as it was said", "slots": things, "at": day(at), "source": source}
    return Statement.model_validate(fields)


def offered(name: str, thing: Slots, at: float = 0) -> Proposal:
    return Proposal(id=name, text=thing.span, slots=thing, origin="import", source="an export", at=day(at))


def statuses(consolidated: Consolidated, at: float = 1) -> dict[str, str]:
    return {each.id: each.status for each in consolidated.all(day(at))}


def test_the_same_said_again_in_other_words_is_one_statement_with_all_its_evidence_and_surer() -> None:
    once = folded(said("a", slots("hotels with a loud nightlife", -1)))
    twice = folded(
        said("a", slots("hotels with a loud nightlife", -1)), said("b", slots("Loud nightlife hotel", -1), at=1)
    )
    (first,), (both,) = once.preferences(day(2)), twice.preferences(day(2))
    assert (both.id, both.evidence, both.text, both.at) == ("a", ("a", "b"), "Loud nightlife hotel", day(0))
    assert both.confidence > first.confidence


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (slots("seafood"), slots("oysters", -1)),
        (slots("hotels"), slots("hotels near clubs", -1)),
        (slots("coffee with sugar"), slots("coffee without sugar", -1)),
        (slots("window seats"), slots("window seats", -1, scope="when I fly with children")),
        (slots("the 1975"), slots("the 1980")),
        (slots("trains", kind="about_me"), slots("trains", -1)),
    ],
)
def test_the_general_and_the_specific_and_what_has_another_scope_live_side_by_side(one: Slots, other: Slots) -> None:
    for first, second in ((one, other), (other, one)):
        assert len(folded(said("a", first), said("b", second, at=1)).preferences(day(2))) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (slots("jazz"), slots("jazz", -1)),
        (slots("tea", over="coffee"), slots("coffee", over="tea")),
        (slots("length", kind="style", attribute="length"), slots("short", -1, kind="style", attribute="length")),
        (slots("flights over four hours", -1, kind="constraint"), slots("flights over 6 hours", -1, kind="constraint")),
        (slots("two dogs", kind="about_me"), slots("three dogs", kind="about_me")),
        (slots("quiet hotels"), slots("hotels", -1, corrects=True)),
        (slots("coffee"), slots("tea", over="coffee", corrects=True)),
        (slots("steak", temporary=True), slots("steak", -1)),
    ],
)
def test_the_newer_statement_takes_the_place_of_the_older_one_which_stays_with_its_dates(
    old: Slots, new: Slots
) -> None:
    consolidated = folded(said("a", old), said("b", new, at=1))
    assert ids(consolidated.preferences(day(2))) == ["b"]
    before, after = consolidated.all(day(2))
    assert (before.status, before.at, before.until) == ("superseded", day(0), day(1))
    assert (after.status, after.until) == ("held", None)
    assert ids(consolidated.preferences(day(0.5))) == ["a"]  # what was believed then


def test_an_older_statement_that_comes_late_does_not_take_the_place_of_a_newer_one() -> None:
    consolidated = folded(said("b", slots("jazz", -1), at=1), said("a", slots("jazz"), at=0))
    assert ids(consolidated.preferences(day(2))) == ["b"]
    assert statuses(consolidated, 2) == {"b": "held", "a": "superseded"}
    assert ids(consolidated.preferences(day(0.5))) == ["a"]


def test_a_statement_that_came_back_supersedes_what_superseded_it() -> None:
    consolidated = folded(said("a", slots("jazz")), said("b", slots("jazz", -1), at=1), said("c", slots("jazz"), at=2))
    assert ids(consolidated.preferences(day(3))) == ["c"]
    assert statuses(consolidated, 3) == {"a": "superseded", "b": "superseded", "c": "held"}


def test_opposites_of_one_breath_are_shown_as_a_conflict_and_neither_is_used() -> None:
    consolidated = folded(said("a", slots("jazz"), slots("jazz", -1), slots("tea")))
    assert ids(consolidated.preferences(day(1))) == ["a.2"]
    assert [ids(group) for group in consolidated.conflicts(day(1))] == [["a.0", "a.1"]]
    assert {each.id: each.conflicts for each in consolidated.all(day(1))} == {
        "a.0": ("a.1",),
        "a.1": ("a.0",),
        "a.2": (),
    }


def test_a_conflict_ends_when_the_person_says_which() -> None:
    events: list[AnyEvent] = [said("a", slots("jazz"), slots("jazz", -1))]
    anew = folded(*events, said("b", slots("jazz"), at=1))
    assert ids(anew.preferences(day(2))) == ["a.0"]
    assert anew.conflicts(day(2)) == ()
    dropped = folded(*events, Correction(statement="a.0", at=day(1)))
    assert ids(dropped.preferences(day(2))) == ["a.1"]
    assert dropped.conflicts(day(2)) == ()


def test_what_must_not_be_broken_is_kept_to_while_it_is_in_conflict() -> None:
    consolidated = folded(said("a", slots("nuts", -1, kind="constraint"), slots("nuts")))
    assert ids(consolidated.preferences(day(1))) == ["a.0"]


def test_two_accepted_imports_that_contradict_each_other_are_a_conflict() -> None:
    consolidated = folded(
        offered("a", slots("jazz")),
        offered("b", slots("jazz", -1)),
        Decision(proposal="a", accepted=True, at=day(1)),
        Decision(proposal="b", accepted=True, at=day(2)),
    )
    assert [ids(group) for group in consolidated.conflicts(day(3))] == [["a", "b"]]
    assert consolidated.preferences(day(3)) == ()


def test_in_one_breath_a_correction_wins() -> None:
    consolidated = folded(said("a", slots("jazz"), slots("jazz", -1, corrects=True)))
    assert ids(consolidated.preferences(day(1))) == ["a.1"]


@pytest.mark.parametrize(
    ("words", "length"),
    [
        ("short answers for now", 7), ("no meat today", 1), ("tonight only soup", 1), ("this week", 7),
        ("this month", 30),        ("for the next three days", 3), ("for 2 weeks", 14), ("this winter", 90),
    ],
)  # fmt: skip
def test_a_temporary_statement_expires_by_its_own_words(words: str, length: float) -> None:
    assert lasts(words) == length * DAY
    consolidated = folded(said("a", slots("meat", -1, temporary=True, span=words)))
    assert ids(consolidated.preferences(day(length - 0.01))) == ["a"]
    assert consolidated.preferences(day(length)) == ()
    assert statuses(consolidated, length) == {"a": "expired"}


def test_what_holds_for_now_goes_before_what_always_holds_and_then_gives_way() -> None:
    consolidated = folded(said("a", slots("meat")), said("b", slots("meat", -1, temporary=True), at=1))
    assert ids(consolidated.preferences(day(2))) == ["b"]
    assert ids(consolidated.preferences(day(9))) == ["a"]


def test_a_temporary_statement_that_is_said_again_lasts_anew_and_after_it_ended_begins_anew() -> None:
    short = slots("meat", -1, temporary=True)
    assert ids(folded(said("a", short), said("b", short, at=5)).preferences(day(11))) == ["a"]
    again = folded(said("a", short), said("b", short, at=8))
    assert statuses(again, 9) == {"a": "expired", "b": "held"}


def test_what_was_picked_fades_by_half_life_and_repetition_makes_it_last() -> None:
    once = folded(said("a", slots("sushi"), source="choice"))
    assert once.preferences(day(0.5))[0].confidence == 0.5
    assert once.preferences(day(90))[0].confidence == 0.25
    assert once.preferences(day(130)) == ()
    assert statuses(once, 130) == {"a": "faded"}
    often = folded(*(said(name, slots("sushi"), at=number, source="choice") for number, name in enumerate("abc")))
    assert 0.8 < often.preferences(day(3))[0].confidence < 0.9
    assert ids(often.preferences(day(200))) == ["a"]
    assert statuses(folded(said("a", slots("sushi"))), 3000) == {"a": "held"}  # what was said does not


def test_what_was_said_goes_before_what_was_picked_whichever_came_first() -> None:
    later = folded(said("a", slots("sushi", -1)), said("b", slots("sushi"), at=1, source="choice"))
    assert ids(later.preferences(day(2))) == ["a"]
    earlier = folded(said("a", slots("sushi"), source="choice"), said("b", slots("sushi", -1), at=1))
    assert ids(earlier.preferences(day(2))) == ["b"]
    assert statuses(earlier, 2) == {"a": "superseded", "b": "held"}
    confirmed = folded(said("a", slots("sushi"), source="choice"), said("b", slots("sushi"), at=1))
    (both,) = confirmed.preferences(day(2000))
    assert (both.id, both.origin, both.evidence) == ("a", "said", ("a", "b"))


def test_a_pin_stops_decay_and_expiry() -> None:
    pinned = folded(
        said("a", slots("sushi"), source="choice"),
        said("b", slots("meat", -1, temporary=True)),
        Revision(statement="a", pinned=True, at=day(1)),
        Revision(statement="b", pinned=True, at=day(1)),
    )
    assert [(each.id, each.pinned) for each in pinned.preferences(day(3000))] == [("a", True), ("b", True)]


def test_an_edit_changes_the_words_keeps_the_id_and_goes_before_what_says_the_same() -> None:
    consolidated = folded(
        said("a", slots("loud hotels")),
        said("b", slots("quiet hotels")),
        Revision(id="r", statement="a", slots=slots("quiet hotels"), at=day(1)),
    )
    (kept,) = consolidated.preferences(day(2))
    assert (kept.id, kept.text, kept.evidence) == ("a", "quiet hotels", ("a", "r"))
    assert consolidated.worded("a") == ("r", 0)
    assert statuses(consolidated, 2) == {"a": "held", "b": "superseded"}


def test_a_correction_ends_a_statement_by_its_id_its_events_or_that_of_any_of_its_evidence() -> None:
    events = [said("a", slots("jazz"), slots("tea")), said("b", slots("jazz"), at=1)]
    for named, left in (("a.0", ["a.1"]), ("a", []), ("b", ["a.1"]), ("nobody's", ["a.0", "a.1"])):
        consolidated = folded(*events, Correction(statement=named, at=day(2)))
        assert ids(consolidated.preferences(day(3))) == left
    assert statuses(folded(*events, Correction(statement="a", at=day(2))), 3) == {"a.0": "ended", "a.1": "ended"}


def test_what_was_ended_can_be_said_again() -> None:
    consolidated = folded(
        said("a", slots("jazz")), Correction(statement="a", at=day(1)), said("b", slots("jazz"), at=2)
    )
    assert ids(consolidated.preferences(day(3))) == ["b"]


def test_a_proposal_waits_and_counts_from_the_day_it_is_accepted() -> None:
    waiting = folded(offered("a", slots("jazz")))
    assert ids(waiting.proposals()) == ["a"]
    assert waiting.preferences(day(1)) == ()
    accepted = folded(offered("a", slots("jazz")), Decision(proposal="a", accepted=True, at=day(5)))
    (held,) = accepted.preferences(day(6))
    assert (held.id, held.at, held.origin, held.source, accepted.proposals()) == (
        "a",
        day(5),
        "import",
        "an export",
        (),
    )
    assert accepted.preferences(day(4)) == ()
    assert ids(
        folded(
            offered("a", slots("jazz")), Decision(proposal="a", accepted=True), offered("b", slots("tea"))
        ).proposals()
    ) == ["b"]


def test_a_refused_proposal_is_not_asked_again_and_may_be_accepted_later() -> None:
    events: list[AnyEvent] = [
        offered("a", slots("jazz")),
        Decision(proposal="a", accepted=False, at=day(1)),
        offered("b", slots("Jazz"), at=2),
    ]
    refused = folded(*events)
    assert (refused.proposals(), refused.preferences(day(3)), statuses(refused, 3)) == ((), (), {"a": "refused"})
    assert ids(folded(*events, Decision(proposal="b", accepted=True, at=day(3))).preferences(day(4))) == ["a"]


def test_an_accepted_proposal_that_the_person_has_said_joins_their_own_words() -> None:
    consolidated = folded(
        said("a", slots("jazz")), offered("b", slots("jazz")), Decision(proposal="b", accepted=True, at=day(1))
    )
    (both,) = consolidated.preferences(day(2))
    assert (both.id, both.evidence, both.origin) == ("a", ("a", "b"), "said")


def test_a_special_category_waits_for_consent_unless_it_was_put_in_on_purpose() -> None:
    faith = slots("Lent", sensitive="faith")
    assert statuses(folded(said("a", faith))) == {"a": "unconsented"}
    assert folded(said("a", faith)).preferences(day(1)) == ()
    consented: list[AnyEvent] = [said("a", faith), Revision(statement="a", consented=True, at=day(0.5))]
    assert statuses(folded(*consented)) == {"a": "held"}
    assert statuses(folded(*consented, Revision(statement="a", consented=False, at=day(0.6)))) == {"a": "unconsented"}
    assert statuses(folded(said("a", faith, source="feedback"))) == {"a": "held"}


def test_a_mark_stays_with_a_statement() -> None:
    consolidated = folded(
        said("a", slots("jazz")), Revision(statement="a", local_only=True), said("b", slots("jazz"), at=1)
    )
    assert consolidated.preferences(day(2))[0].local_only


def test_changes_name_what_came_into_force_and_what_left_it() -> None:
    consolidated = folded(said("a", slots("jazz")), said("b", slots("meat", -1, temporary=True), at=1))
    assert {key: held is not None for key, held in consolidated.changes(day(2))} == {"a": True, "b": True}
    assert dict(consolidated.changes(day(2))).keys() == {"b"}
    consolidated.take(Recorded(3, said("c", slots("jazz", -1), at=9)))
    assert {key: held is not None for key, held in consolidated.changes(day(9))} == {"a": False, "b": False, "c": True}
