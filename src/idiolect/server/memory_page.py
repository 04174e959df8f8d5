"""The page's side of the memory: every belief with the words it came from, and what a person does with it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, Response

from idiolect.assistant import Assistant
from idiolect.curating import Allowing, Changes, Decisions
from idiolect.memory.naming import named
from idiolect.memory.rights import Receipt
from idiolect.memory.rights.asking import Forgetting
from idiolect.schema import Inference, UserId
from idiolect.server import memory_views, views
from idiolect.server.serving import Serving, Speaking, kept
from idiolect.server.templates import render

router = APIRouter(prefix="/page/memory", include_in_schema=False, default_response_class=HTMLResponse)

DONE = "Done. What I believe of you is up to date."


class About(Speaking):
    """A statement."""

    statement: str
    answer: str = ""  # under whose line of "Remembered" it was done, if it was


class Switched(About):
    """Something of a statement is switched on or off."""

    value: Literal["yes", "no"]

    @property
    def on(self) -> bool:
        """Which of the two."""
        return self.value == "yes"


class Allowed(Speaking):
    """A kind of inference is allowed, or no more."""

    inference: Inference
    value: Literal["yes", "no"]


class Reworded(About):
    """A statement in other words."""

    text: str = ""


class Forgotten(About):
    """A statement that is to be gone, and the turns that are on the page."""

    later: Literal["yes", ""] = ""
    turn: tuple[str, ...] = ()


class Undone(Speaking):
    """The answer to a message of which something was remembered, and the turns that are on the page."""

    answer: str
    turn: tuple[str, ...] = ()


@router.get("/origin")
def origin(assistant: Serving, user: UserId, statement: str) -> Response:
    """The words that a statement came from, and what was done with it since."""
    found = memory_views.origin(assistant.store.user(user), statement)
    return render("_memory_origin.html", user=user, origin=found)


@router.get("/remembered")
def remembered(assistant: Serving, user: UserId, answer: str) -> Response:
    """What was remembered of a turn, under its answer and in the panel; where nothing was, nothing changes."""
    line = memory_views.line(assistant.store.user(user), answer)
    return HTMLResponse("") if line is None else _changed(assistant, Speaking(user=user), "Remembered.", under=answer)


@router.get("/more")
def more(assistant: Serving, speaking: Annotated[Speaking, Query()]) -> Response:
    """The panel again with longer lists."""
    longer = speaking.model_copy(update={"drawn": speaking.drawn + memory_views.DRAWN})
    return _changed(assistant, longer, "More of your statements are on the page.")


@router.post("/edits")
def edits(assistant: Serving, reworded: Annotated[Reworded, Form()]) -> Response:
    """The person's own words for it."""
    return _change(assistant, reworded, Changes(text=reworded.text))


@router.post("/pins")
def pins(assistant: Serving, switched: Annotated[Switched, Form()]) -> Response:
    """It never fades, or it may again."""
    return _change(assistant, switched, Changes(pinned=switched.on))


@router.post("/places")
def places(assistant: Serving, switched: Annotated[Switched, Form()]) -> Response:
    """It stays on this machine, or may leave it."""
    return _change(assistant, switched, Changes(local_only=switched.on))


@router.post("/consents")
def consents(assistant: Serving, switched: Annotated[Switched, Form()]) -> Response:
    """A special category may be used in later conversations, or may not."""
    return _change(assistant, switched, Changes(consented=switched.on))


@router.post("/inferences")
def inferences(assistant: Serving, asked: Annotated[Allowed, Form()]) -> Response:
    """A kind of inference is allowed from now on, or what it inferred counts no more."""
    became = assistant.memory(asked.user).allow(Allowing(inference=asked.inference, allowed=asked.value == "yes"))
    return _changed(assistant, asked, f"{DONE} {'; '.join(became.changes)}.")


@router.post("/endings")
def endings(assistant: Serving, about: Annotated[About, Form()]) -> Response:
    """It is no longer true."""
    return _change(assistant, about, Changes(ended=True))


@router.post("/resolutions")
def resolutions(assistant: Serving, about: Annotated[About, Form()]) -> Response:
    """Of statements that contradict each other this one holds, so the others do not."""
    assistant.memory(about.user).settle(about.statement)
    return _changed(assistant, about, DONE, statement=about.statement)


@router.post("/decisions")
def decisions(assistant: Serving, switched: Annotated[Switched, Form()]) -> Response:
    """A proposal is accepted or refused."""
    chosen = (switched.statement,)
    assistant.memory(switched.user).decide(Decisions(accept=chosen) if switched.on else Decisions(refuse=chosen))
    return _changed(assistant, switched, DONE, statement=switched.statement)


@router.get("/forgetting")
def goes(assistant: Serving, user: UserId, statement: str) -> Response:
    """What would go with it; nothing goes yet."""
    memory = assistant.memory(user)
    receipt = memory.forget(Forgetting(statement=statement, dry_run=True))
    others = [named(memory.person, each) for each in receipt.statements if each != statement]
    return render(
        "_memory_goes.html",
        user=user,
        told=memory_views.told(named(memory.person, statement)),
        others=[memory_views.told(each) for each in others],
        receipt=receipt,
    )


@router.post("/forgettings")
def forgettings(assistant: Serving, asked: Annotated[Forgotten, Form()]) -> Response:
    """It goes for good, with the turns that hold its words; their answers can be read until the page is left."""
    forgetting = Forgetting(statement=asked.statement, later=asked.later == "yes")
    return _forgotten(assistant, asked, forgetting, asked.turn)


@router.post("/undoings")
def undoings(assistant: Serving, asked: Annotated[Undone, Form()]) -> Response:
    """What was just remembered goes again with its message; what the person had said before of the same stays."""
    at = assistant.store.user(asked.user).interaction(asked.answer).at
    moment = Forgetting(
        since=at.isoformat(), until=(at + timedelta.resolution).isoformat()
    )  # the turn has it to itself
    return _forgotten(assistant, asked, moment, asked.turn, under=asked.answer)


def _forgotten(
    assistant: Assistant, speaking: Speaking, forgetting: Forgetting, turns: Sequence[str], under: str = ""
) -> Response:
    person = assistant.store.user(speaking.user)
    shown = [(each.id, views.one(each.answer, name)) for name, each in kept(person, turns)]
    receipt = assistant.memory(speaking.user).forget(forgetting)
    gone = [each for event, each in shown if event in receipt.events]
    return _changed(assistant, speaking, "Forgotten.", receipt=receipt, forgotten=gone, under=under)


def _change(assistant: Assistant, about: About, changes: Changes) -> Response:
    assistant.memory(about.user).change(about.statement, changes)
    return _changed(assistant, about, DONE, statement=about.statement, under=about.answer)


def _changed(
    assistant: Assistant,
    speaking: Speaking,
    done: str,
    *,
    statement: str = "",
    under: str = "",
    receipt: Receipt | None = None,
    forgotten: Sequence[views.Shown] = (),
) -> Response:
    """The panel again, with what was touched: a statement's origin, the line under an answer, the turns that went."""
    person = assistant.store.user(speaking.user)
    return render(
        "_memory_changed.html",
        user=speaking.user,
        done=done,
        beliefs=views.beliefs(assistant.profile(speaking.user)),
        memory=memory_views.memory(person, speaking.drawn),
        origin=memory_views.origin(person, statement) if statement else None,
        under=under,
        line=memory_views.line(person, under) if under else None,
        receipt=receipt,
        forgotten=forgotten,
    )
