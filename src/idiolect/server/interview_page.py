"""The interview on the page: one question after the other in the place where a newcomer's conversation will begin."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from idiolect.interviewing import Said
from idiolect.schema import UserId
from idiolect.server import memory_views, views
from idiolect.server.serving import Serving, Speaking
from idiolect.server.templates import render
from idiolect.server.wire import DEFAULT_USER

router = APIRouter(prefix="/page/interview", include_in_schema=False, default_response_class=HTMLResponse)


class Reply(Speaking):
    """What the person says to a question."""

    question: str
    said: Said


@router.get("")
def asked(assistant: Serving, user: UserId = DEFAULT_USER) -> Response:
    """The next question."""
    return render("_interview.html", user=user, interview=assistant.interview(user).stands())


@router.post("")
def replied(assistant: Serving, reply: Annotated[Reply, Form()]) -> Response:
    """Learn from the reply, ask on, and draw what is believed now."""
    interview = assistant.interview(reply.user).say(reply.question, reply.said)
    beliefs = views.beliefs(assistant.profile(reply.user))
    memory = memory_views.memory(assistant.store.user(reply.user))
    return render("_interviewed.html", user=reply.user, interview=interview, shown=None, beliefs=beliefs, memory=memory)
