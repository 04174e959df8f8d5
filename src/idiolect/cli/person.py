"""`idiolect feedback`, `profile` and `why`: what a person says of answers, what is believed of them, and reasons."""

import re
from enum import StrEnum
from typing import Annotated

import typer

from idiolect.cli.options import LAST, AnswerId, Config, Json, ModelName, StoreUrl, User, answer_id, opened_assistant
from idiolect.errors import BadInput

SETTINGS = "settings"  # as a method's name: none of the person's own
FIELD = re.compile(r"`(answer|value|over|attribute)`")  # as the library names what is an option here


class Kind(StrEnum):
    """What feedback there is; `POST /v1/feedback` takes the same."""

    choice = "choice"
    tie = "tie"
    rating = "rating"
    edit = "edit"
    statement = "statement"
    correction = "correction"
    signal = "signal"


def feedback(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="What is said: see the examples in docs/feedback.md.")],
    user: User,
    answer: Annotated[
        str | None, typer.Option("--answer", "-a", help="An id, `last`, or `last:2` for its second candidate.")
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(
            "--value",
            help="rating: 1 to 5, up or down; edit, statement: the text; correction: the weight; "
            "signal: copied, regenerated or abandoned.",
        ),
    ] = None,
    over: Annotated[
        list[str] | None,
        typer.Option("--over", help="choice: what the answer was preferred to; may be repeated. tie: the other one."),
    ] = None,
    attribute: Annotated[str | None, typer.Option("--attribute", help="correction: the attribute to set.")] = None,
    model: ModelName = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Say how an answer was, or something about yourself; the profile that follows is learnt at once."""
    from idiolect.cli.show import learnt, note, printed_json
    from idiolect.schema import Feedback

    with opened_assistant(context) as assistant:
        said = Feedback(
            kind=kind.value,
            answer=answer_id(assistant, user, answer) if answer else None,
            value=value,
            over=tuple(answer_id(assistant, user, each) for each in over) if over else None,
            attribute=attribute,
        )
        try:
            after = assistant.feedback(user, said)
        except BadInput as error:
            raise type(error)(FIELD.sub(r"--\1", str(error))) from error
    if json:
        printed_json(after)
    else:
        note(learnt(after))


def profile(
    context: typer.Context,
    user: User,
    every: Annotated[bool, typer.Option("--all", help="Show every taste, however unsure.")] = False,
    use: Annotated[
        str | None,
        typer.Option("--use", help="From now on answer them by this method, such as `agent`; `settings`: as others."),
    ] = None,
    pointing: Annotated[
        bool, typer.Option("--directions", help="Show the list that the method `bridge` tells a model.")
    ] = False,
    model: ModelName = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show all that is believed of a person: statements, and tastes as bars with their uncertainty."""
    from idiolect.cli.memory.seeing import shortened
    from idiolect.cli.show import printed_json, show_profile

    with opened_assistant(context) as assistant:
        if use is not None:
            assistant.memory(user).use(None if use == SETTINGS else use)
        believed = assistant.profile(user)
        short = shortened(assistant.store.user(user))
    if pointing:
        from idiolect.cli.directions import show_directions

        show_directions(believed, short, every, json)
    elif json:
        printed_json(believed)
    else:
        show_profile(believed, short, every)


def others(
    context: typer.Context,
    user: User,
    model: ModelName = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show every answer that was written to the latest question, numbered as `feedback choice` takes them."""
    from idiolect.cli.show import note, printed_json, show_candidates

    with opened_assistant(context) as assistant:
        found = assistant.answer_by_id(user, answer_id(assistant, user, LAST))
    if json:
        printed_json(found)
        return
    show_candidates(found)
    if len(found.candidates) > 1:
        note(f"`idiolect feedback choice -u {user} --answer last:N --over last:M` says that N is better than M")


def why(
    context: typer.Context,
    answer: AnswerId,
    user: User,
    model: ModelName = None,
    store: StoreUrl = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show why a person got an answer: the candidates, their scores, what decided, what the boundary said."""
    from idiolect.cli.show import printed_json, show_why

    with opened_assistant(context) as assistant:
        found = assistant.answer_by_id(user, answer_id(assistant, user, answer))
    if json:
        printed_json(found)
    else:
        show_why(found)
