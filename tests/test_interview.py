"""The interview of a new person, through the library, the command and HTTP; and "no preference" as an answer."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from idiolect.assistant import Assistant
from idiolect.cli import main
from idiolect.errors import BadInput
from idiolect.interviewing import MOST, Interviewer, Said, questions
from idiolect.memory.rights import export, import_again
from idiolect.schema import Feedback
from idiolect.server.app import create_app
from idiolect.settings import Settings


@pytest.fixture
def assistant(tmp_path: Path) -> Iterator[Assistant]:
    settings = Settings(model="scripted", store=f"sqlite:///{tmp_path}/people.db", embedder="none")
    with Assistant(settings=settings) as opened:
        yield opened


def answered(asking: Interviewer, said: Said, most: int = 99) -> list[str]:
    """The names of the questions, each answered alike."""
    asked = list[str]()
    while (question := asking.stands().question) is not None and len(asked) < most:
        asked.append(question.name)
        asking.say(question.name, said)
    return asked


def test_a_new_person_is_asked_at_most_five_different_questions(assistant: Assistant) -> None:
    asked = answered(assistant.interview("ana"), "first")
    assert 1 < len(asked) <= MOST
    assert len(set(asked)) == len(asked)
    assert assistant.profile("ana").evidence == len(asked)


def test_what_is_asked_next_follows_from_what_was_said(assistant: Assistant) -> None:
    orders = {tuple(answered(assistant.interview(said), said)) for said in ("first", "second", "neither")}
    assert len(orders) > 1


def test_whoever_chooses_the_warm_answer_is_believed_to_like_another_warm_one(assistant: Assistant) -> None:
    asking = assistant.interview("ana")
    while (question := asking.stands().question) is not None:
        asking.say(question.name, "first" if question.name == "warmth" else "neither")
    learner, belief = assistant.learner, assistant.learner.belief(assistant.store.user("ana"))
    both = learner.phi(
        ["Wow, what wonderful news, I'm so happy for you!", "The result of the election was published on Monday."]
    )
    assert learner.reward.probability(belief, both) > 0.6


def test_anyone_may_skip_and_is_not_asked_again(assistant: Assistant) -> None:
    asking = assistant.interview("ana")
    question = asking.stands().question
    assert question is not None
    after = asking.say(question.name, "skip")
    assert after.question is None and after.skipped and after.answered == 0
    assert asking.stands() == after
    assert assistant.profile("ana").evidence == 0


@pytest.mark.parametrize("ended_by", ["second", "skip"])
def test_the_interview_can_be_taken_again_and_what_was_said_before_still_counts(
    assistant: Assistant, ended_by: Said
) -> None:
    asking = assistant.interview("ana")
    before = answered(asking, ended_by)
    seen = assistant.profile("ana").evidence
    begun = asking.again()
    assert begun.question is not None
    assert (begun.answered, begun.skipped) == (0, False)
    assert assistant.profile("ana").evidence == seen
    after = answered(asking, "first")
    assert set(after) & set(before)
    assert assistant.profile("ana").evidence == seen + len(after)
    import_again(assistant.store.user("eva"), export(assistant.store.user("ana")))
    assert assistant.interview("eva").stands() == asking.stands()


def test_beginning_again_what_was_never_begun_keeps_nothing(assistant: Assistant) -> None:
    assert assistant.interview("ana").again() == assistant.interview("ana").stands()
    assert assistant.store.user("ana").events() == []


def test_a_question_that_is_not_asked_now_is_refused(assistant: Assistant) -> None:
    asking = assistant.interview("ana")
    now = asking.stands().question
    other = next(each for each in questions() if now is not None and each.name != now.name)
    with pytest.raises(BadInput, match="now is"):
        asking.say(other.name, "first")


def test_the_interview_is_exported_and_the_belief_rebuilt_from_it_is_the_same(assistant: Assistant) -> None:
    answered(assistant.interview("ana"), "second", 4)
    import_again(assistant.store.user("eva"), export(assistant.store.user("ana")))
    ana, eva = (assistant.learner.rebuild(assistant.store.user(who)) for who in ("ana", "eva"))
    assert ana.seen == 4
    assert eva.arrays["mean"] == pytest.approx(ana.arrays["mean"])


def test_library_command_and_http_ask_the_same(
    assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = answered(assistant.interview("library"), "second")
    with TestClient(create_app(assistant, hosts=None)) as client:
        asked, now = list[str](), client.get("/v1/users/http/interview").json()
        while now["question"]:
            asked.append(now["question"]["name"])
            reply = {"question": asked[-1], "said": "second"}
            now = client.post("/v1/users/http/interview", json=reply).json()
        wrong = client.post("/v1/users/http/interview", json={"question": "length", "said": "first"})
    assert asked == expected
    assert wrong.status_code == 400
    monkeypatch.setenv("IDIOLECT_STORE", assistant.settings.store)
    monkeypatch.setenv("IDIOLECT_EMBEDDER", "none")
    monkeypatch.setattr("sys.stdin", io.StringIO("what?\n" + "2\n" * MOST))
    with pytest.raises(SystemExit) as ended:
        main(["interview", "-u", "command"])
    assert not ended.value.code
    assert "not understood" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["interview", "-u", "command", "--json"])
    assert json.loads(capsys.readouterr().out)["answered"] == len(expected)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(SystemExit):
        main(["interview", "-u", "command", "--again", "--json"])
    assert json.loads(capsys.readouterr().out)["answered"] == 0
    with TestClient(create_app(assistant, hosts=None)) as client:
        assert client.post("/v1/users/http/interview/again").json()["answered"] == 0
    beliefs = [assistant.learner.belief(assistant.store.user(who)) for who in ("library", "http", "command")]
    assert beliefs[1].arrays["mean"] == pytest.approx(beliefs[0].arrays["mean"])
    assert beliefs[2].arrays["mean"] == pytest.approx(beliefs[0].arrays["mean"])


def test_no_preference_leaves_both_alike_and_is_evidence_all_the_same(assistant: Assistant) -> None:
    answer = assistant.answer("ana", "What should I cook tonight?", candidates=2)
    one, two = (candidate.id for candidate in answer.candidates)
    profile = assistant.feedback("ana", Feedback(kind="tie", answer=one, over=two))
    assert profile.evidence == 1
    reward, person = assistant.learner.reward, assistant.store.user("ana")
    phi = assistant.learner.phi([candidate.text for candidate in answer.candidates])
    belief = assistant.learner.belief(person)
    assert reward.probability(belief, phi) == pytest.approx(0.5, abs=1e-6)
    assert reward.difference(belief, phi)[1] < reward.difference(reward.prior(), phi)[1]
    assert assistant.learner.rebuild(person).arrays["mean"] == pytest.approx(belief.arrays["mean"], abs=0.05)


def test_a_tie_is_between_two_different_answers(assistant: Assistant) -> None:
    answer = assistant.answer("ana", "What should I cook tonight?", candidates=2)
    with pytest.raises(BadInput, match="one other answer"):
        assistant.feedback("ana", Feedback(kind="tie", answer=answer.id, over=answer.id))
