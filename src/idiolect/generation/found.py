"""What `bench uplift` found best for a model, by pieces of feedback: `auto` goes by it.

The file comes with the package; `idiolect bench uplift --set found=FILE` writes one, and adds the model to those in it.
"""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from pydantic import Field, ValidationError

from idiolect.errors import DataError
from idiolect.schema import Noun

SHIPPED = "found.json"


class Best(Noun):
    """The method that won most against plain answers after so many pieces of feedback, and its win-rate."""

    evidence: int
    method: str
    win: float


class Found(Noun):
    """By the fingerprint of a model, fewest pieces of feedback first."""

    models: dict[str, tuple[Best, ...]] = Field(default_factory=dict)

    def best(self, fingerprint: str, evidence: int) -> str | None:
        """The method's name; with less feedback than was tried that of the least, and None for a model not tried."""
        tried = self.models.get(fingerprint, ())
        reached = [each for each in tried if each.evidence <= evidence] or list(tried[:1])
        return reached[-1].method if reached else None

    def save(self, path: Path) -> None:
        """As JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Found":
        """Raises DataError for a file of another form."""
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as broken:
            raise DataError(
                f"{path} does not say what was found best: `idiolect bench uplift --set found=FILE` writes such a file"
            ) from broken


@lru_cache(maxsize=1)
def shipped() -> Found:
    """What was found of the models that this package was tried with."""
    return Found.model_validate_json((files("idiolect.resources") / SHIPPED).read_text(encoding="utf-8"))
