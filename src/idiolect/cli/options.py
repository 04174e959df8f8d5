"""Options that several commands share, each spelt once, and the assistant that they open."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.errors import BadInput

if TYPE_CHECKING:
    from idiolect.assistant import Assistant
    from idiolect.memory.store import UserStore
    from idiolect.models.protocol import Model
    from idiolect.settings import Settings

User = Annotated[str, typer.Option("--user", "-u", help="Whose turn it is: an id of letters, digits and . _ @ : + -")]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", help="The language model, such as `starter`; `idiolect models list` shows the forms."
    ),
]
StoreUrl = Annotated[str | None, typer.Option("--store", help="The database, such as sqlite:///idiolect.db.")]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="An OpenAI-compatible endpoint that serves the model.")]
Config = Annotated[Path | None, typer.Option("--config", help="A settings file in place of ./idiolect.toml.")]
MethodName = Annotated[
    str | None, typer.Option("--method", help="How answers are made personal, such as `token-values+best-of-4`.")
]
Candidates = Annotated[int | None, typer.Option("--candidates", "-n", min=1, max=16, help="Answers to choose among.")]
Temperature = Annotated[float | None, typer.Option("--temperature", min=0, max=2, help="Of the sampling; 0 is greedy.")]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", min=1, help="Longest answer, in tokens of the model.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
AnswerId = Annotated[
    str,
    typer.Argument(
        help="An answer's or candidate's id or its beginning; `last` is your newest, `last:2` its second candidate."
    ),
]

LAST = "last"


def key_values(settings: Sequence[str]) -> dict[str, str]:
    """What `--set KEY=VALUE` said, once or more."""
    pairs = [each.partition("=") for each in settings]
    for key, sign, value in pairs:
        if not key or not sign:
            raise BadInput(f"--set {key}{sign}{value}: write it as KEY=VALUE")
    return {key: value for key, _, value in pairs}


@contextmanager
def opened_assistant(context: typer.Context) -> Iterator["Assistant"]:
    """An assistant whose model is opened when it is first needed.

    A command's options that bear the name of a setting are settings, before those of the environment and the file.
    """
    from idiolect.settings import Settings, load_settings

    said = {name: value for name, value in context.params.items() if name in Settings.model_fields}
    loaded = load_settings(context.params["config"], **said)
    from idiolect.assistant import Assistant  # after the settings: what is wrong with them is told at once

    with Assistant(settings=loaded) as assistant:
        yield assistant


@contextmanager
def opened_person(user: str, store: str | None, config: Path | None) -> Iterator["UserStore"]:
    """One person's store; neither a model nor an embedder is opened."""
    from idiolect.memory.store import open_store
    from idiolect.settings import load_settings

    settings = load_settings(config, store=store)
    with open_store(settings.store, erasures=settings.erasures) as opened:
        yield opened.user(user)


@contextmanager
def loaded_assistant(context: typer.Context) -> Iterator["Assistant"]:
    """The same with its model open, so that what is wrong with it is told at once; says on stderr that it loads."""
    from idiolect.cli.show import working

    with opened_assistant(context) as assistant:
        with working(f"opening {assistant.settings.model}"):
            assistant.load()
        yield assistant


@contextmanager
def opened_model(settings: "Settings", parallel: int = 1) -> Iterator["Model"]:
    """The model alone, with room for so many answers side by side."""
    from idiolect.models import LlamaCppSettings, opener

    with closing(opener(settings, LlamaCppSettings(parallel=parallel))()) as model:
        yield model


def answer_id(assistant: "Assistant", user: str, said: str) -> str:
    """`last`, `last:2` and beginnings of ids as ids. Raises AnswerNotFound when there is no such answer."""
    from idiolect.errors import AnswerNotFound
    from idiolect.memory.naming import answer_named

    name, _, number = said.partition(":")
    if name != LAST:
        return answer_named(assistant.store.user(user), said)
    newest = assistant.store.user(user).interactions(1)
    if not newest:
        raise AnswerNotFound(f"{user} has no answers yet; `idiolect ask --user {user} ...` makes one")
    answer = newest[0].answer
    if not number:
        return answer.id
    if not number.isdigit() or not 1 <= int(number) <= len(answer.candidates):
        raise AnswerNotFound(f"{said}: the newest answer has candidates 1 to {len(answer.candidates)}")
    return answer.candidates[int(number) - 1].id
