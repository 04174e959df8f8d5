"""What a person or a client says of answers, and what is believed of a person."""

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Header, Query

from idiolect.schema import Profile, UserId
from idiolect.server import wire
from idiolect.server.serving import Serving, UserHeader, person

router = APIRouter(tags=["Idiolect"])

OnceHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Any text of the client's; what is sent again with it, within this person, is learnt from once.",
    ),
]


@router.post("/v1/feedback")
def feedback(
    assistant: Serving, request: wire.FeedbackRequest, header: UserHeader = None, key: OnceHeader = None
) -> Profile:
    """Learn from a choice, a rating, an edit, a statement or a correction; returns what is now believed."""
    return assistant.feedback(person(header, request.user), request.feedback, key)


@router.get("/v1/users/{user}/profile")
def profile(assistant: Serving, user: UserId) -> Profile:
    """All that is believed of a person; of someone new, what is believed of everyone."""
    return assistant.profile(user)


@router.put("/v1/users/{user}/method")
def method(assistant: Serving, user: UserId, chosen: wire.MethodOfPerson) -> Profile:
    """Answer a person by this method from now on, unless a request names another; returns their profile."""
    assistant.memory(user).use(chosen.method)
    return assistant.profile(user)


@router.get("/v1/answers/{answer}/why")
def why(
    assistant: Serving, answer: str, user: Annotated[UserId | None, Query()] = None, header: UserHeader = None
) -> wire.Why:
    """Why an answer was given: its id or a candidate's, and whose it is. Another person's answer is not found."""
    return wire.why(assistant.answer_by_id(person(header, user), answer))


@router.get("/healthz")
def healthz(assistant: Serving) -> wire.Health:
    """That the server answers and its store can be read."""
    return wire.Health(version=version("idiolect"), model=assistant.model.name, people=assistant.store.users())
