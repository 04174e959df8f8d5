"""What was inferred and forgotten does not come back from the same events, while the consent still stands."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from erased import restored
from idiolect.memory.inference.inferring import infer
from idiolect.memory.rights import export, import_again
from idiolect.memory.rights.asking import Forgetting, forgotten
from idiolect.memory.rights.auditing import audited
from idiolect.memory.store import Store, UserStore, open_store
from idiolect.schema import Decision, Inference, Inferred, Restart, Signal
from inferring import KINDS, KNITTING, MINUTE, SHORT, allow, asked, attempts, hints, live, offered, on_days, waiting
from lives import MONDAY

LATER = MONDAY + timedelta(days=40)
INFERRED = Forgetting(source="inferred")


def lived(person: UserStore, name: str = "t", start: int = 0) -> None:
    """Enough to be found something in by every kind of inference."""
    begin = MONDAY + timedelta(days=start)
    live(person, *on_days(*KNITTING, *SHORT, *SHORT, *SHORT, start=begin, name=name))
    tried = (f"{name}-a", f"{name}-b")
    live(person, *(asked(each, "Name a song.", begin + number * MINUTE) for number, each in enumerate(tried)))
    live(person, asked(f"{name}-c", "And now?", begin + 5 * MINUTE, before=tried[0]))


def found(person: UserStore) -> set[Inference]:
    return {inferred.by for inferred in grounds(person)}


def grounds(person: UserStore) -> list[Inferred]:
    """What everything that was found rests on."""
    found = [*(each.inferred for each in hints(person)), *(each.inferred for each in offered(person))]
    return [each for each in found if each is not None]


def restarts(person: UserStore) -> list[Inference]:
    return [each.event.inference for each in person.events("restart") if isinstance(each.event, Restart)]


def test_what_was_inferred_and_forgotten_stays_forgotten_while_it_is_still_allowed(ana: UserStore) -> None:
    for kind in KINDS:
        allow(ana, kind)
    lived(ana)
    assert found(ana) == set(KINDS)
    forgotten(ana, INFERRED)
    assert restarts(ana) == sorted(KINDS)
    live(ana, asked("next", "Good morning.", LATER))
    assert (hints(ana), offered(ana)) == ([], [])


def test_after_a_forgetting_it_is_inferred_again_from_what_comes_later_alone(ana: UserStore) -> None:
    for kind in KINDS:
        allow(ana, kind)
    lived(ana)
    forgotten(ana, INFERRED)
    lived(ana, "later", start=50)
    assert found(ana) == set(KINDS)
    assert all(turn.startswith("later") for inferred in grounds(ana) for turn in inferred.turns)


def test_a_forgotten_offer_of_style_does_not_come_again(ana: UserStore) -> None:
    allow(ana, "style")
    live(ana, *on_days(*SHORT, *SHORT, *SHORT))
    (offer,) = (each for each in waiting(ana) if each.attribute == "length")
    forgotten(ana, Forgetting(statement=offer.id))
    live(ana, asked("next", "ok bye", LATER))
    assert [each for each in waiting(ana) if each.attribute == "length"] == []


def test_a_forgotten_subject_does_not_come_again_by_the_turns_that_came_after_it_was_offered(ana: UserStore) -> None:
    allow(ana, "repeats")
    live(ana, *on_days(*KNITTING), *on_days(*(f"{each} Please." for each in KNITTING), start=MONDAY, name="u"))
    forgotten(ana, Forgetting(topic="knitting"))
    live(ana, asked("next", "Good morning.", LATER))
    assert offered(ana) == []


def test_what_was_accepted_and_then_forgotten_does_not_come_again(ana: UserStore) -> None:
    allow(ana, "style")
    live(ana, *on_days(*SHORT, *SHORT, *SHORT))
    with ana.transaction() as transaction:
        transaction.append(Decision(proposal=waiting(ana)[0].id, accepted=True))
    forgotten(ana, Forgetting(statement=ana.preferences()[0].id))
    infer(ana)
    assert ana.preferences() == ()
    assert [each for each in waiting(ana) if each.attribute == "length"] == []


def test_attempts_that_a_forgotten_signal_spoke_of_are_not_read_as_if_nobody_had(ana: UserStore) -> None:
    allow(ana, "reactions")
    live(ana, *attempts())
    with ana.transaction() as transaction:
        transaction.append(Signal(what="copied", candidate="b-0"))
    live(ana, asked("c", "And now?", MONDAY + 5 * MINUTE, before="b"))
    assert hints(ana) == []
    forgotten(ana, INFERRED)
    infer(ana)
    assert hints(ana) == []


def test_other_kinds_go_on_and_what_is_not_allowed_leaves_no_mark(ana: UserStore) -> None:
    allow(ana, "repeats")
    allow(ana, "style")
    live(ana, *on_days(*KNITTING[:3]), *on_days(*SHORT, name="s"))
    assert found(ana) == {"style"}
    forgotten(ana, INFERRED)
    assert restarts(ana) == ["style"]
    live(ana, asked("last", KNITTING[3], MONDAY + timedelta(days=8)))
    assert found(ana) == {"repeats"}
    allow(ana, "repeats", given=False)
    forgotten(ana, INFERRED)
    assert restarts(ana) == ["style"]


def test_the_mark_of_a_forgetting_holds_no_word_and_goes_with_the_consent_alone(ana: UserStore) -> None:
    consent = allow(ana, "style")
    live(ana, *on_days(*SHORT))
    forgotten(ana, INFERRED)
    (mark,) = (each.event for each in ana.events("restart"))
    assert mark.model_dump(exclude={"id", "at"}) == {"kind": "restart", "inference": "style", "consent": consent.id}
    assert (mark.kind, (mark.id, consent.id)) in [(line.action, line.ids) for line in audited(ana)]
    ana.forget([mark.id])
    assert restarts(ana) == ["style"]
    ana.forget([consent.id])
    assert restarts(ana) == []


def test_a_dry_run_marks_nothing(ana: UserStore) -> None:
    allow(ana, "style")
    live(ana, *on_days(*SHORT))
    forgotten(ana, INFERRED.model_copy(update={"dry_run": True}))
    assert restarts(ana) == []
    assert hints(ana)


def test_what_was_forgotten_stays_forgotten_in_another_process_and_in_an_export(store: Store, ana: UserStore) -> None:
    for kind in KINDS:
        allow(ana, kind)
    lived(ana)
    forgotten(ana, INFERRED)
    ben, data = store.user("ben"), export(ana)
    import_again(ben, data)
    store._keeping.drop("ana")  # as in a process that has read nothing of her yet
    for person in (ana, ben):
        infer(person)
        assert export(person) == data


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_that_is_restored_does_not_infer_again_what_was_forgotten(tmp_path: Path, kind: Inference) -> None:
    file, copy = tmp_path / "me.db", tmp_path / "copy"
    with open_store(str(file)) as store:
        ana = store.user("ana")
        allow(ana, kind)
        lived(ana)
        assert found(ana) == {kind}
        store.close()
    shutil.copy(file, copy)
    with open_store(str(file)) as store:
        forgotten(store.user("ana"), INFERRED)
    with restored(copy) as store:
        ana = store.user("ana")
        live(ana, asked("next", "Good morning.", LATER))
        assert found(ana) == set()
