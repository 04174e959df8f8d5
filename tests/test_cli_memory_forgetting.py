"""`idiolect memory proposals`, `conflicts`, `forget` and `erase`; and what holds of all these commands."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from idiolect.curating import Added, Decided, Settled
from idiolect.memory.rights import Receipt, export
from idiolect.memory.rights.following import Followed
from idiolect.memory.rights.seeing import Conflicts, Listing, Proposals, Trail
from idiolect.memory.store import UserStore
from idiolect.schema import Preference
from lives import MONDAY, ids, statement, turn
from memory_command import Command, keep, opened, person, propose

GONE = ("--store", "sqlite:////no/such/folder/x.db")


@pytest.fixture
def memory(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    return opened(capsys, monkeypatch, tmp_path)


@pytest.fixture
def ana(memory: Command) -> Iterator[UserStore]:
    with person("ana") as ana:
        yield ana


def test_proposals_wait_under_their_source_until_they_are_decided(memory: Command, ana: UserStore) -> None:
    propose(ana, ("plums", "Mem0 export"), ("figs", "Mem0 export"), ("tea", 'ChatGPT export, conversation "Rome"'))
    assert "3 proposed, waiting for ana" in memory("list")[1]
    lines = [line.strip() for line in memory("proposals")[0].splitlines()]
    assert lines[0] == "ana: 3 proposals"
    assert [line for line in lines if "import" in line] == [
        "Mem0 export  import",
        'ChatGPT export, conversation "Rome"  import',
    ]
    waiting = Proposals.model_validate_json(memory("proposals", "--from", "Mem0 export", "--json")[0])
    assert [each.id for each in waiting.proposals] == ["imp-plums", "imp-figs"]
    assert "is a proposal" in memory.refused("pin", "plums")
    out, err = memory("proposals", "--accept", "plums", "--refuse", "figs")
    assert "1 proposal left" in err
    assert out.index("accepted") < out.index("I like plums") < out.index("refused") < out.index("I like figs")
    assert [each.object for each in memory.listed().statements] == ["plums"]
    assert "is no proposal that waits: it is held" in memory.refused("proposals", "--accept", "plums")
    memory("proposals", "--accept", "figs")  # a refusal can be taken back
    assert [each.object for each in memory.listed().statements] == ["plums", "figs"]


def test_all_proposals_of_one_source_are_decided_in_one_step_but_for_those_named(
    memory: Command, ana: UserStore
) -> None:
    propose(ana, ("plums", "Mem0 export"), ("figs", "Mem0 export"), ("tea", "Letta export"))
    out, _ = memory("proposals", "--accept-all", "--from", "Mem0 export", "--refuse", "figs", "--json")
    decided = Decided.model_validate_json(out)
    assert [each.id for each in decided.accepted] == ["imp-plums"]
    assert [each.id for each in decided.refused] == ["imp-figs"]
    assert decided.waiting == 1
    assert "no proposal of 'Mem0 export' waits" in memory.refused("proposals", "--refuse-all", "--from", "Mem0 export")


def test_of_decisions_that_contradict_none_is_kept(memory: Command, ana: UserStore) -> None:
    propose(ana, ("plums", "Mem0 export"), ("figs", "Mem0 export"))
    assert "accepted and refused" in memory.refused("proposals", "--accept", "plums", "--refuse", "plums")
    assert "no statement 'pears'" in memory.refused("proposals", "--accept", "figs", "--accept", "pears")
    assert "exclude each other" in memory.refused("proposals", "--accept-all", "--refuse-all")
    assert len(ids(ana)) == 2


def test_what_contradicts_is_shown_together_and_settled_in_one_step(memory: Command, ana: UserStore) -> None:
    propose(ana, ("sushi", "Mem0 export"), ("no sushi", "Letta export"))
    assert "nothing contradicts" in memory("conflicts")[1]
    memory("proposals", "--accept-all")
    assert memory.listed().statements == ()
    assert "2 contradict each other" in memory("list")[1]
    out, err = memory("conflicts")
    assert out.startswith("1 of 1: which is true?")
    assert "--keep sushi" in err
    assert [len(each) for each in Conflicts.model_validate_json(memory("conflicts", "--json")[0]).conflicts] == [2]
    settled = Settled.model_validate_json(memory("conflicts", "--keep", "no-sushi", "--json")[0])
    assert [(each.id, each.status) for each in settled.ended] == [("imp-sushi", "ended")]
    assert [each.id for each in memory.listed().statements] == ["imp-no-sushi"]
    assert "nothing contradicts no-sus" in memory.refused("conflicts", "--keep", "no-sushi")


# --- forgetting ----------------------------------------------------------------------------------------------------


def test_what_would_go_is_named_before_it_is_asked_for_and_stays_unless_confirmed(
    memory: Command, ana: UserStore
) -> None:
    keep(ana, turn("a", "I like plums."), statement("said", "plums", turn_="a"))
    before = export(ana)
    for answer in ("", "n\n"):
        out, err = memory("forget", "said", stdin=answer, code=1)
        assert out == ""
        assert "would go: 1 statement\n  said  I like plums" in err
        assert "with all that holds the words: 1 turn, 1 note of what you said" in err
        assert err.count("\n") == 5  # the error stands on a line of its own, although nobody pressed Enter
        assert err.splitlines()[-1].startswith("idiolect: nothing was forgotten")
    out, err = memory("forget", "said", "--dry-run")
    assert "would go" in out
    assert [each["id"] for each in json.loads(export(ana))["events"]] == ["evt-a", "evt-said"]
    assert json.loads(export(ana))["events"] == json.loads(before)["events"]
    out, _ = memory("forget", "said", stdin="y\n")
    assert out.startswith("forgotten: 1 statement\n  said  I like plums")
    assert "noted in me.db.erasures" in out
    assert ids(ana) == []


def test_what_goes_beside_the_statement_that_was_meant_is_told_with_the_reason(memory: Command, ana: UserStore) -> None:
    keep(ana, turn("a", "I like plums. I like figs."), statement("said", "plums", turn_="a"))
    keep(ana, statement("too", "figs", turn_="a"), statement("jazz", "jazz", "music"))
    out, _ = memory("forget", "said", "--dry-run")
    assert "would go: 2 statements\n  said  I like plums\nand, as they were said in the same message" in out
    assert "words:\n  too  I like figs\nwith all that holds the words: 2 notes of what you said, 1 turn" in out
    assert "in the same message" not in memory("forget", "--topic", "food", "--dry-run")[0]


def test_a_topic_a_source_and_a_period_are_forgotten_with_a_receipt(memory: Command, ana: UserStore) -> None:
    keep(ana, statement("plums", "plums"), statement("jazz", "jazz", "music"))
    keep(ana, statement("tea", "tea", "drink", at=MONDAY + timedelta(days=30)))
    propose(ana, ("figs", "Mem0 export"))

    def went(*asked: str) -> tuple[str, ...]:
        return Receipt.model_validate_json(memory("forget", *asked, "--yes", "--json")[0]).statements

    assert went("--topic", "music") == ("evt-jazz",)
    assert went("--source", "import") == ("imp-figs",)
    assert went("--since", "2026-03-03", "--until", "2026-03-31") == ()
    assert went("--until", "2026-03-02") == ("evt-plums",)  # the whole of its last day
    assert went("--since", "2026-03-31T00:00Z") == ("evt-tea",)


def test_what_is_not_said_clearly_is_not_forgotten(memory: Command) -> None:
    memory.added("I love jazz.")
    assert "nothing was named" in memory.refused("forget", "--yes")
    assert "not topic and source at once" in memory.refused("forget", "--topic", "a", "--source", "b", "--yes")
    assert "'yesterday' is no day or time" in memory.refused("forget", "--since", "yesterday", "--yes")
    assert "start and a later end" in memory.refused("forget", "--since", "2026-03-02", "--until", "2026-01-01", "-y")
    assert "so nothing went" in memory("forget", "--topic", "chess", "--yes")[0]
    assert len(memory.listed().statements) == 1


def test_a_person_is_erased_when_their_id_is_typed(memory: Command, ana: UserStore) -> None:
    memory.added("I love jazz.")
    memory.added("I love jazz.", user="ben")
    out, err = memory("erase", stdin="ben\n", code=1)
    assert out == ""
    assert "'ben' is not 'ana': nothing was erased" in err
    assert "all that is kept" in memory("erase", "--dry-run")[0]
    assert ana.head() is not None
    assert memory("erase", stdin="ana\n")[0].startswith("forgotten: all that is kept")
    assert ana.head() is None
    assert Receipt.model_validate_json(memory("erase", "--yes", "--json")[0]).events == ()
    assert "I love jazz" in memory("list", user="ben")[0]


# --- all of them ---------------------------------------------------------------------------------------------------

FORMS: dict[tuple[str, ...], type[BaseModel]] = {
    ("list",): Listing,
    ("show", "jazz"): Followed,
    ("add", "I like tea."): Added,
    ("edit", "jazz", "I like bebop."): Preference,
    ("pin", "jazz"): Preference,
    ("local", "jazz"): Preference,
    ("end", "jazz"): Preference,
    ("conflicts",): Conflicts,
    ("proposals",): Proposals,
    ("proposals", "--accept-all"): Decided,
    ("forget", "jazz", "--yes"): Receipt,
    ("erase", "--yes"): Receipt,
    ("audit",): Trail,
}


@pytest.mark.parametrize("arguments", FORMS, ids=" ".join)
def test_every_command_prints_a_noun_as_json_and_opens_no_model(
    memory: Command, ana: UserStore, arguments: tuple[str, ...]
) -> None:
    keep(ana, statement("jazz", "jazz", "music"))
    propose(ana, ("figs", "Mem0 export"))
    FORMS[arguments].model_validate_json(memory(*arguments, "--json")[0])  # the model of the settings is not there


@pytest.mark.parametrize("arguments", FORMS, ids=" ".join)
def test_a_store_that_cannot_be_opened_is_told_in_one_line(memory: Command, arguments: tuple[str, ...]) -> None:
    assert "/no/such/folder" in memory.refused(*arguments, *GONE)
