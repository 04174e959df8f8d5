"""The page: chat, choices and beliefs, drawn on the server; htmx puts the pieces in their places.

The conversation lives in the page as a list of ids; its words are read from the person's own store.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Cookie, Form, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import TypeAdapter, ValidationError

from idiolect.assistant import Assistant
from idiolect.conversations import recent
from idiolect.errors import IdiolectError
from idiolect.schema import Answer, Feedback, Message, Profile, UserId, new_id
from idiolect.server import comparing, memory_views, views
from idiolect.server.relay import ALIVE, EventStream, event, relay
from idiolect.server.serving import Serving, Speaking, kept
from idiolect.server.templates import html, render
from idiolect.server.wire import DEFAULT_USER

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

COOKIE = "idiolect-user"
YEAR_S = 365 * 24 * 3600
PAIR = 2
EARLIER = 5  # conversations that a person may go on with
MOST_TURNS = 200
_USER: TypeAdapter[str] = TypeAdapter(UserId)


class Said(Speaking):
    """A new message, after the turns before it."""

    message: str = ""
    turn: tuple[str, ...] = ()
    is_compared: bool = False
    by: tuple[str, ...] = ()  # the two methods that are compared


class Preferred(Speaking):
    """One of two answers."""

    chosen: str
    over: str


class Tied(Speaking):
    """Two answers of which neither was preferred."""

    one: str
    other: str


class Rated(Speaking):
    """A thumb."""

    candidate: str
    value: str


class Rewritten(Speaking):
    """What the person would have written."""

    candidate: str
    text: str = ""


class Stated(Speaking):
    """What the person says of themselves."""

    text: str = ""


class Untasted(Speaking):
    """An attribute that the person has no taste in."""

    attribute: str


class Another(Speaking):
    """The wish for another answer, with the turns of the conversation."""

    candidate: str
    turn: tuple[str, ...] = ()


@router.get("/")
def page(
    assistant: Serving,
    user: Annotated[UserId | None, Query()] = None,
    remembered: Annotated[str | None, Cookie(alias=COOKIE)] = None,
) -> Response:
    """The whole page, for the person in the address, else the last one who spoke in this browser."""
    speaking = user or _valid(remembered) or DEFAULT_USER
    believed = views.beliefs(assistant.profile(speaking))
    earlier = recent(assistant.store.user(speaking), EARLIER)
    remembered_words = memory_views.memory(assistant.store.user(speaking))
    response = render(
        "page.html",
        user=speaking,
        model=assistant.model.name,
        beliefs=believed,
        memory=remembered_words,
        earlier=earlier,
        methods=comparing.METHODS,
        left=0 if earlier else assistant.interview(speaking).left(),
    )
    response.set_cookie(COOKIE, speaking, max_age=YEAR_S, httponly=True, samesite="strict")
    return response


@router.get("/page/turns")
def turns(
    assistant: Serving, user: UserId = DEFAULT_USER, turn: Annotated[Sequence[str], Query(max_length=MOST_TURNS)] = ()
) -> Response:
    """A conversation again, after the page was loaded anew."""
    told = kept(assistant.store.user(user), turn)
    said = [(each.prompt, views.one(each.answer, identifier)) for identifier, each in told]
    return render("_conversation.html", user=user, said=said)


@router.post("/page/messages")
def messages(assistant: Serving, said: Annotated[Said, Form()]) -> Response:
    """Answer: the words as they are written, then the turn with all that can be done to it."""
    told = [*_history(assistant, said.user, said.turn), Message(role="user", content=said.message)]
    if said.is_compared:
        return EventStream(comparing.compared(assistant, said.user, told, comparing.in_some_order(said.by)))
    return EventStream(_talk(assistant, said.user, told))


@router.post("/page/choices")
def choices(assistant: Serving, preferred: Annotated[Preferred, Form()]) -> Response:
    """One of two was preferred."""
    profile = assistant.prefer(preferred.user, preferred.chosen, over=preferred.over)
    answer = assistant.answer_by_id(preferred.user, preferred.chosen)
    return _learnt(assistant, profile, views.one(answer, preferred.chosen, note="preferred"))


@router.post("/page/ties")
def ties(assistant: Serving, tied: Annotated[Tied, Form()]) -> Response:
    """Neither of two was preferred; the conversation goes on with the one that stood first."""
    profile = assistant.feedback(tied.user, Feedback(kind="tie", answer=tied.one, over=tied.other))
    answer = assistant.answer_by_id(tied.user, tied.one)
    return _learnt(assistant, profile, views.one(answer, tied.one, note="tied"))


@router.post("/page/ratings")
def ratings(assistant: Serving, rated: Annotated[Rated, Form()]) -> Response:
    """A thumb up or down."""
    profile = assistant.rate(rated.user, rated.candidate, rated.value)
    answer = assistant.answer_by_id(rated.user, rated.candidate)
    return _learnt(assistant, profile, views.one(answer, rated.candidate, note=rated.value))


@router.post("/page/edits")
def edits(assistant: Serving, rewritten: Annotated[Rewritten, Form()]) -> Response:
    """The person's own version."""
    profile = assistant.edit(rewritten.user, rewritten.candidate, rewritten.text)
    answer = assistant.answer_by_id(rewritten.user, rewritten.candidate)
    return _learnt(assistant, profile, views.one(answer, rewritten.candidate, note="edited"))


@router.post("/page/statements")
def statements(assistant: Serving, stated: Annotated[Stated, Form()]) -> Response:
    """A preference in the person's words."""
    return _learnt(assistant, assistant.say(stated.user, stated.text))


@router.post("/page/corrections")
def corrections(assistant: Serving, untasted: Annotated[Untasted, Form()]) -> Response:
    """The person says that they have no taste here: the weight is set to nought by hand."""
    return _learnt(assistant, assistant.correct(untasted.user, untasted.attribute, 0.0))


@router.post("/page/pairs")
def pairs(assistant: Serving, another: Annotated[Another, Form()]) -> Response:
    """Another answer beside this one: a candidate that was not shown, else a pair that is written now."""
    interaction = assistant.store.user(another.user).interaction(another.candidate)
    answer = interaction.answer
    other = views.next_candidate(answer, another.candidate)
    if other is not None:
        this = next(each for each in answer.candidates if each.id == another.candidate)
        return render("_turn.html", user=another.user, shown=views.pair(answer, this, other))
    before = another.turn[: another.turn.index(another.candidate)] if another.candidate in another.turn else []
    told = [*_history(assistant, another.user, before), Message(role="user", content=interaction.prompt)]
    fresh = assistant.answer(another.user, told, candidates=PAIR)
    both = views.admitted(fresh)
    return render(
        "_turn.html", user=another.user, shown=views.pair(fresh, *both) if len(both) == PAIR else views.one(fresh)
    )


@router.get("/page/why/{candidate}")
def why(assistant: Serving, candidate: str, user: UserId = DEFAULT_USER) -> Response:
    """Why this answer."""
    answer = assistant.answer_by_id(user, candidate)
    recalled, forgotten = memory_views.recalled(assistant.store.user(user), answer.trace.recalled)
    explained = views.explanation(answer, candidate)
    return render("_why.html", user=user, why=explained, recalled=recalled, forgotten=forgotten)


def _valid(user: str | None) -> str | None:
    try:
        return _USER.validate_python(user)
    except ValidationError:
        return None  # an old cookie, or somebody else's


def _history(assistant: Assistant, user: str, turn: Sequence[str]) -> list[Message]:
    told: list[Message] = []
    for identifier, interaction in kept(assistant.store.user(user), turn):
        shown = views.one(interaction.answer, identifier)
        text = shown.candidates[0].text if shown.candidates else interaction.answer.text
        told += [Message(role="user", content=interaction.prompt), Message(role="assistant", content=text)]
    return told


async def _talk(assistant: Assistant, user: str, told: Sequence[Message]) -> AsyncGenerator[str, None]:
    place = new_id("turn")
    yield event(html("_asked.html", place=place, prompt=told[-1].text))
    async with aclosing(relay(assistant.stream(user, told))) as items:
        try:
            async for item in items:
                yield event(_told(place, item, user)) if item else ALIVE
        except IdiolectError as error:
            yield event(html("_failed.html", place=place, message=str(error)))


def _told(place: str, item: str | Answer, user: str) -> str:
    if isinstance(item, str):
        return html("_piece.html", place=place, piece=item)
    return html("_answered.html", place=place, shown=views.shown(item), user=user)


def _learnt(assistant: Assistant, profile: Profile, shown: views.Shown | None = None) -> HTMLResponse:
    memory = memory_views.memory(assistant.store.user(profile.user))
    return render("_learnt.html", user=profile.user, shown=shown, beliefs=views.beliefs(profile), memory=memory)
