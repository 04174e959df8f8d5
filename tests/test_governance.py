"""The report of a deployment: counts and hashes alone; and a checklist whose lines name tests that exist."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from idiolect.cli import main
from idiolect.governance import as_html, as_markdown, report
from idiolect.governance.report import checklist, purposes
from idiolect.memory.store import Store, open_store
from idiolect.schema import AnyEvent, Consent, Slots, Statement, Verdict
from idiolect.settings import Settings
from lives import MONDAY, life, record, turn

NOW = datetime(2026, 6, 1, tzinfo=UTC)
REFUSED = Verdict(score=0.1, action="refuse", category="weapons", rule="build-weapons", policy_version="2026.1")
SETTINGS = Settings(model="scripted", keep_turns_days=30)
TESTS = Path(__file__).parent


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "me.db")) as opened:
        record(opened.user("ana"), *life("canary"))
        with opened.user("ana").transaction() as transaction:
            transaction.sent("openai:some", ["words", "statements"])
            transaction.append(Consent(inference="style", given=True, at=MONDAY))
            transaction.append(Consent(inference="style", given=False, at=MONDAY + timedelta(hours=1)))
            transaction.append(Consent(inference="repeats", given=True, at=MONDAY))
        yield opened


def incident(name: str) -> AnyEvent:
    made = turn(name)
    trace = made.answer.trace.model_copy(update={"request_verdict": REFUSED})
    answer = made.answer.model_copy(update={"trace": trace, "candidates": (), "chosen": None})
    return made.model_copy(update={"answer": answer})


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("test", sorted({line.test for line in checklist() if line.test}))
def test_a_line_of_the_checklist_names_a_test_that_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert name.startswith("test_")
    assert name in names_in(file)


def test_the_checklist_says_what_is_not_covered() -> None:
    lines = checklist()
    assert {line.law for line in lines} == {"GDPR", "AI Act"}
    assert 0 < sum(not line.test for line in lines) < len(lines) / 2


def test_every_kind_of_event_has_a_purpose() -> None:
    told = " ".join(each.data for each in purposes())
    names = {
        "interaction": "turns",
        "statement": "statements",
        "proposal": "statements",
        "decision": "statements",
        "revision": "statements",
        "consent": "inferred",
        "restart": "inferred",
        "signal": "inferred",
        "hint": "inferred",
        "sharing": "adapters",
        "method": "the method",
        **dict.fromkeys(("choice", "tie", "rating", "edit", "correction", "interview"), "feedback"),
    }
    kinds = {each.model_fields["kind"].default for each in get_args(get_args(AnyEvent)[0])}
    assert kinds == names.keys()
    assert all(name in told for name in names.values())


def test_the_report_counts_what_is_kept_and_holds_no_word_and_no_id(store: Store) -> None:
    found = report(store, SETTINGS, at=NOW)
    (ana,) = found.people
    assert ana.events["interaction"] == 2
    assert ana.sources == {"proposed from import": 2, "said in conversation": 1}
    assert (ana.consents, ana.withdrawals) == ({"repeats": True, "reactions": False, "style": False}, 1)
    assert (ana.oldest, ana.overdue) == (MONDAY, 7)
    assert {(each.endpoint, each.kind) for each in ana.shown} == {
        ("openai:some", "words"),
        ("openai:some", "statements"),
    }
    for text in (found.model_dump_json(), as_markdown(found), as_html(found)):
        assert "canary" not in text
        assert "ana" not in text.replace("Governance", "").replace("managed", "")


def test_incidents_are_counted_by_month_category_rule_and_version(store: Store) -> None:
    with store.user("ben").transaction() as transaction:
        for name in ("x", "y"):
            transaction.append(incident(name))
    found = report(store, SETTINGS, at=NOW)
    assert [(each.month, each.on, each.rule, each.version, each.times) for each in found.incidents] == [
        ("2026-03", "request", "build-weapons", "2026.1", 2)
    ]
    assert [(each.month, each.turns, each.events) for each in found.drift.months] == [("2026-03", 4, 2)]


def test_erasures_leave_receipts_under_the_same_hash(store: Store) -> None:
    ana = store.user("ana")
    ana.forget(["evt-b"])
    (person,) = report(store, SETTINGS, at=NOW).people
    ana.erase()
    found = report(store, SETTINGS, at=NOW)
    assert found.people == ()
    assert [(each.person, each.everything) for each in found.erasures] == [
        (person.person, False),
        (person.person, True),
    ]
    assert {each.kind for each in found.recipients} == {"words", "statements"}


def test_one_person_can_have_a_report_of_their_own(store: Store) -> None:
    record(store.user("ben"), turn("x"))
    found = report(store, SETTINGS, user="ana", at=NOW)
    assert len(found.people) == 1
    assert found.people[0].events["interaction"] == 2
    assert as_markdown(found).startswith("# One person's data")


def test_a_change_of_what_was_said_is_drift(store: Store) -> None:
    ben = store.user("ben")
    for day, polarity in ((NOW - timedelta(days=9), 1), (NOW - timedelta(days=2), -1)):
        slots = Slots.model_validate({"kind": "topic", "object": "tea", "polarity": polarity})
        record(ben, Statement(at=day, text="tea", slots=(slots,)))
    assert report(store, SETTINGS, user="ben", at=NOW).drift.changed_words == 1


def test_the_command_prints_markdown_html_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("idiolect.db") as store:
        record(store.user("ana"), turn("x", "Any canary?"))

    def command(*said: str) -> str:
        with pytest.raises(SystemExit) as left:
            main(["govern", "report", *said])
        assert not left.value.code
        return capsys.readouterr().out

    assert command().startswith("# Governance report")
    assert "| law | place |" in command()
    assert json.loads(command("--json"))["people"][0]["events"] == {"interaction": 1}
    command("--html", "-o", "report.html")
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_of_somebody_who_is_not_known_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("idiolect.db") as store:
        record(store.user("ana"), turn("x"))
    with pytest.raises(SystemExit) as left:
        main(["govern", "report", "--user", "nobody"])
    assert not left.value.code
    printed = capsys.readouterr()
    assert "nobody is known by that name" in " ".join(printed.err.split())
    assert "0 people" in printed.out


def test_counts_of_one_are_told_as_one(store: Store) -> None:
    told = as_markdown(report(store, SETTINGS, at=NOW))
    assert "1 person; counts alone" in told
    assert "Of 1 person" in told
    assert "1 people" not in told


def test_figures_of_the_screens_stand_in_lines_of_their_own_in_words(store: Store) -> None:
    lines = as_markdown(report(store, SETTINGS, at=NOW)).splitlines()
    assert any(line.startswith("|  |  | requests of advbench: stopped | ") and line.endswith("% |") for line in lines)
    assert any("AUROC of harm | 0.9" in line for line in lines)
    assert max(len(line) for line in lines[: lines.index("## Incidents")] if "requests" in line) < 120


def test_rules_of_tenants_and_of_people_stand_in_the_report_without_a_name(store: Store) -> None:
    own = {"shop::": {"turns_days": 7}, "ana": {"special_days": 2}}
    found = report(store, Settings.model_validate({"model": "scripted", "keep_for": own}), at=NOW)
    assert sorted(each.turns_days or 0 for each in found.retention_of.values()) == [0, 7]
    told = as_markdown(found)
    assert "of the people of shop: turns | after 7 days" in told
    assert f"of {found.people[0].person}: special categories | after 2 days" in told
    assert "ana" not in found.retention_of
