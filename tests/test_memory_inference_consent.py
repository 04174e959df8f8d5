"""Nothing is inferred before it is allowed, and what was counts no more once the consent is taken back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from idiolect.memory.inference.inferring import infer
from idiolect.memory.store import Store, UserStore, open_store
from idiolect.schema import Decision, Inference, Slots, Statement
from inferring import KINDS, KNITTING, SHORT, allow, asked, attempts, hints, live, offered, on_days, waiting
from lives import MONDAY


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store("sqlite://") as opened:
        yield opened


@pytest.fixture
def ana(store: Store) -> UserStore:
    return store.user("ana")


def test_without_consent_nothing_is_read_and_nothing_is_found(ana: UserStore) -> None:
    live(ana, *on_days(*KNITTING, *SHORT), *attempts())
    assert [each.event.kind for each in ana.events()] == ["interaction"] * 11


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_finds_only_what_it_was_allowed_to(ana: UserStore, kind: Inference) -> None:
    allow(ana, kind)
    live(ana, *on_days(*KNITTING, *SHORT, *SHORT, *SHORT), *attempts(), asked("c", "And now?", MONDAY, before="b"))
    found = [*(each.inferred for each in hints(ana)), *(each.inferred for each in offered(ana))]
    assert {inferred.by for inferred in found if inferred} == {kind}


def test_what_came_before_the_consent_is_never_looked_at(ana: UserStore) -> None:
    live(ana, *on_days(*KNITTING[:3]))
    allow(ana, "repeats")
    live(ana, asked("x", KNITTING[3], MONDAY + timedelta(days=4)))
    assert offered(ana) == []


def test_what_was_inferred_counts_no_more_once_the_consent_is_taken_back(ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING))
    assert [each.text for each in waiting(ana)] == ["I often ask about knitting"]
    allow(ana, "repeats", given=False)
    assert waiting(ana) == []
    assert ana.statements() == ()


def test_a_find_that_comes_after_the_consent_was_taken_back_is_not_offered(ana: UserStore) -> None:
    consent = allow(ana, "repeats")
    live(ana, *on_days(*KNITTING))
    (late,) = offered(ana)
    allow(ana, "repeats", given=False)
    with ana.transaction() as transaction:
        transaction.append(late.model_copy(update={"id": "late"}))
    assert late.inferred is not None
    assert late.inferred.consent == consent.id
    assert waiting(ana) == []


def test_allowed_again_it_begins_anew(ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING))
    allow(ana, "repeats", given=False)
    allow(ana, "repeats")
    infer(ana)
    assert waiting(ana) == []
    live(ana, *on_days(*KNITTING, start=MONDAY + timedelta(days=9), name="again"))
    assert [each.text for each in waiting(ana)] == ["I often ask about knitting"]


def test_what_was_refused_does_not_come_again_be_it_allowed_anew(ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING))
    with ana.transaction() as transaction:
        transaction.append(Decision(proposal=waiting(ana)[0].id, accepted=False))
    allow(ana, "repeats", given=False)
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING, start=MONDAY + timedelta(days=9), name="again"))
    assert len(offered(ana)) == 2
    assert waiting(ana) == []


def test_what_was_accepted_is_the_persons_own_and_stays_when_the_consent_goes(ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING))
    with ana.transaction() as transaction:
        transaction.append(Decision(proposal=waiting(ana)[0].id, accepted=True))
    allow(ana, "repeats", given=False)
    (held,) = ana.preferences()
    assert (held.object, held.origin) == ("knitting", "inferred")


def test_nothing_is_offered_of_what_the_person_has_spoken_about(ana: UserStore) -> None:
    slots = Slots(kind="topic", object="knitting", polarity=-1, span="I hate knitting")
    allow(ana, "repeats")
    with ana.transaction() as transaction:
        transaction.append(Statement(text="I hate knitting", slots=(slots,)))
    live(ana, *on_days(*KNITTING))
    assert waiting(ana) == []


def test_an_offer_goes_when_the_person_says_it_themselves(ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING))
    slots = Slots(kind="topic", object="knitting", span="I love knitting")
    with ana.transaction() as transaction:
        transaction.append(Statement(text="I love knitting", slots=(slots,)))
    assert waiting(ana) == []
    assert [each.text for each in ana.preferences()] == ["I love knitting"]
