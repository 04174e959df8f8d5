"""The interview over HTTP: the next question, and what the person says to it."""

from fastapi import APIRouter
from pydantic import Field

from idiolect.interviewing import Interview, Said
from idiolect.schema import Noun, UserId
from idiolect.server.errors import ErrorBody
from idiolect.server.serving import Serving

router = APIRouter(prefix="/v1/users/{user}", tags=["Idiolect"], responses={"4XX": {"model": ErrorBody}})


class Reply(Noun):
    """What the person says to a question."""

    question: str = Field(description="Its name, as it was asked.")
    said: Said = Field(description="Which answer they would rather have; `skip` ends the interview.")


@router.get("/interview")
def interview(assistant: Serving, user: UserId) -> Interview:
    """At most five questions about which of two answers a person would rather have; the next one, if there is one."""
    return assistant.interview(user).stands()


@router.post("/interview")
def reply(assistant: Serving, user: UserId, said: Reply) -> Interview:
    """Learn from what the person says, and ask the next question. 400 for a question that is not asked now."""
    return assistant.interview(user).say(said.question, said.said)


@router.post("/interview/again")
def again(assistant: Serving, user: UserId) -> Interview:
    """Begin the questions anew; what was said to them before still counts."""
    return assistant.interview(user).again()
