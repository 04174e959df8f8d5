"""A person's memory over HTTP: what `idiolect memory` does, under `/v1/users/{user}`."""

from io import BytesIO
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from idiolect.curating import Added, Allowing, Changes, Decided, Decisions, Settled
from idiolect.memory.importers import Report, import_file
from idiolect.memory.inference.allowing import Allowances
from idiolect.memory.rights import Receipt, Restored, import_again
from idiolect.memory.rights import export as exported
from idiolect.memory.rights.asking import Forgetting
from idiolect.memory.rights.following import Followed, followed
from idiolect.memory.rights.paging import Page
from idiolect.memory.rights.seeing import (
    Conflicts,
    Filters,
    Listing,
    Proposals,
    Trail,
    Waiting,
    conflicting,
    listed,
    proposed,
    trail,
)
from idiolect.schema import Preference, UserId
from idiolect.server.errors import ErrorBody
from idiolect.server.memory_wire import UPLOAD, NewStatement, Settling, Uploaded
from idiolect.server.serving import Serving

router = APIRouter(prefix="/v1/users/{user}", tags=["Memory"], responses={"4XX": {"model": ErrorBody}})

DryRun = Annotated[bool, Query(description="Tell what would happen; change nothing.")]
Later = Annotated[bool, Query(description="Also the answers that were written while it was recalled.")]


@router.get("/memory")
def statements(assistant: Serving, user: UserId, filters: Annotated[Filters, Query()]) -> Listing:
    """What is remembered of a person and in force, oldest first; with `every`, also what held and what waits."""
    return listed(assistant.store.user(user), filters)


@router.post("/memory", status_code=201)
def new_statement(assistant: Serving, user: UserId, said: NewStatement) -> Added:
    """Remember something that the person says; what says the same becomes surer, what it contradicts ends."""
    return assistant.memory(user).add(said.text)


@router.get("/memory/{statement:path}")
def statement(assistant: Serving, user: UserId, statement: str) -> Followed:
    """One statement, by its id or a beginning of it, with the words that it came from and what was done with it."""
    return followed(assistant.store.user(user), statement)


@router.patch("/memory/{statement:path}")
def changed_statement(assistant: Serving, user: UserId, statement: str, changes: Changes) -> Preference:
    """Change what it says or how it may be used, or end it; the history stays. What is left out stays as it is."""
    return assistant.memory(user).change(statement, changes)


@router.delete("/memory/{statement:path}")
def forgotten_statement(
    assistant: Serving, user: UserId, statement: str, later: Later = False, dry_run: DryRun = False
) -> Receipt:
    """Forget it without a trace, with the turns that it was said in; the receipt says what went."""
    return assistant.memory(user).forget(Forgetting(statement=statement, later=later, dry_run=dry_run))


@router.post("/forget")
def forgotten(assistant: Serving, user: UserId, asked: Forgetting) -> Receipt:
    """Forget a statement, a topic, a source or a period without a trace; the receipt says what went."""
    return assistant.memory(user).forget(asked)


@router.get("/conflicts")
def conflicts(assistant: Serving, user: UserId, page: Annotated[Page, Query()]) -> Conflicts:
    """Statements that contradict each other, none of them newer or surer: no answer uses them, but for constraints."""
    return conflicting(assistant.store.user(user), page)


@router.post("/conflicts")
def settled(assistant: Serving, user: UserId, settling: Settling) -> Settled:
    """One of them holds; what contradicts it ends."""
    return assistant.memory(user).settle(settling.keep)


@router.get("/proposals")
def proposals(assistant: Serving, user: UserId, asked: Annotated[Waiting, Query()]) -> Proposals:
    """What imports, documents and tools say of the person, and what was inferred: it waits to be accepted."""
    return proposed(assistant.store.user(user), asked)


@router.post("/proposals")
def decided(assistant: Serving, user: UserId, decisions: Decisions) -> Decided:
    """Accept and refuse, all in one step or nothing."""
    return assistant.memory(user).decide(decisions)


@router.get("/consents")
def consents(assistant: Serving, user: UserId) -> Allowances:
    """What the person allows to be inferred from how they use Idiolect: nothing, until they say so."""
    return assistant.memory(user).allowances()


@router.post("/consents")
def consented(assistant: Serving, user: UserId, asked: Allowing) -> Allowances:
    """Allow a kind of inference from now on, or take it back: what was inferred by it then counts no more."""
    return assistant.memory(user).allow(asked)


@router.get("/export", response_class=Response, responses={200: {"content": {"application/json": {}}}})
def export(assistant: Serving, user: UserId) -> Response:
    """All that is kept of a person, as `restore` takes it: the same person exports to the same bytes."""
    name = f'attachment; filename="idiolect-{user}.json"'
    data = exported(assistant.store.user(user))
    return Response(data, media_type="application/json", headers={"Content-Disposition": name})


@router.post("/restore", openapi_extra=UPLOAD)
def restored(assistant: Serving, user: UserId, file: Uploaded) -> Restored:
    """Bring back an export, all of it or nothing, for the same person or another."""
    return import_again(assistant.store.user(user), file.data)


@router.post("/import", openapi_extra=UPLOAD)
def imported(
    assistant: Serving,
    user: UserId,
    file: Uploaded,
    form: Annotated[str | None, Query(alias="format", description="chatgpt, claude, letta, mem0, jsonl, text.")] = None,
    dry_run: DryRun = False,
) -> Report:
    """Read another system's export into proposals, which wait for the person; what is refused is told, and why."""
    person = assistant.store.user(user)
    return import_file(person, BytesIO(file.data), name=file.name, format=form, dry_run=dry_run)


@router.get("/audit")
def audit(assistant: Serving, user: UserId, page: Annotated[Page, Query()]) -> Trail:
    """What was done with the memory and when, by ids and counts, without a text."""
    return trail(assistant.store.user(user), page)


@router.delete("")
def erased(assistant: Serving, user: UserId, dry_run: DryRun = False) -> Receipt:
    """Erase all that is kept of a person; the receipt says what went."""
    return assistant.memory(user).erase(dry_run=dry_run)
