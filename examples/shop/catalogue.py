"""The catalogue: what the shop has, one item a line, and the errors that a broken file is told by."""

import json
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, ValidationError

from idiolect.errors import DataError, NotFound
from idiolect.schema import Noun

DATA = Path(__file__).parent / "data"
CATALOGUE = DATA / "catalogue.jsonl"
ANIMAL = frozenset({"leather", "wool", "down", "milk"})  # as a label names them
MEND = "write the shop's own again with `python -m examples.shop make`, or mend the line"

Degree: TypeAlias = Annotated[int, Field(ge=1, le=5)]
Style: TypeAlias = Literal["classic", "modern", "rustic", "playful", "sporty"]
Shade: TypeAlias = Literal["dark", "natural", "green", "bright", "pale"]
Made: TypeAlias = Literal["workshop", "cooperative", "factory", "nearby"]


class ItemNotFound(NotFound):
    """Nothing of this name is in the catalogue."""


class Item(Noun):
    """Something that is for sale. `paid`: a seller pays for it to be shown; nothing that ranks reads it."""

    id: str = Field(pattern=r"^[a-z0-9-]{1,80}$")
    department: str = Field(min_length=1)
    name: str = Field(min_length=1)
    price_eur: float = Field(gt=0)
    material: str = Field(min_length=1)
    style: Style
    shade: Shade
    made: Made
    sturdy: Degree
    light: Degree
    easy: Degree
    contains: tuple[str, ...] = ()  # what the law has named on a label, and what comes from animals
    rating: float = Field(ge=1, le=5)
    sold: int = Field(ge=0)
    text: str = Field(min_length=1)
    reviews: tuple[str, ...] = ()
    paid: bool = False

    @property
    def declared(self) -> str:
        """What it is made of, in words: the part of its text that is never a matter of style."""
        parts = [f"Material: {self.material}."] if self.department != "snacks" else [f"Made of {self.material}."]
        parts += [f"Contains {', '.join(self.contains)}."] if self.contains else []
        parts += [] if ANIMAL & {*self.contains} else ["Vegan."]
        return " ".join(parts)

    @property
    def words(self) -> str:
        """All of its text, by which it is found and judged."""
        return f"{self.name}. {self.text} {self.declared}"


class Catalogue:
    """Items in their order; at least two, or there is nothing to rank."""

    def __init__(self, items: Sequence[Item]) -> None:
        """Raises DataError for none, one alone, or two of one id."""
        if len(items) < 2:
            raise DataError(f"the catalogue holds {len(items)} items, and there is nothing to rank: {MEND}")
        twice = [name for name, count in Counter(item.id for item in items).items() if count > 1]
        if twice:
            raise DataError(f"the catalogue names {twice[0]!r} more than once; each id stands for one item: {MEND}")
        self.items = tuple(items)
        self.departments = tuple(dict.fromkeys(item.department for item in items))
        self._place = {item.id: place for place, item in enumerate(self.items)}

    @classmethod
    def load(cls, path: Path = CATALOGUE) -> "Catalogue":
        """Raises DataError with the line and the field that is wrong."""
        if not path.is_file():
            raise DataError(f"there is no catalogue at {path}: {MEND}")
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as bad:
            raise DataError(f"{path} is no text in UTF-8 ({bad.reason}): {MEND}") from bad
        return cls([_read(line, number, path) for number, line in enumerate(lines, start=1) if line.strip()])

    def save(self, path: Path) -> None:
        """One JSON line an item."""
        path.write_text("".join(item.model_dump_json() + "\n" for item in self.items), encoding="utf-8")

    def place(self, item: str) -> int:
        """Where an item of this id stands. Raises ItemNotFound."""
        if item not in self._place:
            raise ItemNotFound(f"the shop has nothing with the id {item[:80]!r}: take one from the list that it shows")
        return self._place[item]

    def within(self, department: str | None) -> list[int]:
        """Places of a department's items; of all, for None. Raises ItemNotFound for a department that is none."""
        if department is not None and department not in self.departments:
            known = ", ".join(self.departments)
            raise ItemNotFound(f"the shop has no department {department[:80]!r}; there are: {known}")
        return [at for at, item in enumerate(self.items) if department in {None, item.department}]

    @cached_property
    def digest(self) -> str:
        """Of everything but who pays: what was fitted on this catalogue says so by it."""
        told = [item.model_dump(mode="json", exclude={"paid"}) for item in self.items]
        return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def texts(self) -> str:
        """Of the texts alone, which vectors are of."""
        return sha256("\n".join(item.words for item in self.items).encode()).hexdigest()[:16]


def _read(line: str, number: int, path: Path) -> Item:
    try:
        return Item.model_validate_json(line)
    except ValidationError as bad:
        first = bad.errors()[0]
        where = ".".join(map(str, first["loc"]))
        what = f"field {where}: {first['msg']}" if where else first["msg"]
        raise DataError(f"line {number} of {path} is no item ({what}): {MEND}") from bad
