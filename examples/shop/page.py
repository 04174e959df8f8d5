"""The shop's page: plain forms, drawn on the server; it works without JavaScript."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, FastAPI, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel

import idiolect.server
from examples.shop.adviser import QUESTIONS, SHOWN, Adviser, Ranking
from examples.shop.catalogue import Item
from examples.shop.notebook import Notebook, Pick
from examples.shop.wishes import Wishes
from examples.shop.words import Teller
from idiolect.assistant import Assistant
from idiolect.errors import BadInput
from idiolect.schema import UserId
from idiolect.server import errors
from idiolect.server.middleware import BodyLimit, Doorkeeper, LastResort, SafeHeaders

HERE = Path(__file__).parent
TEMPLATES = Environment(
    loader=ChoiceLoader([PackageLoader("examples.shop", "templates"), PackageLoader("idiolect.server", "templates")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
SEE_OTHER = 303
SOMEBODY = "ana"

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True)
class Counter:
    """What the page is served from."""

    adviser: Adviser
    notebook: Notebook
    assistant: Assistant


def _counter(request: Request) -> Counter:
    found = request.app.state.counter
    assert isinstance(found, Counter)
    return found


Serving = Annotated[Counter, Depends(_counter)]


class Sent(BaseModel):
    """Who is in the shop, and where they look."""

    user: UserId
    department: str = ""
    most: str = ""

    @property
    def back(self) -> Response:
        """To the page, on which what was sent is seen."""
        query = f"user={self.user.replace('+', '%2B')}&department={self.department}&most={self.most}"
        return RedirectResponse(f"/?{query}", SEE_OTHER)


class Picked(Sent):
    """One of what was shown; empty: neither."""

    shown: tuple[str, ...]
    chosen: str = ""


class Said(Sent):
    """A wish."""

    text: str = ""


class About(Sent):
    """A wish that is held, by its id."""

    statement: str


@router.get("/")
def page(
    counter: Serving,
    user: Annotated[UserId, Query()] = SOMEBODY,
    department: Annotated[str, Query()] = "",
    most: Annotated[str, Query()] = "",
) -> Response:
    """The whole page, for one person."""
    picks, wishes = counter.notebook.picks(user), Wishes(counter.assistant, user).held()
    ranking = counter.adviser.ranked(picks, wishes, department or None, limit(most))
    told = Teller(counter.assistant).told(user, ranking.advice[0]) if ranking.advice else None
    shown = TEMPLATES.get_template("shop.html").render(
        user=user,
        department=department,
        most=most,
        departments=counter.adviser.catalogue.departments,
        ranking=ranking,
        told=told,
        first=ranking.advice[:SHOWN],
        asked=_asked(counter, picks, ranking),
        picks=len(picks),
        left=max(0, QUESTIONS - len(picks)),
        wishes=wishes,
    )
    return HTMLResponse(shown)


@router.post("/picks")
def picked(counter: Serving, sent: Annotated[Picked, Form()]) -> Response:
    """One was picked, among those shown."""
    for item in sent.shown:
        counter.adviser.catalogue.place(item)
    if sent.chosen and sent.chosen not in sent.shown:
        raise BadInput(f"{sent.chosen[:80]!r} is none of what was shown: pick one of {', '.join(sent.shown)}")
    if len(sent.shown) != len({*sent.shown}) or not 2 <= len(sent.shown) <= SHOWN:
        raise BadInput(f"a pick is among 2 to {SHOWN} different items, and {len(sent.shown)} were sent")
    counter.notebook.add(sent.user, Pick(shown=sent.shown, chosen=sent.chosen or None))
    return sent.back


@router.post("/wishes")
def wished(counter: Serving, sent: Annotated[Said, Form()]) -> Response:
    """Something was said."""
    Wishes(counter.assistant, sent.user).say(sent.text)
    return sent.back


@router.post("/untruths")
def untrue(counter: Serving, sent: Annotated[About, Form()]) -> Response:
    """A wish holds no more, and is forgotten."""
    Wishes(counter.assistant, sent.user).forget(sent.statement)
    return sent.back


@router.post("/forgettings")
def forgotten(counter: Serving, sent: Annotated[Sent, Form()]) -> Response:
    """Everything of this person, picks and wishes."""
    counter.notebook.forget(sent.user)
    Wishes(counter.assistant, sent.user).erase()
    return sent.back


def create_app(counter: Counter) -> FastAPI:
    """The application; it answers this machine only."""
    app = FastAPI(title="Shop adviser", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.counter = counter
    app.include_router(router)
    app.mount("/static/shop", StaticFiles(directory=HERE / "static"), name="shop")
    app.mount("/static", StaticFiles(directory=Path(idiolect.server.__path__[0]) / "static"), name="static")
    errors.install(app)
    for layer in (BodyLimit, Doorkeeper, LastResort, SafeHeaders):  # the last one added is the first one passed
        app.add_middleware(layer)
    return app


def limit(written: str) -> float | None:
    """The most that something may cost. Raises BadInput for what is no sum of money."""
    if not written.strip():
        return None
    try:
        most = float(written.replace(",", "."))
    except ValueError:
        most = 0.0
    if not 0 < most < float("inf"):
        raise BadInput(f"{written[:20]!r} is no sum in euros: write a number above 0, such as 80, or leave it empty")
    return most


def _asked(counter: Counter, picks: Sequence[Pick], ranking: Ranking) -> tuple[Item, Item] | None:
    """What is asked now: the interview first, then only where the first places are uncertain."""
    allowed = [counter.adviser.catalogue.place(each.item.id) for each in ranking.advice]
    if len(picks) < QUESTIONS:
        found = counter.adviser.question(picks, np.random.default_rng(len(picks)), allowed)
    else:
        found = counter.adviser.doubt(picks, allowed[:SHOWN])
    items = counter.adviser.catalogue.items
    return None if found is None else (items[found[0]], items[found[1]])
