"""What is older than a rule says is erased as if each person had asked for it, by a command and behind turns."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from idiolect import Assistant
from idiolect.cli import main
from idiolect.memory.rights.retaining import Clock, Rules, retain, sweep
from idiolect.memory.store import Store, open_store
from idiolect.schema import Choice, Slots, Statement
from idiolect.settings import Rule, Settings
from lives import MONDAY, record, statement, turn

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW = NOW - 91 * DAY, NOW - 89 * DAY
RULE = Rule(turns_days=90)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "me.db")) as opened:
        yield opened


def test_turns_older_than_the_rule_go_with_what_was_said_in_them_and_newer_ones_stay(store: Store) -> None:
    ana = store.user("ana")
    told = Statement(id="evt-told", at=OLD, text="I like figs", slots=(Slots(kind="topic", object="figs"),))
    record(
        ana,
        turn("old", at=OLD),
        statement("plums", "plums", turn_="old", at=OLD),
        Choice(id="evt-choice", chosen="old-1", over=("old-0",), at=NEW),
        turn("new", at=NEW),
        statement("tea", "tea", turn_="new", at=NEW),
        told,
    )
    receipt = retain(ana, RULE, NOW)
    assert set(receipt.events) == {"evt-old", "evt-plums", "evt-choice"}
    assert receipt.scope == "retention"
    assert {each.event.id for each in ana.events()} == {"evt-new", "evt-tea", "evt-told"}
    assert {each.object for each in ana.preferences(NOW)} == {"tea", "figs"}


def test_what_names_a_special_category_may_go_sooner(store: Store) -> None:
    ana = store.user("ana")
    slots = Slots(kind="about_me", object="diabetes", sensitive="health", span="I have diabetes")
    record(
        ana,
        Statement(id="evt-ill-said", at=OLD, text="I have diabetes", slots=(slots,)),
        turn("ill", "I have diabetes, what can I eat?", at=OLD),
        turn("well", at=OLD),
        Statement(id="evt-again", at=NEW, text="I have diabetes", slots=(slots,)),
    )
    receipt = retain(ana, Rule(special_days=90), NOW)
    assert set(receipt.events) == {"evt-ill-said", "evt-ill"}
    assert {each.event.id for each in ana.events()} == {"evt-well", "evt-again"}


def test_a_dry_run_tells_the_same_and_deletes_nothing(store: Store) -> None:
    ana = store.user("ana")
    record(ana, turn("old", at=OLD), turn("new", at=NEW))
    dry = retain(ana, RULE, NOW, dry_run=True)
    assert len(ana.events()) == 2
    assert retain(ana, RULE, NOW).events == dry.events == ("evt-old",)


def test_nothing_is_too_old_twice(store: Store) -> None:
    ana = store.user("ana")
    record(ana, turn("old", at=OLD))
    assert retain(ana, RULE, NOW).events
    assert not retain(ana, RULE, NOW).events
    assert [line.action for line in ana.audit_trail()] == ["forget"]


def test_no_file_holds_a_word_of_what_was_too_old_and_no_backup_brings_it_back(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "me.db")) as store:
        record(store.user("ana"), turn("old", "Any canary?", at=OLD), turn("new", at=NEW))
        swept = sweep(store, Rules(everybody=RULE), NOW)
        assert [(each.user, each.receipt.kinds) for each in swept.people] == [("ana", {"interaction": 1})]
        assert swept.people[0].receipt.ledger == str(tmp_path / "me.db.erasures")
        assert len(store.erasures()) == 1
    assert not any(b"canary" in file.read_bytes() for file in tmp_path.iterdir())


def test_everybody_is_looked_at_and_without_a_rule_nobody(store: Store) -> None:
    for user in ("ana", "ben", "cleo"):
        record(store.user(user), turn(f"old-{user}", at=OLD if user != "cleo" else NEW))
    assert sweep(store, Rules(), NOW).looked_at == 0
    swept = sweep(store, Rules(everybody=RULE), NOW)
    assert (swept.looked_at, [each.user for each in swept.people]) == (3, ["ana", "ben"])


def test_the_clock_strikes_once_a_day_and_never_without_a_rule(store: Store) -> None:
    clock = Clock(store, Rules(everybody=RULE))
    assert [clock.strikes(NOW + hours * timedelta(hours=1)) for hours in (0, 1, 23, 24, 25)] == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert not Clock(store, Rules()).strikes(NOW)


def test_a_tenant_and_a_person_may_have_days_of_their_own(store: Store) -> None:
    for person in ("ana", "ben", "shop::ana", "shop::ben", "shoplifter"):
        record(store.user(person), turn(person.replace("::", "-of-"), at=OLD))
    own = {"shop::": Rule(turns_days=30), "shop::ben": Rule(turns_days=365), "ben": Rule(special_days=1)}
    rules = Rules(everybody=Rule(turns_days=100, special_days=10), own=own)
    assert rules.of("shop::ana") == Rule(turns_days=30, special_days=10)
    assert rules.of("shop::ben") == Rule(turns_days=365, special_days=10)
    assert rules.of("ben") == Rule(turns_days=100, special_days=1)
    assert [each.user for each in sweep(store, rules, NOW).people] == ["shop::ana"]


def test_a_rule_for_a_tenant_alone_lets_others_be(store: Store) -> None:
    for person in ("ana", "shop::ana"):
        record(store.user(person), turn(person.replace("::", "-of-"), at=OLD))
    rules = Rules.of_settings(Settings.model_validate({"keep_for": {"shop::": {"turns_days": 30}}}))
    assert rules
    swept = sweep(store, rules, NOW)
    assert (swept.looked_at, [each.user for each in swept.people]) == (1, ["shop::ana"])


def test_behind_a_turn_what_is_too_old_is_erased(tmp_path: Path) -> None:
    address = str(tmp_path / "me.db")
    settings = Settings(model="scripted", store=address, embedder="none", candidates=1, keep_turns_days=30)
    with open_store(address) as store:
        record(store.user("ben"), turn("old", at=MONDAY))
    with Assistant(settings=settings) as assistant:
        assistant.answer("ana", "Hello there")
    with open_store(address) as store:
        assert store.user("ben").events() == []
        assert len(store.user("ana").events()) == 1


def test_the_command_erases_with_receipts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("idiolect.db") as store:
        record(store.user("ana"), turn("old", at=MONDAY))

    def command(*said: str) -> str:
        with pytest.raises(SystemExit) as left:
            main(["govern", "retain", *said])
        assert not left.value.code, capsys.readouterr().err
        return capsys.readouterr().out

    dry = json.loads(command("--turns-days", "1", "--dry-run", "--json"))
    assert dry["dry_run"]
    assert dry["people"][0]["receipt"]["events"] == ["evt-old"]
    assert "ana" in command("--turns-days", "1")
    assert json.loads(command("--turns-days", "1", "--json"))["people"] == []
    with pytest.raises(SystemExit) as left:
        main(["govern", "retain"])
    assert left.value.code == 1
    assert "no rule is set" in capsys.readouterr().err
