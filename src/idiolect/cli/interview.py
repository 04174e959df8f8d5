"""`idiolect interview`: a few questions by which a new person's tastes are found fast. Works piped."""

import sys
from typing import Annotated

import typer

from idiolect.cli.options import Config, Json, ModelName, StoreUrl, User, opened_assistant

HOW = "1, 2, 0 for neither, s to skip the rest"


def interview(
    context: typer.Context,
    user: User,
    again: Annotated[
        bool, typer.Option("--again", help="Ask all of it again; what you said before still counts.")
    ] = False,
    model: ModelName = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Answer at most five questions about which of two answers you would rather have; `s` skips the rest."""
    from idiolect.cli.show import note, printed_json, safe
    from idiolect.interviewing import Said

    words: dict[str, Said] = {"1": "first", "2": "second", "0": "neither", "s": "skip"}
    with opened_assistant(context) as assistant:
        asking = assistant.interview(user)
        now = asking.again() if again else asking.stands()
        while now.question is not None and not json:
            asked = now.question
            note(f"\n({now.answered + 1} of at most {now.most}) {safe(asked.prompt)}\n")
            note(f"[1] {safe(asked.first)}\n\n[2] {safe(asked.second)}\n\n{HOW}:")
            line = sys.stdin.readline()
            if not line:
                break
            said = words.get(line.strip().lower())
            if said is None:
                note(f"not understood: {HOW}")
                continue
            now = asking.say(asked.name, said)
    if json:
        printed_json(now)
    else:
        over = "" if now.question else "; `--again` asks anew"
        note(f"{now.answered} answered{over}; `idiolect profile -u {user}` shows what is believed now")
