"""`idiolect chat` and `idiolect ask`: a person talks to a model through Idiolect."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from idiolect.cli.options import (
    BaseUrl,
    Candidates,
    Config,
    Json,
    MaxTokens,
    MethodName,
    ModelName,
    StoreUrl,
    Temperature,
    User,
    loaded_assistant,
)

if TYPE_CHECKING:
    from idiolect.assistant import Assistant
    from idiolect.schema import Message

Continue = Annotated[bool, typer.Option("--continue", "-c", help="Go on with your latest conversation.")]
Temporary = Annotated[bool, typer.Option("--temporary", help="Keep nothing of this conversation.")]


def chat(
    context: typer.Context,
    user: User,
    model: ModelName = None,
    store: StoreUrl = None,
    base_url: BaseUrl = None,
    method: MethodName = None,
    candidates: Candidates = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    temporary: Temporary = False,
    going_on: Continue = False,
    config: Config = None,
) -> None:
    """Talk to a model that learns how you like its answers; /help lists what can be said besides. Works piped."""
    from idiolect.cli.conversation import Conversation

    is_piped = not sys.stdin.isatty()  # asked now: it may be closed afterwards
    with loaded_assistant(context) as assistant:
        conversation = Conversation(assistant, user, temporary=temporary)
        conversation.messages += _before(assistant, user) if going_on else ()
        conversation.run(sys.stdin)
    if conversation.failures and is_piped:
        raise typer.Exit(1)


def ask(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(help="The question; `-` reads it from stdin.")],
    user: User,
    model: ModelName = None,
    store: StoreUrl = None,
    base_url: BaseUrl = None,
    method: MethodName = None,
    candidates: Candidates = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Makes the sampling repeatable.")] = None,
    temporary: Temporary = False,
    going_on: Continue = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Ask one question and print the answer; with --json also its candidates and trace."""
    from idiolect.cli.show import note, printed_json, working, write
    from idiolect.memory.naming import short_ids
    from idiolect.schema import Message

    with loaded_assistant(context) as assistant:
        text = sys.stdin.read() if prompt == "-" else prompt
        before = _before(assistant, user) if going_on else ()
        sampling = assistant.settings.sampling.model_copy(update={"seed": seed})
        with working("writing"):
            answer = assistant.answer(
                user, [*before, Message(role="user", content=text)], sampling=sampling, temporary=temporary
            )
    if json:
        printed_json(answer)
        return
    write(answer.text + "\n")
    if answer.care:
        note(answer.care)
    others = 0 if temporary else sum(each.verdict.action != "refuse" for each in answer.candidates) - 1
    told = (
        f"; {others} more {'was' if others == 1 else 'were'} written: `idiolect others -u {user}`" if others > 0 else ""
    )
    cut = f"; cut at {answer.completion_tokens} tokens (--max-tokens)" if answer.is_cut else ""
    why = "" if temporary else f"; `idiolect why last -u {user}` tells why"
    note(f"[{short_ids([answer.id])[answer.id]}{cut}{told}{why}]")


def _before(assistant: "Assistant", user: str) -> Sequence["Message"]:
    """What was said in the latest conversation."""
    from idiolect.cli.show import note, shortened
    from idiolect.conversations import recent

    for latest in recent(assistant.store.user(user), 1):
        note(f"going on from {shortened(latest.messages[-2].text)!r}")
        return latest.messages
    note(f"{user} has no conversation yet: this begins one")
    return ()
