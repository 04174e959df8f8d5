import io
import json
import socket
from pathlib import Path

import pytest

from idiolect import Answer, Assistant, Profile, load_settings
from idiolect.cli import main
from idiolect.cli.checks import Examination, port
from idiolect.conversations import recent
from idiolect.errors import AnswerNotFound, UnknownModel
from idiolect.server.app import create_app
from serving import running

Run = tuple[int, str, str]  # exit code, stdout, stderr


class Terminal:
    """Runs command lines against the scripted model and a store of the test's own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys = capsys
        self.monkeypatch = monkeypatch

    def __call__(self, *arguments: str, stdin: str = "") -> Run:
        self.monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as left:
            main(arguments)
        out, err = self.capsys.readouterr()
        return int(left.value.code or 0), out, err

    def data(self, *arguments: str, stdin: str = "") -> str:
        code, out, err = self(*arguments, stdin=stdin)
        assert code == 0, err
        return out


@pytest.fixture
def idiolect(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Terminal:
    monkeypatch.chdir(tmp_path)
    Path("idiolect.toml").write_text('model = "scripted"\nembedder = "none"\ncandidates = 4\nport = 0\n')
    return Terminal(capsys, monkeypatch)


def test_ask_prints_the_answer_and_nothing_else_on_stdout(idiolect: Terminal) -> None:
    code, out, err = idiolect("ask", "How do I bake bread?", "--user", "ana")
    answer = Answer.model_validate_json(idiolect.data("why", "last", "--user", "ana", "--json"))
    assert (code, out) == (0, answer.text + "\n")
    name = err.strip().strip("[").partition(";")[0]
    assert len(name) < 10
    assert answer.id.endswith(name, 0, len("chatcmpl-") + len(name))
    assert "3 more were written: `idiolect others -u ana`" in err


def test_an_answer_that_is_cut_says_so_and_a_whole_one_does_not(idiolect: Terminal) -> None:
    cut = idiolect("ask", "How do I bake bread?", "-u", "ana", "--max-tokens", "4")[2]
    assert "; cut at 4 tokens (--max-tokens)" in cut
    assert "cut at" not in idiolect("ask", "How do I bake bread?", "-u", "ana")[2]
    spoken = idiolect("chat", "-u", "ana", "--max-tokens", "4", stdin="How do I bake bread?\n")[2]
    assert "[cut at 4 tokens: --max-tokens sets" in spoken


def test_ask_reads_a_question_from_stdin(idiolect: Terminal) -> None:
    asked = idiolect.data("ask", "-", "-u", "ana", "--json", stdin="How do I bake bread?\n")
    assert asked.count("bread") >= 1


def test_ask_goes_on_with_the_latest_conversation_where_it_is_told_to(idiolect: Terminal) -> None:
    code, _, err = idiolect("ask", "What is tea?", "-u", "ana", "--continue")
    assert (code, "this begins one" in err) == (0, True)
    _, _, err = idiolect("ask", "Who drinks it?", "-u", "ana", "-c")
    assert "going on from 'What is tea?'" in err
    _, _, err = idiolect("chat", "-u", "ana", "-c", stdin="And when?\n")
    assert "going on from 'Who drinks it?'" in err
    with Assistant(settings=load_settings(None)) as assistant:
        (talk,) = recent(assistant.store.user("ana"), 5)
    assert [said.event.prompt for said in talk.turns] == ["What is tea?", "Who drinks it?", "And when?"]


def test_ask_as_json_is_the_answer_with_its_candidates_and_trace(idiolect: Terminal) -> None:
    answer = Answer.model_validate_json(idiolect.data("ask", "Why is the sky blue?", "-u", "ana", "-n", "3", "--json"))
    assert len(answer.candidates) == 3
    assert answer.trace.model == "scripted"


def test_temporary_questions_leave_nothing(idiolect: Terminal) -> None:
    idiolect.data("ask", "Why?", "-u", "ana", "--temporary")
    code, _, err = idiolect("why", "last", "--user", "ana")
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("idiolect: ana has no answers yet")


def test_the_command_learns_what_the_library_learns(idiolect: Terminal) -> None:
    idiolect.data("ask", "How do I bake bread?", "-u", "ana")
    idiolect.data("feedback", "choice", "-u", "ana", "-a", "last:2", "--over", "last:1", "--over", "last:3")
    idiolect.data("feedback", "rating", "-u", "ana", "-a", "last", "--value", "down")
    idiolect.data("feedback", "statement", "-u", "ana", "--value", "Shorter answers, please.")
    by_command = Profile.model_validate_json(idiolect.data("profile", "-u", "ana", "--json"))
    with Assistant(settings=load_settings(store="sqlite:///other.db")) as assistant:
        answer = assistant.answer("ana", "How do I bake bread?")
        ids = [candidate.id for candidate in answer.candidates]
        assistant.prefer("ana", ids[1], over=ids[0])
        assistant.rate("ana", answer, "down")
        by_library = assistant.say("ana", "Shorter answers, please.")
    assert by_command.evidence == by_library.evidence == 3
    assert by_command.preferences[0].text == by_library.preferences[0].text == "Shorter answers, please."


def test_feedback_as_json_is_the_profile_that_follows(idiolect: Terminal) -> None:
    said = idiolect.data("feedback", "statement", "-u", "ana", "--value", "Shorter answers, please.", "--json")
    assert said == idiolect.data("profile", "-u", "ana", "--json")


def test_the_directions_of_a_profile_are_listed_with_what_they_rest_on(idiolect: Terminal) -> None:
    assert "neutral in everything" in idiolect.data("profile", "-u", "ana", "--directions")
    idiolect.data("feedback", "statement", "-u", "ana", "--value", "Shorter answers, please.")
    lines = idiolect.data("profile", "-u", "ana", "--directions").splitlines()
    assert [line.split()[:4] for line in lines[2:]] == [["length", "-", "short", "answers"]]
    idiolect.data("feedback", "correction", "-u", "ana", "--attribute", "length", "--value", "0")
    found = json.loads(idiolect.data("profile", "-u", "ana", "--directions", "--json"))["directions"]
    assert {each["sign"] for each in found} == {0}


def test_the_profile_is_drawn_with_its_uncertainty(idiolect: Terminal) -> None:
    idiolect.data("feedback", "statement", "-u", "ana", "--value", "Shorter answers, please.")
    drawn = idiolect.data("profile", "-u", "ana")
    assert "ana: 1 piece of feedback" in drawn
    assert "─●" in drawn
    assert "±" in drawn
    assert "Shorter answers, please." in drawn


def test_why_shows_every_candidate_and_marks_the_one_that_was_shown(idiolect: Terminal) -> None:
    answer = Answer.model_validate_json(idiolect.data("ask", "How do I bake bread?", "-u", "ana", "--json"))
    shown = idiolect.data("why", answer.id, "-u", "ana")
    assert f"{answer.chosen + 1 if answer.chosen is not None else ''}*" in shown
    assert all(str(number) in shown for number in range(1, 5))


@pytest.mark.parametrize("which", ["last:0", "last:9", "last:x"])
def test_a_candidate_that_is_not_there_is_told(idiolect: Terminal, which: str) -> None:
    idiolect.data("ask", "How do I bake bread?", "-u", "ana")
    code, _, err = idiolect("feedback", "rating", "-u", "ana", "-a", which, "--value", "up")
    assert (code, err) == (1, f"idiolect: {which}: the newest answer has candidates 1 to 4\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("ask", "  ", "-u", "ana"), "empty"),
        (("ask", "Hello?", "-u", "not a name"), "not a name"),
        (("ask", "Hello?", "-u", "ana", "--model", "nobody"), "no model named 'nobody'"),
        (("ask", "Hello?", "-u", "ana", "--model", "./gone.gguf"), "gone.gguf"),
        (("chat", "-u", "ana", "--model", "./gone.gguf"), "gone.gguf"),
        (("serve", "--model", "./gone.gguf"), "gone.gguf"),
        (("ask", "Hello?", "-u", "ana", "--method", "magic"), "magic"),
        (("ask", "Hello?", "-u", "ana", "--store", "sqlite:////no/such/folder/x.db"), "/no/such/folder"),
        (("ask", "Hello?", "-u", "ana", "--config", "gone.toml"), "gone.toml"),
        (("why", "ans-of-nobody", "-u", "ana"), "ans-of-nobody"),
        (("feedback", "rating", "-u", "ana", "--value", "up"), "answer"),
        (("feedback", "correction", "-u", "ana", "--attribute", "flavour", "--value", "1"), "flavour"),
        (("bench", "nothing"), "no bench named 'nothing'"),
        (("bench", "psoups"), "--data"),
        (("bench", "psoups", "--set", "seed"), "KEY=VALUE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_line_on_stderr(idiolect: Terminal, arguments: tuple[str, ...], told: str) -> None:
    code, out, err = idiolect(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("idiolect: ")
    assert err.count("\n") == 1
    assert told in err


def test_feedback_on_another_persons_answer_is_feedback_on_none(idiolect: Terminal) -> None:
    answer = Answer.model_validate_json(idiolect.data("ask", "Hello?", "-u", "ana", "--json"))
    code, _, err = idiolect("feedback", "rating", "-u", "ben", "-a", answer.id, "--value", "up")
    _, _, of_none = idiolect("feedback", "rating", "-u", "ben", "-a", "ans-none", "--value", "up")
    assert code == 1
    assert err.replace(answer.id, "ID") == of_none.replace("ans-none", "ID")


def test_a_settings_file_with_an_unknown_key_is_told_in_one_line(idiolect: Terminal) -> None:
    Path("idiolect.toml").write_text("kapa = 1")
    code, _, err = idiolect("profile", "-u", "ana")
    assert (code, err) == (1, "idiolect: unknown setting 'kapa' in idiolect.toml; did you mean 'kappa'?\n")


def test_what_only_reads_the_store_opens_no_model(idiolect: Terminal) -> None:
    idiolect.data("ask", "How do I bake bread?", "-u", "ana")
    gone = ("-u", "ana", "--model", "./gone.gguf")
    assert "bread" in idiolect.data("why", "last", *gone)
    idiolect.data("feedback", "rating", *gone, "-a", "last", "--value", "up")
    assert "1 piece" in idiolect.data("profile", *gone)
    code, _, err = idiolect("profile", "-u", "ana", "--model", "nobody")
    assert (code, err.count("\n")) == (1, 1)
    assert "no model named 'nobody'" in err


def test_a_usage_error_exits_with_2(idiolect: Terminal) -> None:
    assert idiolect("ask")[0] == 2
    assert idiolect("sing")[0] == 2
    assert idiolect("feedback", "applause", "-u", "ana")[0] == 2


def test_debug_shows_where_an_error_came_from() -> None:
    with pytest.raises(UnknownModel):
        main(["--debug", "ask", "Hello?", "-u", "ana", "--model", "nobody"])


def test_the_version_is_that_of_the_package(idiolect: Terminal) -> None:
    assert idiolect.data("--version").startswith("idiolect 0.")


def test_models_and_features_and_benches_are_listed(idiolect: Terminal) -> None:
    assert "starter" in json.loads(idiolect.data("models", "list", "--json"))
    assert "starter" in idiolect.data("models", "list")
    assert len(json.loads(idiolect.data("features", "list", "--json"))) >= 24
    assert "psoups" in idiolect.data("bench")


def test_doctor_finds_a_sound_installation(idiolect: Terminal) -> None:
    code, out, err = idiolect("doctor")
    assert code == 0, out + err
    assert "FAILED" not in out
    found = Examination.model_validate_json(idiolect.data("doctor", "--json"))
    assert found.ok
    names = {check.name.partition(":")[0] for check in found.checks}
    assert names >= {
        "python",
        "packages",
        "settings",
        "weights",
        "model",
        "embedder",
        "boundary",
        "port",
        "store",
    }


def test_doctor_knows_a_server_of_ours_on_its_port(idiolect: Terminal) -> None:
    settings = load_settings()
    with Assistant(settings=settings) as assistant, running(create_app(assistant)) as address:
        ours = settings.model_copy(update={"port": int(address.rpartition(":")[2])})
        assert "already running" in port(ours)


def test_doctor_says_what_fails_and_how_to_mend_it(idiolect: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        Path("idiolect.toml").write_text(
            f'model = "./gone.gguf"\nembedder = "none"\nport = {port}\nstore = "sqlite:////no/such/folder/x.db"\n'
        )
        code, out, _ = idiolect("doctor", "--json")
    failed = {check.name: check.detail for check in Examination.model_validate_json(out).checks if not check.ok}
    assert code == 1
    assert set(failed) == {"model", "port", "store"}
    assert "gone.gguf" in failed["model"]
    assert "stop what uses it" in failed["port"]
    assert "/no/such/folder" in failed["store"]


# --- the other answers ---------------------------------------------------------------------------------------------


def test_the_other_answers_can_be_seen_before_one_is_preferred(idiolect: Terminal) -> None:
    asked = Answer.model_validate_json(idiolect.data("ask", "How do I bake bread?", "-u", "ana", "--json"))
    code, out, err = idiolect("others", "-u", "ana")
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("last:")] == [
        f"last:{number}" + (" (this one was shown)" if number - 1 == asked.chosen else "") for number in (1, 2, 3, 4)
    ]
    flat = " ".join(out.split())
    assert all(" ".join(each.text.split()) in flat for each in asked.candidates)
    assert "--answer last:N --over last:M" in err
    assert Answer.model_validate_json(idiolect.data("others", "-u", "ana", "--json")) == asked


def test_an_error_of_feedback_names_the_options(idiolect: Terminal) -> None:
    idiolect.data("ask", "What is tea?", "-u", "ana")
    _, _, err = idiolect("feedback", "choice", "-u", "ana", "--answer", "last")
    assert "a choice needs --over" in err
    assert "other than --answer" in err
    _, _, err = idiolect("feedback", "rating", "-u", "ana", "--answer", "last", "--value", "9")
    assert "a rating needs --value" in err


def test_why_shows_short_ids_and_says_statements_in_words(idiolect: Terminal) -> None:
    idiolect.data("feedback", "statement", "-u", "ana", "--value", "I love bread.")
    answer = Answer.model_validate_json(idiolect.data("ask", "How do I bake bread?", "-u", "ana", "--json"))
    out = idiolect.data("why", "last", "-u", "ana")
    assert answer.id not in out
    assert answer.id.removeprefix("chatcmpl-")[:6] in out
    assert "evt-" not in out


def test_an_allowed_request_has_no_category(idiolect: Terminal) -> None:
    for asked in ("What is tea?", "How do I kill a process?"):
        said = json.loads(idiolect.data("policy", "test", asked, "--rules-only"))
        assert (said["verdict"], said["category"], said["rule"]) == ("allow", None, None)


# --- chat ----------------------------------------------------------------------------------------------------------


def test_chat_answers_each_line_and_ends_with_the_input(idiolect: Terminal) -> None:
    out = idiolect.data("chat", "-u", "ana", stdin="How do I bake bread?\n\nAnd cake?\n")
    first = idiolect.data("why", "last", "-u", "ana", "--json")
    assert Answer.model_validate_json(first).text in out
    assert "bread" in out


def test_chat_takes_feedback_and_shows_what_it_learnt(idiolect: Terminal) -> None:
    said = (
        "/others",
        "/prefer 2",
        "/up",
        "/down",
        "/say Shorter answers, please.",
        "/profile",
        "/why",
        "/quit",
        "More?",
    )
    lines = "\n".join(("How do I bake bread?", *said))
    code, out, err = idiolect("chat", "-u", "ana", stdin=lines)
    assert code == 0, err
    assert err.count("noted") == 4
    assert "[4]" in out
    assert "ana: 4 pieces of feedback" in out
    assert "(* was shown)" in out
    assert Profile.model_validate_json(idiolect.data("profile", "-u", "ana", "--json")).evidence == 4


def test_chat_goes_on_after_what_fails_and_exits_with_1(idiolect: Terminal) -> None:
    code, out, err = idiolect("chat", "-u", "ana", stdin="/up\n/dance\n/prefer 2\nHow do I bake bread?\n/prefer 9\n")
    assert code == 1
    assert [line.partition(":")[0] for line in err.splitlines()].count("idiolect") == 4
    assert "/prefer, /others" in err
    assert out.strip()


def test_chat_that_is_quit_after_a_failure_exits_with_1(idiolect: Terminal) -> None:
    code, _, err = idiolect("chat", "-u", "ana", stdin="/dance\n/quit\n")
    assert code == 1
    assert "Traceback" not in err


def test_chat_lists_its_commands(idiolect: Terminal) -> None:
    _, _, err = idiolect("chat", "-u", "ana", stdin="/help\n")
    assert err.count("\n/") + err.startswith("/") == 9


def test_last_is_the_newest_answer_of_this_person_only(idiolect: Terminal) -> None:
    idiolect.data("ask", "Hello?", "-u", "ana")
    assert idiolect("why", "last", "-u", "ben")[0] == 1


def test_a_missing_answer_is_a_class_of_its_own(idiolect: Terminal) -> None:
    with pytest.raises(AnswerNotFound):
        main(["--debug", "why", "ans-none", "-u", "ana"])
