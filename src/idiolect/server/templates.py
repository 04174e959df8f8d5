"""The page's templates; all of its words live in `templates/`."""

from collections.abc import Mapping
from http import HTTPStatus
from importlib.metadata import version

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from idiolect.server.markdown import to_html
from idiolect.server.memory_views import clock, day, gone, listed
from idiolect.server.views import sentence, side, signed

ENVIRONMENT = Environment(
    loader=PackageLoader("idiolect.server", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters["markdown"] = to_html
ENVIRONMENT.filters["side"] = side
ENVIRONMENT.filters["signed"] = signed
ENVIRONMENT.filters["sentence"] = sentence
ENVIRONMENT.filters["day"] = day
ENVIRONMENT.filters["clock"] = clock
ENVIRONMENT.filters["gone"] = gone
ENVIRONMENT.filters["listed"] = listed
ENVIRONMENT.globals["version"] = version("idiolect")


def html(name: str, **values: object) -> str:
    """One template, filled."""
    return ENVIRONMENT.get_template(name).render(**values)


def render(
    name: str, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None, **values: object
) -> HTMLResponse:
    """One template, filled, as a response."""
    return HTMLResponse(html(name, **values), status, headers)
