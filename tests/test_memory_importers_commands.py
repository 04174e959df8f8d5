"""`idiolect memory import`, `export` and `restore` say what the library does."""

import json
from pathlib import Path

import pytest

import exports
from idiolect.cli import main
from idiolect.memory.importers import Report
from idiolect.memory.rights import export
from idiolect.memory.store import open_store
from lives import ids, life, record


class Command:
    """Runs `idiolect memory ...` against a store of the test's own."""

    def __init__(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self._captured = capfdbinary

    def __call__(self, *arguments: str, code: int = 0) -> tuple[bytes, str]:
        with pytest.raises(SystemExit) as left:
            main(("memory", *arguments, "--user", "ana", "--store", "me.db"))
        out, err = self._captured.readouterr()
        assert left.value.code in ((0, None) if code == 0 else (code,)), err
        return out, err.decode()


@pytest.fixture
def memory(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.chdir(tmp_path)
    Path("mem0.json").write_bytes(exports.dumped(exports.mem0("User likes plums", "The earth is flat")))
    return Command(capfdbinary)


def test_an_import_shows_what_is_proposed_and_what_was_refused_and_why(memory: Command) -> None:
    out, err = memory("import", "mem0.json")
    assert "I like plums" in out.decode()
    assert "it does not speak of the person" in out.decode()
    assert "mem0: 0 messages of the person (0 say nothing of them), 2 memories; 1 proposed" in err
    with open_store("me.db") as store:
        assert len(ids(store.user("ana"))) == 1


def test_an_import_as_json_is_the_report_of_the_library_and_a_dry_run_keeps_nothing(memory: Command) -> None:
    out, _ = memory("import", "mem0.json", "--dry-run", "--json")
    report = Report.model_validate_json(out)
    assert (report.dry_run, report.proposed, report.formats) == (True, 1, ("mem0",))
    with open_store("me.db") as store:
        assert store.users() == 0


def test_a_file_that_is_not_there_or_of_no_kind_is_one_sentence_and_exit_code_1(memory: Command) -> None:
    assert "nothing.json cannot be read" in memory("import", "nothing.json", code=1)[1]
    assert "there are: chatgpt, claude" in memory("import", "mem0.json", "--format", "gpt", code=1)[1]
    assert "no export of Idiolect" in memory("restore", "mem0.json", code=1)[1]


def test_what_is_exported_to_stdout_or_a_file_is_what_the_library_exports_and_is_restored(memory: Command) -> None:
    with open_store("me.db") as store:
        record(store.user("ana"), *life())
        data = export(store.user("ana"))
    assert memory("export")[0] == data
    memory("export", "--output", "ana.json")
    assert Path("ana.json").read_bytes() == data
    assert Path("ana.json").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in Path().glob("*ana.json*")) == ["ana.json"]
    with open_store("me.db") as store:
        store.user("ana").erase()
    out, _ = memory("restore", "ana.json", "--json")
    assert json.loads(out) == {"events": 11}
    assert memory("export")[0] == data
    assert "cannot be written" in memory("export", "--output", "no/folder.json", code=1)[1]
