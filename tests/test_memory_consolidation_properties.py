"""Whatever happens, in whatever order: what is folded live, in layers, or anew is the same."""

from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from folds import day, folded, ids, slots
from idiolect.memory.consolidation import Consolidated
from idiolect.memory.records import Recorded
from idiolect.schema import AnyEvent, Consent, Correction, Decision, Inferred, Proposal, Revision, Statement

THINGS = [
    slots("jazz"), slots("jazz", -1), slots("jazz", scope="when I work"), slots("jazz", -1, temporary=True),
    slots("tea", over="coffee"), slots("coffee", over="tea"), slots("coffee"), slots("quiet hotels"),
    slots("hotels", -1, corrects=True), slots("Lent", sensitive="faith"),
    slots("flights over 4 hours", -1, kind="constraint"), slots("flights over 6 hours", -1, kind="constraint"),
    slots("long", kind="style", attribute="length"), slots("short", -1, kind="style", attribute="length"),
]  # fmt: skip
NAMES = st.sampled_from([f"e{number}" for number in range(12)] + ["e1.0", "e2.1", "e3.1"])
KINDS = ("say", "say", "say", "pick", "offer", "allow", "allow", "guess", "guess", "decide", "revise", "drop")
TIMES = st.integers(0, 40).map(lambda number: day(number * 5))


@st.composite
def events(draw: st.DrawFn) -> list[AnyEvent]:
    """Up to twelve, named e0, e1, ..., that point at each other and at nothing."""
    made: list[AnyEvent] = []
    for number in range(draw(st.integers(1, 12))):
        fields = {"id": f"e{number}", "at": draw(TIMES)}
        kind = draw(
            st.sampled_from(["say", "say", "say", "pick", "offer", "guess", "allow", "decide", "revise", "drop"])
        )
        some = tuple(draw(st.lists(st.sampled_from(THINGS), min_size=1, max_size=3)))
        name, flag = draw(NAMES), draw(st.booleans())
        match kind:
            case "say" | "pick":
                source = "choice" if kind == "pick" else "conversation"
                made.append(Statement.model_validate({**fields, "text": "x", "slots": some, "source": source}))
            case "offer":
                made.append(
                    Proposal.model_validate(
                        {**fields, "text": "x", "slots": some[0], "origin": "import", "source": "x"}
                    )
                )
            case "guess":
                inferred = Inferred(by="repeats", consent=name, turns=())
                made.append(
                    Proposal.model_validate(
                        {
                            **fields,
                            "text": "x",
                            "slots": some[0],
                            "origin": "inferred",
                            "source": "x",
                            "inferred": inferred,
                        }
                    )
                )
            case "allow":
                made.append(Consent.model_validate({**fields, "inference": "repeats", "given": flag}))
            case "decide":
                made.append(Decision.model_validate({**fields, "proposal": name, "accepted": flag}))
            case "revise":
                made.append(
                    Revision.model_validate(
                        {**fields, "statement": name, "slots": some[0] if flag else None, "pinned": flag}
                    )
                )
            case "drop":
                made.append(Correction.model_validate({**fields, "statement": name}))
    return made


def everything(consolidated: Consolidated, at: datetime) -> tuple[object, ...]:
    held = consolidated.preferences(at), consolidated.styles(at)
    return held, consolidated.all(at), consolidated.proposals(), consolidated.conflicts(at)


@settings(max_examples=400, deadline=None)
@given(events(), TIMES, st.data())
def test_what_is_folded_bit_by_bit_and_read_in_between_is_the_same_as_a_replay(
    happened: list[AnyEvent], at: datetime, data: st.DataObject
) -> None:
    live = Consolidated()
    for seq, event in enumerate(happened, start=1):
        live.take(Recorded(seq, event))
        if data.draw(st.booleans()):
            everything(live, data.draw(TIMES))
        if data.draw(st.booleans()):
            live = live.layer()
    for seq, event in enumerate(happened, start=1):
        live.take(Recorded(seq, event))  # again
    for moment in (at, day(1000)):
        assert everything(live, moment) == everything(folded(*happened), moment)


@settings(max_examples=400, deadline=None)
@given(events(), TIMES)
def test_the_quick_road_to_what_is_in_force_meets_the_slow_one(happened: list[AnyEvent], later: datetime) -> None:
    consolidated = folded(*happened)
    at = max(later, consolidated.latest)
    quick = consolidated.preferences(at)
    assert quick == consolidated._view.then(at)
    assert {key: held for key, held in consolidated.changes(at) if held} == {each.id: each for each in quick}
    in_force = set(ids(quick))
    statuses_of = {each.id: each.status for each in consolidated.all(at)}
    assert all(statuses_of[identifier] == "held" for identifier in in_force)
    assert len(in_force) == len(quick)
    always = [each for each in quick if each.attribute is not None and not each.scope]
    assert consolidated.styles(at) == tuple(always)


@settings(max_examples=200, deadline=None)
@given(events())
def test_a_layer_goes_its_own_way_and_what_is_below_it_stays(happened: list[AnyEvent]) -> None:
    half = len(happened) // 2
    original = folded(*happened[:half])
    before = everything(original, day(1000))
    other = original.layer()
    for seq, event in enumerate(happened[half:], start=half + 1):
        other.take(Recorded(seq, event))
    assert everything(original, day(1000)) == before
    assert everything(other, day(1000)) == everything(folded(*happened), day(1000))
