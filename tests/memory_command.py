"""`idiolect memory ...` run as in a terminal, and what its tests put into a memory."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from idiolect.cli import main
from idiolect.curating import Added
from idiolect.memory.rights.seeing import Listing
from idiolect.memory.store import UserStore, open_store
from idiolect.schema import AnyEvent, Preference
from lives import proposal


class Command:
    """Runs `idiolect memory ...` of ana, or of whom it is told."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._captured, self._patch = capsys, monkeypatch

    def __call__(self, *arguments: str, user: str = "ana", stdin: str = "", code: int = 0) -> tuple[str, str]:
        self._patch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as left:
            main(("memory", *arguments, "--user", user))
        out, err = self._captured.readouterr()
        assert left.value.code in ((0, None) if code == 0 else (code,)), err
        return out, err

    def refused(self, *arguments: str, user: str = "ana") -> str:
        """What it says of what it cannot do: one line, and nothing on stdout."""
        out, err = self(*arguments, user=user, code=1)
        assert (out, err.count("\n")) == ("", 1)
        return err

    def added(self, text: str, user: str = "ana") -> Preference:
        """A statement that was added."""
        out, _ = self("add", text, "--json", user=user)
        return Added.model_validate_json(out).statements[0]

    def listed(self, *options: str) -> Listing:
        """What is listed."""
        return Listing.model_validate_json(self("list", *options, "--json")[0])


def opened(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Command:
    """The command in a folder of its own. The model of its settings is not there: none of these commands needs one."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    Path("idiolect.toml").write_text('model = "./gone.gguf"\nembedder = "none"\nstore = "me.db"\n')
    return Command(capsys, monkeypatch)


@contextmanager
def person(user: str) -> Iterator[UserStore]:
    """What the command keeps of a person."""
    with open_store("me.db") as store:
        yield store.user(user)


def keep(person: UserStore, *events: AnyEvent) -> None:
    """Events alone: what is derived from them is still to be made."""
    with person.transaction() as transaction:
        for event in events:
            transaction.append(event)


def propose(person: UserStore, *named: tuple[str, str]) -> None:
    """Things that sources say ana likes, and does not like where they begin with no."""
    with person.transaction() as transaction:
        for what, source in named:
            offered = proposal(what.replace(" ", "-"), what.removeprefix("no "), source)
            slots = offered.slots.model_copy(update={"polarity": -1 if what.startswith("no ") else 1})
            transaction.append(offered.model_copy(update={"slots": slots}))
