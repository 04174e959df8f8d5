"""Consent to each kind of inference in the terminal, over HTTP and on the page, and where its finds are shown."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from idiolect import Assistant, Profile
from idiolect.cli import main
from idiolect.memory.inference.allowing import Allowances
from idiolect.memory.rights.following import Followed
from idiolect.memory.rights.seeing import Proposals, Trail
from idiolect.schema import now
from idiolect.server.app import create_app
from inferring import KNITTING, SHORT, live, on_days
from memory_command import Command, opened, person
from serving import assistant_in


@pytest.fixture
def memory(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    return opened(capsys, monkeypatch, tmp_path)


@pytest.fixture
def assistant(tmp_path: Path) -> Iterator[Assistant]:
    with assistant_in(tmp_path) as opened_one:
        yield opened_one


@pytest.fixture
def client(assistant: Assistant) -> Iterator[TestClient]:
    with TestClient(create_app(assistant), base_url="http://localhost") as opened_one:
        yield opened_one


def allowed(found: Allowances) -> dict[str, bool]:
    return {kind.inference: kind.allowed for kind in found.kinds}


# --- the terminal --------------------------------------------------------------------------------------------------


def test_everything_is_off_until_it_is_allowed_and_taken_back_by_one_word(memory: Command) -> None:
    def told(*arguments: str) -> dict[str, bool]:
        return allowed(Allowances.model_validate_json(memory("consent", *arguments, "--json")[0]))

    assert told() == {"repeats": False, "reactions": False, "style": False}
    assert told("style") == {"repeats": False, "reactions": False, "style": True}
    assert told("style", "--off") == {"repeats": False, "reactions": False, "style": False}
    out, err = memory("consent")
    assert "how you write" in out
    assert "--off" in err


def test_giving_a_consent_and_taking_it_back_are_one_step_each_and_say_what_changed(memory: Command) -> None:
    memory("consent", "repeats")
    with person("ana") as ana:
        live(ana, *on_days(*KNITTING))
    assert "style: allowed from now on" in memory("consent", "style")[1]
    assert (
        "repeats: taken back; evidence that counts no more: 0, proposals withdrawn: 1"
        in memory("consent", "repeats", "--off")[1]
    )
    assert "nothing changed: it was so already" in memory("consent", "repeats", "--off")[1]


def test_what_was_inferred_is_listed_followed_and_decided_like_any_proposal(memory: Command) -> None:
    memory("consent", "repeats")
    with person("ana") as ana:
        live(ana, *on_days(*KNITTING))
    (proposal,) = Proposals.model_validate_json(memory("proposals", "--json")[0]).proposals
    assert (proposal.text, proposal.origin) == ("I often ask about knitting", "inferred")
    assert "repeats, 4 questions on 4 days" in memory("proposals")[0]
    followed = Followed.model_validate_json(memory("show", proposal.id, "--json")[0])
    assert [each.text for each in followed.evidence if each.how == "asked"] == list(KNITTING)
    assert "shown by this turn" in memory("show", proposal.id)[0]
    actions = [line.action for line in Trail.model_validate_json(memory("audit", "--json")[0]).lines]
    assert (actions.count("consent"), actions.count("proposal")) == (1, 1)
    memory("proposals", "--accept", proposal.id)
    assert [each.object for each in memory.listed().statements] == ["knitting"]


def test_the_profile_says_what_of_it_was_inferred(memory: Command, capsys: pytest.CaptureFixture[str]) -> None:
    memory("consent", "style")
    with person("ana") as ana:
        live(ana, *on_days(*SHORT, start=now() - timedelta(days=9)))
    with pytest.raises(SystemExit):
        main(("profile", "--user", "ana"))
    assert "0 pieces of feedback and 2 weak signs, inferred as ana allows" in capsys.readouterr().out


# --- HTTP ----------------------------------------------------------------------------------------------------------


def test_consent_is_read_and_given_over_http(client: TestClient) -> None:
    path = "/v1/users/ana/consents"
    assert allowed(Allowances.model_validate_json(client.get(path).content)) == dict.fromkeys(
        ("repeats", "reactions", "style"), False
    )
    given = client.post(path, json={"inference": "reactions", "allowed": True})
    assert allowed(Allowances.model_validate_json(given.content))["reactions"]
    assert client.post(path, json={"inference": "health", "allowed": True}).status_code == 400
    back = client.post(path, json={"inference": "reactions", "allowed": False})
    assert not allowed(Allowances.model_validate_json(back.content))["reactions"]


def test_a_signal_over_http_counts_only_with_consent(client: TestClient, assistant: Assistant) -> None:
    answer = assistant.answer("ana", "Name a song.")
    signal = {"user": "ana", "kind": "signal", "answer": answer.id, "value": "copied"}
    refused = client.post("/v1/feedback", json=signal)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "not_allowed"
    client.post("/v1/users/ana/consents", json={"inference": "reactions", "allowed": True})
    profile = Profile.model_validate_json(client.post("/v1/feedback", json=signal).content)
    assert (profile.evidence, profile.inferred) == (1, 1)
    client.post("/v1/users/ana/consents", json={"inference": "reactions", "allowed": False})
    profile = Profile.model_validate_json(client.get("/v1/users/ana/profile").content)
    assert (profile.evidence, profile.inferred) == (0, 0)


# --- the page ------------------------------------------------------------------------------------------------------


def test_the_page_has_a_switch_for_each_kind_and_says_what_counts(client: TestClient, assistant: Assistant) -> None:
    page = client.get("/", params={"user": "ana"}).text
    assert "What I may infer (nothing)" in page
    assert page.count('"value": "yes"') >= 3
    form = {"user": "ana", "inference": "style", "value": "yes"}
    changed = client.post("/page/memory/inferences", data=form)
    assert changed.status_code == 200
    assert "What I may infer (1)" in changed.text
    ana = assistant.store.user("ana")
    for start, name in ((40, "a"), (30, "b"), (20, "c")):
        live(ana, *on_days(*SHORT, start=now() - timedelta(days=start), name=name))
    page = client.get("/", params={"user": "ana"}).text
    assert "Learnt from <b>2</b> weak signs, inferred as you allow." in page
    assert "Inferred, as you allow" in page
    assert "style, 15 messages" in page
    changed = client.post("/page/memory/inferences", data={**form, "value": "no"})
    assert "What I may infer (nothing)" in changed.text
    assert "style, 15 messages" not in changed.text
    assert "inferred as you allow" not in changed.text
