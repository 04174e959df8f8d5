"""Long lists page by page, oldest first: a cursor is the place of the last line that was given, so it outlives it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, TypeAlias, TypeVar

from pydantic import Field

from idiolect.errors import BadInput
from idiolect.schema import Noun

T = TypeVar("T")
Place: TypeAlias = tuple[datetime, str]  # of a line in its list: when, and an id

LONGEST: Final = 1000
SEPARATOR: Final = "~"


class Page(Noun):
    """Which part of a long list is asked for; unsaid, all of it."""

    limit: int | None = Field(None, ge=1, le=LONGEST, description="At most so many; unsaid, all.")
    after: str | None = Field(None, description="Go on after this: `next` of the page before, as it is.")


def paged(lines: Iterable[T], page: Page, place: Callable[[T], Place]) -> tuple[tuple[T, ...], str | None]:
    """The lines of a page, and the cursor of the next page; None where there is none. Raises BadInput."""
    if page == Page():
        return tuple(lines), None
    begin = _read(page.after) if page.after is not None else None
    left = sorted((line for line in lines if begin is None or place(line) > begin), key=place)
    given = left[: page.limit]
    return tuple(given), _cursor(place(given[-1])) if len(given) < len(left) else None


def _cursor(place: Place) -> str:
    at, identifier = place
    return f"{at.astimezone(UTC).isoformat().removesuffix('+00:00')}Z{SEPARATOR}{identifier}"


def _read(cursor: str) -> Place:
    at, _, identifier = cursor.partition(SEPARATOR)
    try:
        return datetime.fromisoformat(at).astimezone(UTC), identifier
    except (ValueError, OverflowError) as unread:
        raise BadInput("`after` is no place in the list: give `next` of the page before, as it is") from unread
