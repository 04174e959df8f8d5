"""What a bench is: settings that are its fields, cases that it computes, figures that need nothing but the cases."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from idiolect.errors import DataError
from idiolect.schema import Array, Noun

if TYPE_CHECKING:
    from rich.table import Table

T = TypeVar("T")


class Figure(Noun):
    """A value, its 95 % interval, and how many cases stand behind it."""

    value: float
    low: float
    high: float
    n: int


class Machine(Noun):
    """What a figure was measured on. No names of hosts or people."""

    cpu: str
    cores: int
    python: str
    platform: str
    versions: dict[str, str]


class Report(Noun):
    """A bench's outcome; as JSON it is the file that `idiolect bench NAME --json FILE` writes."""

    bench: str
    settings: dict[str, JsonValue]
    machine: Machine
    seconds: float
    metrics: dict[str, Figure]


class Case(Noun):
    """One line of a predictions file. `group` is what an interval resamples: a user, or a cluster of equal targets."""

    id: str
    group: str
    scores: dict[str, float]
    choice: str


N = TypeVar("N", bound=Noun)


@dataclass(frozen=True)
class Rows(Generic[N]):
    """Results that are kept one by one: what each is of, and everything that they depend on."""

    name: str
    kind: type[N]
    key: Mapping[str, JsonValue]
    ids: Sequence[str]


class Run(Protocol):
    """What a bench may use while it runs: its folder's finished rows, and progress on stderr."""

    @property
    def kept(self) -> Path:
        """The folder, for files that rows name."""

    def rows(self, rows: "Rows[N]", compute: Callable[[int], N], workers: int = 1) -> list[N]:
        """One value for each id, by its index: read back where the same key has it, else computed and kept at once."""

    def array(self, name: str, key: Mapping[str, JsonValue], compute: Callable[[], Array]) -> Array:
        """An array that takes long to compute: read back where the same key has it."""

    def track(self, items: Iterable[T], description: str, total: int) -> Iterable[T]:
        """The items, with a progress bar."""


class Bench(BaseModel, ABC):
    """A bench. Its fields are its settings; `--set key=value` sets them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    needs: ClassVar[str] = ""  # what `--data` must be, in words; empty where a bench needs none
    beside: ClassVar[Mapping[str, str]] = {}  # what a metric of the table is, in words
    staged: ClassVar[bool] = False  # metrics are METHOD/measure@stage, too many for one table

    seed: int = Field(0, description="Of every draw and every interval.")
    resamples: int = Field(1000, ge=100, description="Bootstrap resamples of an interval.")

    @property
    def unmeasured(self) -> str:
        """What these settings leave out, and how it is had, in words that stand under the table."""
        return ""

    def tables(self, report: Report) -> "list[Table]":
        """How its figures are read best; none: a line for each."""
        return []

    @abstractmethod
    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Do the work."""

    def drawn(self, metrics: Mapping[str, Figure]) -> str:
        """A report's metrics as an SVG. Raises DataError where a bench has no picture."""
        raise DataError(f"{type(self).__name__} has no picture of its figures; the bench `choice` has one")

    @abstractmethod
    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """The metrics, from the cases alone: a predictions file gives the same figures again."""
